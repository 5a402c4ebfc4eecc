"""The one function that all text from elsewhere passes before it reaches a terminal or a report.

A customer's name, a PSA's error or a file's line may hold escape sequences that colour, move, hide or reorder what a
person reads. Characters that do such things are shown by their number instead; everything else stays as it is.
"""

import unicodedata

# Controls, format characters (the bidirectional ones among them), surrogates, private use, unassigned, line separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe(text: str) -> str:
    """The text with each unsafe character written as `\\u001b` (`\\U0001f000` beyond four digits), on one line."""
    if text.isprintable():
        return text
    return "".join(
        _written(character) if unicodedata.category(character) in _UNSAFE else character for character in text
    )


def _written(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
