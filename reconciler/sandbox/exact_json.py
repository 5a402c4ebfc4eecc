"""JSON in which a number keeps the digits it was written with.

Numbers with a fraction are `Decimal` on the way in, and go out as the decimal's own digits: 12.06 stays
12.06. A `Decimal` without a fraction is written with one (`2.0`), as the PSA does for money and quantities.
"""

import json
from datetime import date
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any


def loads(text: str | bytes) -> Any:
    """The value of a JSON text; raises ValueError for anything that is not JSON, NaN and Infinity included."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)


def dumps(value: Any) -> str:
    """The value as compact JSON text; dates become ISO text, a float the shortest text that gives it back."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts)


def pretty(value: Any) -> str:
    """Indented by two, lines ended by carriage return and newline: the form of the PSA's error bodies."""
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\r\n")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _write(value: Any, parts: list[str]) -> None:
    if isinstance(value, dict):
        opening = "{"
        for name, member in value.items():
            parts.append(opening + encode_basestring(str(name)) + ":")
            _write(member, parts)
            opening = ","
        parts.append("}" if opening == "," else "{}")
    elif isinstance(value, list | tuple):
        opening = "["
        for member in value:
            parts.append(opening)
            _write(member, parts)
            opening = ","
        parts.append("]" if opening == "," else "[]")
    else:
        parts.append(_scalar(value))


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None:
        return "null"
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, Decimal | float):
        return _number(value if isinstance(value, Decimal) else Decimal(repr(value)))
    if isinstance(value, date):
        return f'"{value.isoformat()}"'
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise TypeError(f"{value} has no JSON form")
    text = format(value, "f")
    return text if "." in text else text + ".0"
