"""Drift as people read it, and as JSON: last applied, in the PSA now, wanted; who and when; kept or not."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from reconciler.domain.decision import FieldValue, RecordField
from reconciler.domain.drift import Drift, DriftKind, DriftReport, ThreeWay, named, shown
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Paint, Style, cells, hanging, left, painter, right

FORMAT = "reconciler-drift/1"
_HEADS = ("last applied", "PSA now", "wanted")
_LABEL = 15


def drift_lines(report: DriftReport, *, width: int, colour: bool) -> Iterator[str]:
    """The report in lines of about `width` cells."""
    if not report.known:
        yield f"Drift is not known: the state holds no apply to {safe(report.target)}."
        yield "It begins with the first apply that this state sees; what is planned does not depend on it."
        return
    for title, rows in _parts(report):
        if rows:
            yield title
            yield ""
            yield from _records(rows, width, colour=colour)
    for sentence in report.unread:
        yield from hanging(f"not compared: {safe(sentence)}", width, "")
    yield from hanging(_closing(report), width, "")


def drift_json(report: DriftReport) -> dict[str, Any]:
    """The report as JSON values. A value that is wanted is left out where it is not known."""
    return {
        "format": FORMAT,
        "target": report.target,
        "month": report.month,
        "known": report.known,
        "drift": [_row_json(row) for row in report.rows],
        "not_compared": list(report.unread),
        "summary": {
            "drift": len(report.stands),
            "kept": sum(row.kept is not None for row in report.rows),
            "information": sum(row.drift.informs for row in report.rows),
        },
    }


def _parts(report: DriftReport) -> tuple[tuple[str, tuple[ThreeWay, ...]], ...]:
    kept = tuple(row for row in report.rows if row.kept is not None)
    informing = tuple(row for row in report.rows if row.kept is None and row.drift.informs)
    return (
        (f"Changed in the PSA since the last apply (wanted: the plan for {report.month})", report.stands),
        ("Kept by a reviewed decision", kept),
        ("For information", informing),
    )


# -- text


def _records(rows: Iterable[ThreeWay], width: int, *, colour: bool) -> Iterator[str]:
    paint = painter(colour=colour)
    for (agreement, record), group in groupby(rows, key=lambda row: (row.agreement, row.drift.record)):
        here = list(group)
        first = here[0].drift
        head = f"{safe(first.customer or 'no customer')}, {safe(agreement)}, record {safe(record)}"
        yield from (paint(line, Style.STRONG) for line in hanging(head, width, "  ", "    "))
        about = f"subscription {safe(first.subscription or 'none')}, from {first.effective}{_applied(first)}"
        yield from hanging(about, width, "    ")
        yield from _table(here, width, colour=colour)
        for row in here:
            yield from _notes(row, width)
        yield from _planned(here[0], width)
        yield ""


def _applied(found: Drift) -> str:
    if found.at is None:
        return ""
    run = f" in run {found.run}" if found.run is not None else ", as a plan saw it and left it"
    return f"; applied {found.at:%Y-%m-%d %H:%M} UTC{run}"


def _table(rows: Iterable[ThreeWay], width: int, *, colour: bool) -> Iterator[str]:
    """The fields as a table; those whose values have no room for it, a subscription's id for one, below it in lines."""
    paint = painter(colour=colour)
    lines = [(_label(row.drift), *_values(row)) for row in rows]
    table = [line for line in lines if _LABEL + sum(map(cells, line[1:])) + 10 <= width]
    if table:
        yield from _columns(table, paint)
    for name, *values in (line for line in lines if line not in table):
        yield f"    {name}"
        for head, value in zip(_HEADS, values, strict=True):
            yield from hanging(f"{head + ':':<14}{value}", width, "      ", "        ")


def _columns(table: Sequence[tuple[str, ...]], paint: Paint) -> Iterator[str]:
    widths = [max(cells(line[n]) for line in [("", *_HEADS), *table]) for n in range(1, 4)]
    label = max(_LABEL, *(cells(line[0]) for line in table))
    heads = (right(head, widths[n]) for n, head in enumerate(_HEADS))
    yield paint(f"    {left('', label)}  {'  '.join(heads)}", Style.QUIET)
    for name, *values in table:
        padded = [right(value, widths[n]) for n, value in enumerate(values)]
        padded[1] = paint(padded[1], Style.CAREFUL)
        yield f"    {left(name, label)}  {'  '.join(padded)}"


def _label(found: Drift) -> str:
    return named(found.field) if found.field else "whole record"


def _values(row: ThreeWay) -> tuple[str, str, str]:
    found = row.drift
    now = "gone" if found.kind is DriftKind.GONE else _text(found.now, found.field)
    applied = "none" if found.kind is DriftKind.CAME_IN else _text(found.applied, found.field)
    return applied, now, _text(row.wanted, found.field) if row.wanted_known else "not known"


def _text(value: FieldValue, field: RecordField | None) -> str:
    return safe(shown(value, field))


def _notes(row: ThreeWay, width: int) -> Iterator[str]:
    subject = _label(row.drift)
    trace = row.trace
    if trace is not None:
        when = f", {safe(trace.at)}" if trace.at else ""
        yield from hanging(
            f"{subject}: {safe(trace.who or 'somebody')}{when}: {safe(trace.text)}", width, "    ", "      "
        )
    else:
        yield from hanging(f"{subject}: the audit trail does not tell who", width, "    ")
    if row.kept is not None:
        kept = row.kept
        text = f"kept until {kept.until}, says {safe(kept.by)}: {safe(kept.reason)} ({safe(str(kept.place))})"
        yield from hanging(text, width, "    ", "      ")


def _planned(row: ThreeWay, width: int) -> Iterator[str]:
    if not row.wanted_known:
        text = "the plan does not tell what is wanted: no invoice of the month, or an error, keeps this customer out"
    elif row.planned:
        text = f"planned: {', '.join(safe(address) for address in row.planned)}"
    else:
        text = "the plan writes nothing for this subscription"
    yield from hanging(text, width, "    ", "      ")


def _closing(report: DriftReport) -> str:
    stands, rest = report.stands, len(report.rows) - len(report.stands)
    if not stands:
        beside = f" ({rest} kept or for information)" if rest else ""
        compared = " of what could be compared" if report.unread else ""
        return f"No drift: the PSA is as the last apply left it{compared}{beside}."
    records = len({(row.agreement, row.drift.record) for row in stands})
    counted = f"{len(stands)} {'difference' if len(stands) == 1 else 'differences'}"
    return (
        f"Drift: {counted} in {records} {'record' if records == 1 else 'records'}. "
        "An override in decisions/ keeps one; where wanted differs, the next apply writes it."
    )


# -- JSON


def _row_json(row: ThreeWay) -> dict[str, Any]:
    found, kept, trace = row.drift, row.kept, row.trace
    members: dict[str, Any] = {
        "kind": found.kind.value,
        "customer": found.customer,
        "agreement": row.agreement,
        "record": found.record,
        "subscription": found.subscription,
        "effective": found.effective.isoformat(),
        "field": found.field.value if found.field else None,
        "last_applied": _json(found.applied),
        "psa": _json(found.now),
        "applied_at": found.at.isoformat() if found.at else None,
        "run": found.run,
        "information": found.informs,
        "planned": list(row.planned),
        "changed": {"by": trace.who, "at": trace.at, "text": trace.text} if trace else None,
        "kept": {"by": kept.by, "reason": kept.reason, "until": str(kept.until), "where": str(kept.place)}
        if kept
        else None,
    }
    return members | ({"wanted": _json(row.wanted)} if row.wanted_known else {})


def _json(value: FieldValue) -> str | None:
    if value is None:
        return None
    return shown(value, None) if not isinstance(value, str) else value
