"""The history for other programs: as CSV for a spreadsheet, and as JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.render.safe_csv import Cell
    from reconciler.store.database import Store
    from reconciler.store.history import Run, Sent
    from reconciler.store.kept import KeptFile
    from reconciler.store.standings import Subscriptions

_RUN_COLUMNS = (
    "run", "started", "finished", "command", "month", "target", "status", "done", "failed", "errors", "warnings",
    "customers", "by", "plan_digest",
)  # fmt: skip
_DETAIL_COLUMNS = (
    "run", "command", "month", "row", "at", "customer", "subscription", "name", "status", "http_status", "amount",
    "currency", "text",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Detail:
    """A run with all that is known of it: its documents (empty where they were not kept), its subscriptions, what was
    sent and answered, and what the protocol could not settle.
    """

    run: "Run"
    files: "tuple[KeptFile, ...]"
    subscriptions: "Subscriptions"
    sent: "tuple[Sent, ...]"
    incidents: tuple[str, ...]


def detail_of(store: "Store", run: "Run") -> Detail:
    """All that is known of a run. Raises StoreError."""
    from reconciler.store.history import incidents, steps, subscriptions
    from reconciler.store.kept import kept_files

    applied = run.record.plan_id if run.record.kind.value != "plan" else None
    return Detail(
        run,
        kept_files(store, run.number),
        subscriptions(store, run),
        steps(store, run),
        incidents(store, applied) if applied else (),
    )


def runs_csv(runs: "Iterable[Run]") -> str:
    """One line a run, newest first."""
    from reconciler.render.safe_csv import csv_text

    return csv_text(_RUN_COLUMNS, (dict(zip(_RUN_COLUMNS, _run_row(run), strict=True)) for run in runs))


def detail_csv(detail: Detail) -> str:
    """One line for each customer, subscription, document, finding and step of a run; `row` says which it is."""
    from reconciler.render.safe_csv import csv_text

    record = detail.run.record
    head: list[Cell] = [detail.run.number, record.kind.value, record.month]
    rows = (dict(zip(_DETAIL_COLUMNS, [*head, *row], strict=True)) for row in _detail_rows(detail))
    return csv_text(_DETAIL_COLUMNS, rows)


def runs_json(runs: "Iterable[Run]") -> list[dict[str, Any]]:
    """The runs as JSON output writes them, newest first."""
    return [_run_members(run) for run in runs]


def detail_json(detail: Detail) -> dict[str, Any]:
    """A run as JSON output writes it."""
    return _run_members(detail.run) | {
        "files": [
            {"role": file.role.value, "source": file.source or None, "name": file.name, "sha256": file.sha256 or None}
            for file in detail.files
        ],
        "subscriptions": {customer: dict(statuses) for customer, statuses in detail.subscriptions.items()},
        "sent": [
            {
                "at": step.at,
                "address": step.address,
                "from": step.from_state,
                "to": step.to_state,
                "http_status": step.http_status,
                "text": step.detail,
            }
            for step in detail.sent
        ],
        "incidents": list(detail.incidents),
    }


def _run_row(run: "Run") -> "list[Cell]":
    from reconciler.applying.report import EARLIER
    from reconciler.cli.history import command_of, status_of

    record = run.record
    no_change_of_its_own = ("unchanged", "failed", "left", EARLIER)
    changes = {word: n for word, n in record.counts.items() if word not in no_change_of_its_own}
    return [
        run.number,
        record.started.isoformat(timespec="seconds"),
        record.finished.isoformat(timespec="seconds") if record.finished else None,
        command_of(run),
        record.month,
        record.target,
        status_of(run),
        sum(changes.values()),
        record.counts.get("failed", 0) + record.counts.get("left", 0),
        sum(told.severity == "error" for told in record.findings),
        sum(told.severity == "warning" for told in record.findings),
        len(record.customers),
        record.who,
        record.digest,
    ]


def _detail_rows(detail: Detail) -> "Iterator[list[Cell]]":
    record = detail.run.record
    for customer, status in record.customers.items():
        yield ["customer", None, customer, None, None, status, None, None, None, None]
    for customer, statuses in detail.subscriptions.items():
        for subscription, status in statuses.items():
            yield ["subscription", None, customer, subscription, None, status, None, None, None, None]
    for file in detail.files:
        yield [file.role.value, None, None, None, file.name, None, None, None, None, file.sha256]
    for told in record.findings:
        amount, currency = _money(told.amount)
        yield ["finding", None, told.customer, None, told.code, told.severity, None, amount, currency, told.message]
    for step in detail.sent:
        moved = f"{step.from_state or 'new'} to {step.to_state}"
        yield ["sent", step.at, None, None, step.address, moved, step.http_status, None, None, step.detail]
    for incident in detail.incidents:
        yield ["incident", None, None, None, None, None, None, None, None, incident]


def _money(text: str | None) -> tuple[Decimal | None, str | None]:
    """An amount as the history keeps it, `12.00 AUD`, in its two parts."""
    amount, _, currency = (text or "").partition(" ")
    try:
        return Decimal(amount), currency
    except InvalidOperation:
        return None, None


def _run_members(run: "Run") -> dict[str, Any]:
    from reconciler.cli.history import command_of, status_of

    record = run.record
    return {
        "run": run.number,
        "command": command_of(run),
        "month": record.month,
        "target": record.target,
        "started": record.started.isoformat(),
        "finished": record.finished.isoformat() if record.finished else None,
        "status": status_of(run),
        "by": record.who,
        "digest": record.digest,
        "counts": dict(record.counts),
        "coverage": [
            {"outcome": row.outcome, "rule": row.rule, "lines": row.lines, "amounts": list(row.amounts)}
            for row in record.coverage
        ],
        "customers": dict(record.customers),
        "programs": {
            name: {"status": its.status, "customers": its.customers, "changes": its.changes, "failed": its.failed}
            for name, its in record.programs.items()
        },
        "findings": [
            {"severity": t.severity, "code": t.code, "message": t.message, "customer": t.customer, "amount": t.amount}
            for t in record.findings
        ],
    }
