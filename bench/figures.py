"""How figures are written, with their units."""

from collections.abc import Sequence

MIB = 2**20


def seconds(value: float) -> str:
    """A duration, in the unit that people read it in."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def spread(values: Sequence[float], note: str = "") -> str:
    """From how many runs a duration comes, and between which values they lay."""
    told = f"median of {len(values)} runs, {seconds(min(values))} to {seconds(max(values))}"
    return f"{told}; {note}" if note else told
