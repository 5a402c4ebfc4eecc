"""Where sources differ or are silent, the sandbox has a switch.

Each is set under `switches:` in a seed file or in the options file of `serve`. "Inferred" says that no vendor
document confirms either value.

===================== ============================== =================================================================
switch                values (default first)         meaning and standing
===================== ============================== =================================================================
cancellation_credit   false, true                    true: an end inside a month bills the days up to it, and days
                                                     already billed are credited on the next invoice. Inferred: no
                                                     public text says what the PSA computes.
cancelled_day         last-billed, first-unbilled    what `cancelledDate` is. Inferred from rows that carry the last
                                                     day of a month.
negative_quantity     true, false                    false: a negative quantity is refused. Inferred: the schema has
                                                     no minimum.
rounding              line, unit                     line: quantity × price × days, then cents; unit: the prorated
                                                     unit price is rounded first. Not told apart by the public example.
explicit_nulls        false, true                    true: unset members are sent as null, as old servers do.
hosting               cloud, on-premise              bad keys answer 404 (cloud, as reported) or 401.
wrong_type_status     500, 400                       the status for a value of the wrong JSON type; 500 was seen, 400 is
                                                     inferred.
duplicate_identifier  refuse, allow                  a product or company identifier that exists: ObjectExists.
                                                     Inferred.
delete_invoiced       "409", InvalidObject           deleting an addition that was invoiced, or a record in use: 409 is
                                                     documented for records in use, the pairing is inferred.
update_invoiced       refuse, allow                  quantity, unitPrice, unitCost and effectiveDate of an addition
                                                     that was invoiced: 400 InvalidObject. Inferred. cancelledDate,
                                                     serialNumber and texts can always be changed.
page_size_over        cap, refuse                    pageSize above 1,000. The silent cap is one shop's word.
today_comparison      inclusive, exclusive           exclusive: `>= [today]` finds nothing, as one self-hosted shop
                                                     reports.
unknown_fields        ignore, refuse                 unknown names in `fields`. Ignored in a live log; refused for one
                                                     field, by one shop.
===================== ============================== =================================================================
"""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args, get_type_hints


class SwitchError(Exception):
    """A switch that does not exist, or a value it does not have; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Switches:
    """The settings of one sandbox; the table above says what each means."""

    cancellation_credit: bool = False
    cancelled_day: Literal["last-billed", "first-unbilled"] = "last-billed"
    negative_quantity: bool = True
    rounding: Literal["line", "unit"] = "line"
    explicit_nulls: bool = False
    hosting: Literal["cloud", "on-premise"] = "cloud"
    wrong_type_status: Literal["500", "400"] = "500"
    duplicate_identifier: Literal["refuse", "allow"] = "refuse"
    delete_invoiced: Literal["409", "InvalidObject"] = "409"
    update_invoiced: Literal["refuse", "allow"] = "refuse"
    page_size_over: Literal["cap", "refuse"] = "cap"
    today_comparison: Literal["inclusive", "exclusive"] = "inclusive"
    unknown_fields: Literal["ignore", "refuse"] = "ignore"

    def changed(self, values: Mapping[str, Any]) -> "Switches":
        """These switches with some set anew; raises SwitchError for a name or value that does not exist."""
        hints = get_type_hints(type(self))
        return replace(self, **{name: _checked(name, value, hints) for name, value in values.items()})

    def as_mapping(self) -> dict[str, Any]:
        """Every switch by name, in the form that `changed` takes."""
        return asdict(self)


def _checked(name: str, value: Any, hints: Mapping[str, Any]) -> Any:
    known = [field.name for field in fields(Switches)]
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        raise SwitchError(
            f"there is no switch {name!r}"
            + (f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(known)}")
        )
    words = get_args(hints[name])
    if not words:
        if not isinstance(value, bool):
            raise SwitchError(f"{name} is true or false, not {value!r}")
        return value
    # A status such as 409 reads as a number in YAML.
    if isinstance(value, bool) or str(value) not in words:
        raise SwitchError(f"{name} is one of {', '.join(words)}, not {value!r}")
    return str(value)
