"""Which way a row without a price counts: free trials and 100 % discounts have no sign of their own.

Inferred, for the vendor documents no rule (sources §1.5). A row with a priced partner of the same event counts against
it. Of two without a price, `addQuantity` refunds the smaller count and charges the larger, `removeQuantity` the other
way round; of a `convert` or `moveQuantity`, the refund is the row whose product has other rows over these days, else
the first in the file. Rows that open a cycle count up and a cancellation counts down. What remains is reported.
"""

from collections.abc import Iterable
from datetime import date

from reconciler.domain.invoice import Charge
from reconciler.sources.fields import Report
from reconciler.sources.partner_center.drafts import Draft

_PAIRED = frozenset({Charge.ADD_QUANTITY, Charge.REMOVE_QUANTITY, Charge.CONVERT, Charge.MOVE_QUANTITY})
_LONE = {Charge.ADD_QUANTITY: 1, Charge.REMOVE_QUANTITY: -1}


def settle_signs(drafts: list[Draft], report: Report) -> None:
    """Gives every row of a file a sign; a row whose way nobody can tell becomes an error and no longer counts."""
    open_rows = [draft for draft in drafts if not draft.sign]
    if not open_rows:
        return
    for draft in open_rows:
        if draft.charge not in _PAIRED or not draft.magnitude:
            draft.sign = -1 if draft.charge is Charge.CANCEL else 1
    for group in _events(drafts):
        if any(not draft.sign for draft in group):
            _settle(group, drafts, report)


def _events(drafts: Iterable[Draft]) -> Iterable[list[Draft]]:
    groups: dict[tuple[str, str, Charge, date | None], list[Draft]] = {}
    for draft in drafts:
        if draft.charge in _PAIRED:
            event = draft.reference or draft.key.subscription
            start = draft.span.first if draft.span else None
            groups.setdefault((draft.key.tenant, event, draft.charge, start), []).append(draft)
    return groups.values()


def _settle(group: list[Draft], drafts: list[Draft], report: Report) -> None:
    unsigned = [draft for draft in group if not draft.sign]
    signs = {draft.sign for draft in group if draft.sign}
    if len(unsigned) == 1 and len(signs) == 1:
        unsigned[0].sign = -signs.pop()
    elif len(unsigned) == 2 and not signs:
        refund = _refund(unsigned, drafts)
        for draft in unsigned:
            draft.sign = -1 if draft is refund else 1
    elif len(unsigned) == 1 and unsigned[0].charge in _LONE:
        draft = unsigned[0]
        draft.sign = _LONE[draft.charge]
        report.about(draft.key.tenant, draft.key.subscription).warning(
            "sign",
            f"the {draft.charge} has neither a price nor a partner; read as {draft.sign * draft.magnitude:+f} seats",
            (draft.row, None),
            "check the quantity in Partner Center",
        )
    else:
        for draft in unsigned:
            draft.counted = False
            report.about(draft.key.tenant, draft.key.subscription).error(
                "sign",
                f"the {draft.charge} has no price and no partner by which to tell whether it adds or removes seats",
                (draft.row, None),
                "write the subscription's change as a normalised invoice",
            )


def _refund(pair: list[Draft], drafts: list[Draft]) -> Draft:
    first, second = pair
    if first.charge is Charge.ADD_QUANTITY:
        return min(pair, key=lambda draft: draft.magnitude)
    if first.charge is Charge.REMOVE_QUANTITY:
        return max(pair, key=lambda draft: draft.magnitude)
    return second if _held(second, drafts) and not _held(first, drafts) else first


def _held(draft: Draft, drafts: list[Draft]) -> bool:
    """Whether another event's rows cover the day on which the draft begins, for the same subscription and product."""
    return any(
        other.key == draft.key and other.reference != draft.reference and _covers(other, draft) for other in drafts
    )


def _covers(other: Draft, draft: Draft) -> bool:
    return bool(other.span and draft.span and other.span.first <= draft.span.first <= other.span.last)
