"""What is said of one billing rule."""

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How a rule stands in this version, against the sync tools that partners come from."""

    KEPT = "kept"
    EXTENDED = "extended"
    DIFFERENT = "different"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    `says` is one sentence that a customer can read. `decided_in` are the modules that decide it, below `reconciler/`;
    only a rule that is to come has none. `note` says what is more, what is otherwise and why, or what there is until
    then. `message` is the text that users of other tools search for, word for word. Where no scenario is named after
    the rule, `shown_with` are the rules whose scenarios show it too, or `not_shown` says why none can.
    """

    number: str
    says: str
    standing: Standing
    decided_in: tuple[str, ...] = ()
    note: str = ""
    message: str = ""
    shown_with: tuple[str, ...] = ()
    not_shown: str = ""
