"""The distributor's invoice beside the PSA's, as text for 80 columns."""

from collections.abc import Iterator, Sequence

from reconciler.domain.money import plain, printed
from reconciler.domain.tie import TiedSubscription
from reconciler.render.safe_text import safe


def tie_lines(tied: Sequence[TiedSubscription]) -> Iterator[str]:
    """Each subscription with the distributor's lines, their worth at the partner's price, and what the PSA billed."""
    customer = ""
    for subscription in tied:
        if subscription.customer != customer:
            customer = subscription.customer
            yield f"{safe(customer)}"
        yield f"  {safe(subscription.product)[:50]} {safe(subscription.subscription)[:8]}…"
        for line in subscription.charged:
            left = f"    {safe(line.invoice)} line {line.line}: {plain(line.quantity)} seats, {line.days}"
            yield f"{left:<66}{printed(line.due, subscription.currency):>12}"
        billed = ", ".join(plain(row.quantity) for row in subscription.billed) or "none"
        yield f"    {'charged, at your price':<62}{printed(subscription.due, subscription.currency):>12}"
        sign = "ties" if subscription.ties else "DIFFERS"
        left = f"    invoiced by the PSA (records of {billed})"
        yield f"{left:<66}{printed(subscription.invoiced, subscription.currency):>12} {sign}"
    good = sum(subscription.ties for subscription in tied)
    yield ""
    yield f"{good} of {len(tied)} subscriptions tie, to the cent or within the rounding of their records."
