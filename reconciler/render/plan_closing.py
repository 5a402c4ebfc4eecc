"""The end of a plan as text, where the eye lands: findings with their money, where every invoice line went, what the
plan rests on, what refuses it, and the plan in one sentence.
"""

from collections.abc import Iterator

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.plan import Coverage, Plan
from reconciler.render.breakdown import kept_price_sentences, kept_prices
from reconciler.render.grouping import quiet_agreements
from reconciler.render.open_items_text import completeness_lines, open_lines
from reconciler.render.page import Page
from reconciler.render.plan_totals import totals_lines
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Paint, Style, broken, hanging, wrapped
from reconciler.render.wording import counted, summary_sentence

SEVERITY_STYLES = {Severity.ERROR: Style.BAD, Severity.WARNING: Style.CAREFUL, Severity.INFO: Style.QUIET}
HEADINGS = {
    Severity.ERROR: "Errors, which keep their customers out of the plan",
    Severity.WARNING: "Warnings",
    Severity.INFO: "Notes",
}
_UNDO_HEADINGS = {Severity.ERROR: "What cannot be taken back"}


def closing_lines(plan: Plan, *, width: int, paint: Paint) -> Iterator[str]:
    """Everything after the records, ending with the summary and the digest."""
    page = Page(width, paint)
    yield from _findings(plan.findings, page, undo=plan.undoes is not None)
    yield from _coverage(plan, page)
    yield from open_lines(plan, page)
    yield from _documents(plan, page)
    yield from completeness_lines(plan, page)
    yield from _kept_prices(plan, page)
    yield from totals_lines(plan, page)
    yield from _verdict(plan, page)


def _findings(findings: tuple[Finding, ...], page: Page, *, undo: bool) -> Iterator[str]:
    for severity in Severity:
        chosen = [finding for finding in findings if finding.severity is severity]
        if not chosen:
            continue
        yield from page.heading(_UNDO_HEADINGS.get(severity, HEADINGS[severity]) if undo else HEADINGS[severity])
        for finding in chosen:
            yield from _finding(finding, page)


def _finding(finding: Finding, page: Page) -> Iterator[str]:
    amount = str(finding.amount) if finding.amount else ""
    subject = ", ".join(safe(part) for part in (finding.code, finding.customer) if part)
    for number, line in enumerate(page.ledger([(subject, (safe(amount),))])):
        yield page.paint(line, SEVERITY_STYLES[finding.severity]) if number == 0 else line
    yield from hanging(safe(finding.message), page.width, "    ")
    if finding.subscription and finding.subscription.strip():
        yield from hanging(f"subscription {safe(finding.subscription)}", page.width, "    ")
    if finding.where:
        yield from hanging(f"at {safe(str(finding.where))}", page.width, "    ")
    if finding.hint:
        yield from hanging(f"hint: {safe(finding.hint)}", page.width, "    ", "      ")


def _coverage(plan: Plan, page: Page) -> Iterator[str]:
    if not plan.coverage:
        return
    yield from page.heading("Where the invoice lines went")
    yield from page.ledger(row for coverage in plan.coverage for row in _coverage_rows(coverage))


def _coverage_rows(coverage: Coverage) -> Iterator[tuple[str, tuple[str, ...]]]:
    first, *more = [safe(str(money)) for money in coverage.amounts] or ["no amount"]
    yield f"{safe(coverage.outcome)}: {safe(coverage.rule)}", (counted(coverage.lines, "line"), first)
    for amount in more:
        yield "", ("", amount)


def _documents(plan: Plan, page: Page) -> Iterator[str]:
    if not plan.documents:
        return
    yield from page.heading("Documents that the plan rests on")
    rows = [
        (f"{safe(used.invoice)}, {safe(used.path)}", (counted(used.lines, "line"), f"sha256 {safe(used.sha256)[:12]}"))
        for used in plan.documents
    ]
    yield from page.ledger(rows)


def _kept_prices(plan: Plan, page: Page) -> Iterator[str]:
    """What price changes that are not passed on come to, by customer."""
    sentences = list(kept_price_sentences(plan))
    if not sentences:
        return
    yield from page.heading("Price changes that are not passed on")
    rows = [("", ("this month", "every month after"))]
    rows += [
        (f"{safe(k.customer)}: {k.direction}, price_change {safe(k.policy)}", (safe(str(k.now)), safe(str(k.after))))
        for k in kept_prices(plan)
    ]
    yield from page.ledger(rows)
    for sentence in sentences:
        yield from (page.paint(line, Style.CAREFUL) for line in wrapped(safe(sentence), page.width))


def _verdict(plan: Plan, page: Page) -> Iterator[str]:
    yield ""
    quiet = quiet_agreements(plan)
    if quiet:
        yield from wrapped(f"{counted(quiet, 'agreement')} reconciled without a change.", page.width)
    for guard in plan.refused_by:
        yield from (page.paint(line, Style.BAD) for line in wrapped(f"Refused by guard {safe(guard)}.", page.width))
    yield from (page.paint(line, Style.STRONG) for line in wrapped(summary_sentence(plan), page.width))
    unchanged = counted(plan.unchanged, "subscription")
    tail = [f"{unchanged} as before already" if plan.undoes else f"{unchanged} unchanged"]
    tail += [counted(len(plan.errors), "error")] if plan.errors else []
    tail += [counted(len(plan.warnings), "warning")] if plan.warnings else []
    tail = tail[1:] if plan.undoes and not plan.unchanged else tail
    yield from wrapped(", ".join(tail) + "." if tail else "", page.width)
    for piece in broken(f"digest {safe(plan.digest)}", page.width):
        yield page.paint(piece, Style.QUIET)
