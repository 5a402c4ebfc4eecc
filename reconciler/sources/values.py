"""How numbers, days and names are written in source files, and how they are read: exactly, or not at all."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from reconciler.domain.money import ZERO

MOST_DIGITS = 20
MOST_PLACES = 40
_LONGEST_NUMBER = 80
_SHOWN = 40

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_PLAIN = re.compile(r"-?\d{1,20}(?:\.\d{1,40})?", re.ASCII)
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)? ?(?:(Z)|([+-])(\d\d):?(\d\d))?)?", re.ASCII
)
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: \d{1,2}:\d\d(?::\d\d)?(?: ?[AaPp][Mm])?)?", re.ASCII)
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?: \d{1,2}:\d\d(?::\d\d)?)?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")
_SEPARATORS = re.compile(r"[\s._\-/()'\"\ufeff]+")


class Unreadable(ValueError):
    """A text that is not what its column asks for; the message quotes it and says what would be."""


def shown(text: str) -> str:
    """A text as a message quotes it: in quotation marks, cut where it is long."""
    return f"'{text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}'"


def number(text: str) -> Decimal:
    """The exact decimal a text says: `12`, `-11.23`, `0E-20`, `'12` (the apostrophe by which spreadsheets mark text).

    Raises Unreadable for anything else: thousands separators, NaN, infinity, more than 20 digits before the point.
    """
    digits = text.strip().removeprefix("'")
    if _PLAIN.fullmatch(digits):
        return Decimal(digits) or ZERO
    if len(digits) > _LONGEST_NUMBER or not _NUMBER.fullmatch(digits):
        if re.fullmatch(r"[+-]?\d{21,}(\.\d*)?", digits, re.ASCII):
            raise Unreadable(f"{shown(text)} has more than {MOST_DIGITS} digits before the point")
        raise Unreadable(f"{shown(text)} is not a number such as 12 or -3.50")
    value = Decimal(digits)
    if not value:
        return ZERO
    if value.adjusted() >= MOST_DIGITS:
        raise Unreadable(f"{shown(text)} has more than {MOST_DIGITS} digits before the point")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MOST_PLACES:
        raise Unreadable(f"{shown(text)} has more than {MOST_PLACES} digits after the point")
    return value


def iso_day(text: str) -> date:
    """The day of an ISO 8601 date, or of a time in UTC or with an offset, which counts on its UTC day (sources §0.7).

    A time without an offset is taken as UTC. Raises Unreadable for anything else.
    """
    found = _ISO.fullmatch(text.strip())
    if not found:
        raise Unreadable(f"{shown(text)} is not a day; write it as 2026-09-30")
    year, month, day, hour, minute, second, _, sign, ahead, minutes = found.groups()
    try:
        if hour is None:
            return date(int(year), int(month), int(day))
        zone = timezone(timedelta(hours=int(ahead), minutes=int(minutes)) * (-1 if sign == "-" else 1)) if sign else UTC
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=zone)
        return moment.astimezone(UTC).date()
    except (ValueError, OverflowError):
        raise Unreadable(f"{shown(text)} is not a day of the calendar") from None


def day(text: str) -> date:
    """A day as Microsoft and spreadsheets write it: M/D/YYYY (en-US), D.M.YYYY, or ISO. Raises Unreadable."""
    stripped = text.strip()
    try:
        if found := _SLASHED.fullmatch(stripped):
            return date(int(found[3]), int(found[1]), int(found[2]))
        if found := _DOTTED.fullmatch(stripped):
            return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        raise Unreadable(f"{shown(text)} is not a day of the calendar (month/day/year)") from None
    return iso_day(text)


def currency(text: str) -> str:
    """A three-letter currency code, in capitals. Raises Unreadable for anything else."""
    code = text.strip().upper()
    if not _CURRENCY.fullmatch(code):
        raise Unreadable(f"{shown(text)} is not a currency; write a three-letter code such as AUD")
    return code


def spelled(name: str) -> str:
    """A column or member name, or an enumerated text, without case, blanks and separators (sources §0.1, §0.2)."""
    return _SEPARATORS.sub("", name).casefold()
