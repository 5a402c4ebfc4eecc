"""In which order a plan is written: what is needed first, then product by product and agreement by agreement."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from reconciler.applying.slots import is_addition, wanted
from reconciler.domain.plan import AdditionValues, Change


class CircularNeeds(Exception):
    """Changes of a plan need each other in a circle."""


def chain_of(change: Change) -> str:
    """What is written one after the other: all changes of an agreement, or of a product."""
    values = wanted(change)
    return f"agreement/{values.agreement_id}" if isinstance(values, AdditionValues) else f"product/{values.vendor_sku}"


def subscription_of(change: Change) -> str:
    """What belongs together: once one change of it was not done, those after it would bill what nobody planned."""
    values = wanted(change)
    if not isinstance(values, AdditionValues):
        return values.vendor_sku
    return change.subscription or values.serial_number or change.address


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes, products first, each after what it needs, else as the plan has them. Raises CircularNeeds."""
    waiting = sorted(changes, key=is_addition)
    addresses = {change.address for change in waiting}
    done: dict[str, Change] = {}
    while waiting:
        later = []
        for change in waiting:
            if any(need in addresses and need not in done for need in change.needs):
                later.append(change)
            else:
                done[change.address] = change
        if len(later) == len(waiting):
            raise CircularNeeds(f"these changes need each other: {', '.join(change.address for change in later)}")
        waiting = later
    return tuple(done.values())


def chains(changes: Iterable[Change]) -> Mapping[str, tuple[Change, ...]]:
    """The changes by chain. Every chain keeps the common order, so that waiting for needs across chains always ends."""
    by_chain = sorted(in_order(changes), key=chain_of)
    return {chain: tuple(members) for chain, members in groupby(by_chain, chain_of)}
