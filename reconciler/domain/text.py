"""Text of others, made fit for one line."""

import re

_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def one_line(text: str, longest: int) -> str:
    """The text without line ends, control characters and what turns the direction of writing, cut to a length."""
    line = _SPACE.sub(" ", text).strip()
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
