"""The normalised invoice as CSV: nested names joined by a dot (or an underscore), one row per line, the invoice's own
columns repeated on each. Rows become the same tree that YAML gives, and are read by the same reader.
"""

from collections.abc import Mapping

from reconciler.sources.fields import Report, similar
from reconciler.sources.normalised import CUSTOMER, INVOICE, LINE, PERIOD, SCHEDULED
from reconciler.sources.tables import Table, rows_of
from reconciler.sources.tree import Items, Members
from reconciler.sources.values import shown, spelled

_NESTED = ("period", "customer", "scheduled", "lines")
_OF_INVOICE = tuple(name for name in INVOICE if name not in _NESTED)
_OF_LINE = tuple(name for name in LINE if name not in _NESTED)

# A column's spelling -> the names that lead to its value in the tree.
COLUMNS: dict[str, tuple[str, ...]] = {
    spelled(".".join(path)): path
    for path in (
        *((name,) for name in (*_OF_INVOICE, *_OF_LINE)),
        *(("period", name) for name in PERIOD),
        *(("customer", name) for name in CUSTOMER),
        *(("scheduled", name) for name in SCHEDULED),
    )
}
_TENANT = spelled("customer.tenant")


def invoice_trees(source: Table, report: Report) -> list[Members]:
    """One tree per invoice number, in the order of the file; `rows_of` and this report what does not fit."""
    paths = [COLUMNS.get(name) for name in source.names]
    _report_columns(source, paths, report)
    tenant_at = source.names.index(_TENANT) if _TENANT in source.names else None
    trees: dict[str, Members] = {}

    def tenant(row: list[str]) -> str | None:
        known = tenant_at is not None and tenant_at < len(row) and row[tenant_at].strip().lower()
        return known or None

    for line, row in rows_of(source, report, tenant):
        of_row = _tree(paths, row, line)
        number = of_row.get("invoice")
        if not isinstance(number, str):
            report.about(tenant(row)).error("missing-member", "the row has no 'invoice'", (line, None))
            continue
        head = {name: of_row.pop(name) for name in (*_OF_INVOICE, "period") if name in of_row}
        if number not in trees:
            trees[number] = Members((line, None))
            trees[number].update(head)
            trees[number]["lines"] = Items((line, None))
        elif differing := _differing(trees[number], head):
            name, first, here = differing
            where = f"{shown(first)} in row {trees[number].at[0]}, {shown(here)} here"
            message = f"invoice {number} has two values of '{name}': {where}"
            report.about(tenant(row)).error(
                "two-currencies" if name == "currency" else "two-values",
                message,
                (line, None),
                "give each invoice a number of its own",
            )
            continue
        lines = trees[number]["lines"]
        if isinstance(lines, Items):
            lines.append(of_row)
            lines.spots.append((line, None))
    for tree in trees.values():
        _lift_customer(tree)
    return list(trees.values())


def _report_columns(source: Table, paths: list[tuple[str, ...] | None], report: Report) -> None:
    written = [".".join(path) for path in COLUMNS.values()]
    for name, path in zip(source.header, paths, strict=True):
        if path is None:
            message = f"there is no column '{name}' in a normalised invoice" if name else "a column has no name"
            report.error("unknown-member", message, (1, None), similar(name, written) or f"known: {', '.join(written)}")
    for name in {name for name in source.names if source.names.count(name) > 1}:
        report.error("unknown-member", f"the column '{name}' stands in the header twice", (1, None))


def _tree(paths: list[tuple[str, ...] | None], row: list[str], line: int) -> Members:
    members = Members((line, None))
    for path, cell in zip(paths, row, strict=True):
        text = cell.strip()
        if path is None or not text:
            continue
        inner = members
        if len(path) == 2:
            nested = members.setdefault(path[0], Members((line, None)))
            inner = nested if isinstance(nested, Members) else members
        inner[path[-1]] = text
    return members


def _differing(tree: Members, head: Mapping[str, object]) -> tuple[str, str, str] | None:
    """The first of an invoice's own columns that says another thing in this row than in the invoice's first."""
    for name in (*_OF_INVOICE, "period"):
        first, here = tree.get(name), head.get(name)
        if here is not None and first != here:
            return name, _said(first), _said(here)
    return None


def _said(value: object) -> str:
    return " to ".join(str(day) for day in value.values()) if isinstance(value, Members) else str(value or "")


def _lift_customer(tree: Members) -> None:
    """A customer that all rows share is the invoice's; otherwise each line keeps its own."""
    lines = tree["lines"]
    rows = [line for line in lines if isinstance(line, Members)] if isinstance(lines, Items) else []
    first = rows[0].get("customer") if rows else None
    if first is not None and all(row.get("customer") == first for row in rows):
        tree["customer"] = first
        for row in rows:
            row.pop("customer")
