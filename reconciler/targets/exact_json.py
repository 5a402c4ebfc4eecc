"""JSON in which a number is the decimal that its text says, both ways: no binary float touches money.

Reading refuses NaN, Infinity and numbers of absurd size; writing refuses what a server that reads doubles could not
give back: more than 15 significant digits (text → double → text is exact up to there).
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from reconciler.domain.money import plain

MOST_DIGITS = 15
# The PSA's amounts are far smaller; a number like 1e999999999 would fill the memory when it is written out.
_LARGEST_EXPONENT = 40


class NotExact(ValueError):
    """A number with more significant digits than a PSA's JSON carries."""


def parsed(body: bytes) -> Any:
    """The value of a JSON text in UTF-8; fractions are Decimal. Raises ValueError for anything else."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=_decimal, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def written(value: Any) -> bytes:
    """The value as compact JSON in ASCII; a Decimal is written digit by digit.

    Raises NotExact for a Decimal of more than 15 significant digits, TypeError for floats and what JSON does not know.
    """
    return _text(value).encode()


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number of absurd size") from None
    if abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError("a number of absurd size")
    return number


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_text(str(name))}:{_text(member)}" for name, member in value.items()) + "}"
    if isinstance(value, Decimal):
        return _number(value)
    if value is None or isinstance(value, str | int):
        return json.dumps(value)
    if isinstance(value, Sequence):
        return "[" + ",".join(_text(member) for member in value) + "]"
    raise TypeError(f"{type(value).__name__} has no exact JSON")


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise NotExact(f"{value} is not a number that JSON knows")
    if len(value.normalize().as_tuple().digits) > MOST_DIGITS or abs(value.adjusted()) > MOST_DIGITS:
        raise NotExact(f"{value} has more than {MOST_DIGITS} significant digits")
    return plain(value)
