"""Reading texts as files, for tests."""

from pathlib import Path

from reconciler.sources.documents import Reading, read_documents
from reconciler.sources.seats import seat_timelines


def read_texts(folder: Path, form: str = "auto", /, **files: str | bytes) -> Reading:
    """Writes files into a folder (`a_csv` becomes `a.csv`) and reads them all."""
    for name, content in files.items():
        stem, _, suffix = name.partition("_")
        path = folder / f"{stem}.{suffix.replace('_', '.')}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_documents("distributor", ["*"], form, folder)


def levels(reading: Reading) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Seats by day: (subscription, SKU) -> [(first day of a level, level)]."""
    return {
        (key.subscription, key.sku): [(day.isoformat(), f"{level.normalize():f}") for day, level in timeline.steps]
        for key, timeline in seat_timelines(reading.invoices).items()
    }


def told(reading: Reading) -> list[str]:
    """The findings as lines of text: severity, code, place, customer, message, hint."""
    return [
        f"{finding.severity} {finding.code} {finding.where} [{finding.customer or '-'}] {finding.message}"
        + (f" | {finding.hint}" if finding.hint else "")
        for finding in reading.findings
    ]
