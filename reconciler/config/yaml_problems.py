"""What the YAML parser says, in the words of somebody who edits a mapping file."""

from typing import Any

import yaml

from reconciler.config.source_text import SourceText
from reconciler.domain.finding import Finding

# The parser's problem (libyaml's or PyYAML's own, by how it begins), what it means, and what to do.
_PROBLEMS = (
    (
        "mapping values are not allowed",
        "a second key stands on this line, or the line is indented too far",
        "put text that holds ': ' in quotes, or mend the indentation",
    ),
    (
        "could not find expected ':'",
        "a key without its colon",
        "write it as 'key: value'; text over several lines needs quotes",
    ),
    (
        "did not find expected key",
        "this line fits nothing above it",
        "line it up with the keys it belongs to; text that goes on after a quote needs to be inside it",
    ),
    (
        "expected <block end>",
        "this line fits nothing above it",
        "line it up with the keys it belongs to; text that goes on after a quote needs to be inside it",
    ),
    ("did not find expected '-' indicator", "this line fits nothing above it", "line it up with the items of the list"),
    ("did not find expected ',' or ']'", "this list is not closed", "put a comma between its items and ] at its end"),
    ("did not find expected ',' or '}'", "this mapping is not closed", "put a comma between its keys and } at its end"),
    ("expected ',' or ']'", "this list is not closed", "put a comma between its items and ] at its end"),
    ("expected ',' or '}'", "this mapping is not closed", "put a comma between its keys and } at its end"),
    (
        "found character that cannot start",
        "no value can begin with this character",
        "put the text in quotes",
    ),
    (
        "found character '",
        "no value can begin with this character",
        "put the text in quotes",
    ),
    ("found unexpected end of stream", "a quote is opened here and never closed", "close it"),
    ("found unexpected document indicator", "a quote is opened here and never closed", "close it"),
    (
        "found unknown escape character",
        "this is no escape that YAML knows",
        "in double quotes a backslash is written twice; single quotes take it as it is",
    ),
    (
        "did not find expected hexdecimal number",
        "an escape lacks its digits",
        "in double quotes a backslash is written twice; single quotes take it as it is",
    ),
    (
        "block sequence entries are not allowed",
        "a list item cannot stand here",
        "begin the list on a line of its own, below its key",
    ),
    (
        "sequence entries are not allowed",
        "a list item cannot stand here",
        "begin the list on a line of its own, below its key",
    ),
    ("mapping keys are not allowed", "a key cannot stand here", "mend the indentation"),
    (
        "did not find expected alphabetic or numeric character",
        "an anchor (&) or alias (*) without a name",
        "put text that begins with & or * in quotes",
    ),
    (
        "expected alphabetic or numeric character",
        "an anchor (&) or alias (*) without a name",
        "put text that begins with & or * in quotes",
    ),
    ("found undefined tag handle", "tags (!) are not read", "put text that begins with ! in quotes"),
    (
        "did not find expected <document start>",
        "text stands here after the end of the document",
        "delete it, or mend the line above",
    ),
    (
        "expected '<document start>'",
        "text stands here after the end of the document",
        "delete it, or mend the line above",
    ),
    ("found a tab character", "a tab stands here; YAML is laid out with spaces", "use spaces"),
)
# Where the mistake lies at what was opened, and the parser only noticed at the end of the file.
_AT_OPENING = ("found unexpected end of stream", "found unexpected document indicator")


def syntax_problem(source: SourceText, error: yaml.YAMLError) -> Finding:
    """The finding for text that is not YAML. The parser's own words are not passed on: they may quote the text."""
    problem = str(getattr(error, "problem", "") or "")
    known = next((row for row in _PROBLEMS if problem.startswith(row[0])), None)
    at_opening = known is not None and known[0] in _AT_OPENING
    line, column = _place(source, error, at_opening=at_opening)
    message, hint = (
        (known[1], known[2]) if known else ("this is not YAML", "look for a slip in this line and the one above")
    )
    return source.problem("yaml", message, line, column, hint)


def _place(source: SourceText, error: Any, *, at_opening: bool) -> tuple[int, int]:
    marks = ("context_mark", "problem_mark") if at_opening else ("problem_mark", "context_mark")
    mark = next((mark for name in marks if (mark := getattr(error, name, None)) is not None), None)
    if mark is None:
        return 1, 1
    # At the end of the file the parser points below the last line: the last line with text is what to look at.
    line = min(mark.line + 1, len(source.lines))
    if line == mark.line + 1 and source.lines[line - 1].strip():
        return line, mark.column + 1
    while line > 1 and not source.lines[line - 1].strip():
        line -= 1
    return line, max(1, len(source.lines[line - 1]))
