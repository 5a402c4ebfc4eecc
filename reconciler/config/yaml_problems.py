"""What the YAML parser says, in the words of somebody who edits a mapping file."""

from typing import Any

import yaml

from reconciler.config.source_text import SourceText
from reconciler.domain.finding import Finding

_UNFIT = (
    "this line fits nothing above it",
    "line it up with the keys it belongs to; text that goes on after a quote needs to be inside it",
)
_OPEN_LIST = ("a list is opened here and not closed", "put a comma between its items and ] at its end")
_OPEN_MAPPING = ("a mapping is opened here and not closed", "put a comma between its keys and } at its end")
_OPEN_QUOTE = ("a quote is opened here and never closed", "close it")
_NO_START = ("no value can begin with this character", "put the text in quotes")
_NO_ITEM = ("a list item cannot stand here", "begin the list on a line of its own, below its key")
_NO_ANCHOR = ("an anchor (&) or alias (*) without a name", "put text that begins with & or * in quotes")
_AFTER_END = ("text stands here after the end of the document", "delete it, or mend the line above")
_BACKSLASH = "in double quotes a backslash is written twice; single quotes take it as it is"
# How the parser's problem begins (libyaml's, or that of PyYAML's own parser), what it means, and what to do.
_PROBLEMS: dict[str, tuple[str, str]] = {
    "mapping values are not allowed": (
        "a second key stands on this line, or the line is indented too far",
        "put text that holds ': ' in quotes, or mend the indentation",
    ),
    "could not find expected ':'": (
        "a key without its colon",
        "write it as 'key: value'; text over several lines needs quotes",
    ),
    "did not find expected key": _UNFIT,
    "expected <block end>": _UNFIT,
    "did not find expected '-' indicator": ("this line fits nothing above it", "line it up with the items of the list"),
    "did not find expected ',' or ']'": _OPEN_LIST,
    "expected ',' or ']'": _OPEN_LIST,
    "did not find expected ',' or '}'": _OPEN_MAPPING,
    "expected ',' or '}'": _OPEN_MAPPING,
    "found character": _NO_START,
    "found unexpected end of stream": _OPEN_QUOTE,
    "found unexpected document": _OPEN_QUOTE,
    "found unknown escape character": ("this is no escape that YAML knows", _BACKSLASH),
    "did not find expected hexdecimal number": ("an escape lacks its digits", _BACKSLASH),
    "expected escape sequence": ("an escape lacks its digits", _BACKSLASH),
    "block sequence entries are not allowed": _NO_ITEM,
    "sequence entries are not allowed": _NO_ITEM,
    "mapping keys are not allowed": ("a key cannot stand here", "mend the indentation"),
    "did not find expected alphabetic or numeric character": _NO_ANCHOR,
    "expected alphabetic or numeric character": _NO_ANCHOR,
    "found undefined tag handle": ("tags (!) are not read", "put text that begins with ! in quotes"),
    "did not find expected <document start>": _AFTER_END,
    "expected '<document start>'": _AFTER_END,
}
# Where the mistake lies at what was opened, and the parser noticed only further down.
_AT_OPENING = (
    "found unexpected end of stream",
    "found unexpected document",
    "did not find expected ',' or",
    "expected ',' or",
)


def syntax_problem(source: SourceText, error: yaml.YAMLError) -> Finding:
    """The finding for text that is not YAML. The parser's own words are not passed on: they may quote the text."""
    problem = str(getattr(error, "problem", "") or "")
    known = next((start for start in _PROBLEMS if problem.startswith(start)), "")
    message, hint = _PROBLEMS.get(known, ("this is not YAML", "look for a slip in this line and the one above"))
    mark_names = ("context_mark", "problem_mark") if known.startswith(_AT_OPENING) else ("problem_mark", "context_mark")
    line, column = _place(source, error, mark_names)
    return source.problem("yaml", message, line, column, hint)


def _place(source: SourceText, error: Any, mark_names: tuple[str, ...]) -> tuple[int, int]:
    mark = next((mark for name in mark_names if (mark := getattr(error, name, None)) is not None), None)
    if mark is None:
        return 1, 1
    # At the end of the file the parser points below the last line: the last line with text is what to look at.
    line = min(mark.line + 1, len(source.lines))
    if line == mark.line + 1 and source.lines[line - 1].strip():
        return line, mark.column + 1
    while line > 1 and not source.lines[line - 1].strip():
        line -= 1
    return line, max(1, len(source.lines[line - 1]))
