"""The kinds of value that a mapping file holds: how each is read from text, and how an editor's schema describes it.

Every scalar arrives as the text that was written (`yaml_nodes`), so these are the only places where text becomes a
number, a day or a yes. What does not fit raises `expected`, whose words end the sentence "'sync' expects …".
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from reconciler.config.price_text import PATTERN, PriceText, parse_price
from reconciler.domain.days import Month
from reconciler.domain.mapping import Sync

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LONGEST_TEXT = 500
_MOST_DIGITS = 20
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_WHOLE = re.compile(r"[0-9]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# An editor sees YAML's own types, and a reference to an environment variable where any value may stand.
_REFERENCE_SCHEMA = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"}
_TEXT_SCHEMA = {"type": ["string", "number"]}


def expected(
    what: str, hint: str | None = None, code: str = "type", known: tuple[str, ...] = ()
) -> PydanticCustomError:
    """The error for a value that does not fit: `what` ends the sentence "'field' expects …"; `known` are the words that
    it can be, where it is one of a few.
    """
    # The words go in as context: they may hold braces, which the message template would take for places.
    return PydanticCustomError(code, "{what}", {"what": what, "hint": hint or "", "known": list(known)})


def listed(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else "".join(words)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise expected("text")
    if not value.strip():
        raise expected("text")
    if len(value) > _LONGEST_TEXT:
        raise expected(f"at most {_LONGEST_TEXT} characters")
    if _CONTROL.search(value):
        raise expected("text on one line, without control characters")
    return value


def _boolean(value: Any) -> bool:
    if value not in ("true", "false"):
        raise expected("true or false")
    return bool(value == "true")


def _sync(value: Any) -> Sync:
    if value not in ("true", "false", "preview"):
        raise expected("true, false or preview")
    return Sync(value)


def _number(value: Any) -> Decimal:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise expected(
            "a number such as 30 or 12.50", "digits and a point; no exponent, no percent sign, no separators"
        )
    if sum(character.isdigit() for character in value) > _MOST_DIGITS or not value.isascii():
        raise expected(f"a number of at most {_MOST_DIGITS} digits")
    return Decimal(value)


def _positive(value: Any) -> Decimal:
    number = _number(value)
    if number < 0:
        raise expected("a number that is not negative")
    return number


def _whole(value: Any) -> int:
    if not isinstance(value, str) or not _WHOLE.fullmatch(value) or not value.isascii():
        raise expected("a whole number such as 500")
    if len(value) > 9:
        raise expected("a whole number of at most 9 digits")
    return int(value)


def _counted(value: Any) -> int:
    number = _whole(value)
    if number < 1:
        raise expected("a whole number from 1 on")
    return number


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not _WHOLE.fullmatch(value) or not value.isascii() or len(value) > _MOST_DIGITS:
        raise expected("the record's number in the PSA, such as 250")
    return value.lstrip("0") or "0"


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value == "none" else read(value)


def _month(value: Any) -> Month:
    try:
        return Month.parse(value if isinstance(value, str) and value.isascii() else "")
    except ValueError:
        raise expected("a month written as 2026-09") from None


def _day(value: Any) -> date:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise expected("a day that is in the calendar") from None
    raise expected("a day written as 2026-09-01")


def _globs(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        if not value:
            raise expected("at least one path")
        return tuple(_text(item) for item in value)
    return (_text(value),)


def _secret(value: Any) -> str:
    found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        # What was written is never repeated, in no message: it may be the secret.
        raise expected("a reference such as ${NAME}", code="literal-secret")
    return found[1]


def _url(value: Any) -> str:
    text = _text(value)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise expected("an address such as https://api-na.myconnectwise.net") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0 or re.search(r"\s", text):
        raise expected("an address such as https://api-na.myconnectwise.net")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise expected("an address without user, password, query or fragment", "credentials have fields of their own")
    if parts.scheme == "http" and not _loopback(parts):
        raise expected("https", "http is for this machine alone (127.0.0.1, localhost)")
    return text.rstrip("/")


def _loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _price(value: Any) -> PriceText:
    try:
        return parse_price(_text(value))
    except ValueError:
        raise expected(
            "retail, cost, psa, 'fixed 12.50', 'retail - 5%' or 'cost + 1.20'",
            "a discount is at most 100 %; numbers are written with a point",
        ) from None


def _either(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, _REFERENCE_SCHEMA]}


def _numeric(kind: str, pattern: str, **limits: Any) -> dict[str, Any]:
    return {"anyOf": [{"type": kind} | limits, {"type": "string", "pattern": pattern}, _REFERENCE_SCHEMA]}


_GLOB_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}

Text = Annotated[str, PlainValidator(_text), WithJsonSchema(_TEXT_SCHEMA)]
Boolean = Annotated[bool, PlainValidator(_boolean), WithJsonSchema(_either({"enum": [True, False, "true", "false"]}))]
SyncSetting = Annotated[
    Sync,
    PlainValidator(_sync),
    WithJsonSchema(_either({"enum": [True, False, "preview", "true", "false"]})),
]
NumberOrNone = Annotated[
    Decimal | None,
    PlainValidator(_or_none(_number)),
    WithJsonSchema(_numeric("number", r"^([+-]?[0-9]+(\.[0-9]+)?|none)$")),
]
Positive = Annotated[
    Decimal, PlainValidator(_positive), WithJsonSchema(_numeric("number", r"^\+?[0-9]+(\.[0-9]+)?$", minimum=0))
]
Counted = Annotated[int, PlainValidator(_counted), WithJsonSchema(_numeric("integer", r"^[0-9]{1,9}$", minimum=1))]
WholeOrNone = Annotated[
    int | None,
    PlainValidator(_or_none(_whole)),
    WithJsonSchema(_numeric("integer", r"^([0-9]{1,9}|none)$", minimum=0)),
]
Identifier = Annotated[
    str, PlainValidator(_identifier), WithJsonSchema(_numeric("integer", r"^[0-9]{1,20}$", minimum=0))
]
MonthText = Annotated[
    Month,
    PlainValidator(_month),
    WithJsonSchema(_either({"type": "string", "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])$"})),
]
Day = Annotated[
    date, PlainValidator(_day), WithJsonSchema(_either({"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}))
]
Globs = Annotated[tuple[str, ...], PlainValidator(_globs), WithJsonSchema(_GLOB_SCHEMA)]
SecretName = Annotated[
    str,
    PlainValidator(_secret),
    WithJsonSchema({"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"}),
]
Url = Annotated[
    str,
    PlainValidator(_url),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(https://|http://(localhost|127\.[0-9.]+|\[::1\])([:/]|$)|.*\$\{)"}
    ),
]
Price = Annotated[PriceText, PlainValidator(_price), WithJsonSchema(_either({"type": "string", "pattern": PATTERN}))]


def named(value: Any) -> Any:
    """A plain text in place of `{id: 250}` is a name."""
    return {"name": value} if isinstance(value, str) else value


NamedOrId = BeforeValidator(named)
