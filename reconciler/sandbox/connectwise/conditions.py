"""The grammar of `conditions`: text to a tree. What the names mean is `matching`'s question.

    expression := conjunction ("or" conjunction)*
    conjunction := term ("and" term)*
    term        := "(" expression ")" | path operator value | path ["not"] ("contains"|"like"|"in") value
    path        := name ("/" name)*
    operator    := "=" | "!=" | "<" | "<=" | ">" | ">="
    value       := "text" | 'text' | number | True | False | null | [date] | "(" value ("," value)* ")"

Words are read in any letter case. No source states which of `and` and `or` binds tighter; here it is `and`, as
in SQL (inferred): callers should bracket. A backslash escapes a quote or a backslash (inferred).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from reconciler.sandbox.connectwise.errors import Refusal, bad_condition

MOST_NESTED = 50
"""Brackets within brackets that are still read; deeper ones are refused."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A date from a condition, in the form in which moments compare: `2026-10-01T00:00:00Z`."""

    text: str


Value = str | Decimal | bool | None | Moment
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "like", "in"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path operator values`, one value but for `in`; `negated` stands for the word `not`."""

    path: tuple[str, ...]
    operator: Operator
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """Expressions joined by one word: all of them hold, or any of them."""

    word: Literal["and", "or"]
    parts: "tuple[Expression, ...]"


Expression = Comparison | Joined


class _Token(NamedTuple):
    kind: str
    text: str


_TOKENS = re.compile(
    r"""\s*(?:
      (?P<text>"(?:\\["\\]|[^"])*"|'(?:\\['\\]|[^'])*')
    | (?P<date>\[[^\]]*\])
    | (?P<operator><=|>=|!=|=|<|>)
    | (?P<bracket>[(),])
    | (?P<number>[+-]?\d+(?:\.\d+)?(?![\w.]))
    | (?P<word>[A-Za-z_]\w*(?:/[A-Za-z_]\w*)*)
    )""",
    re.VERBOSE,
)


def parse(text: str) -> Expression:
    """The tree of a condition; raises Refusal (400 ApiFindCondition) for a text that is none."""
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKENS.match(text, at)
        if found is None or found.lastgroup is None:
            raise bad_condition(f"Expected a name, a value or an operator near '{text[at : at + 20].strip()}'.")
        tokens.append(_Token(found.lastgroup, found.group(found.lastgroup)))
        at = found.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0

    def whole(self) -> Expression:
        tree = self._joined("or")
        if self._at < len(self._tokens):
            raise bad_condition(f"Unexpected '{self._tokens[self._at].text}'.")
        return tree

    def _peek(self, ahead: int = 0) -> _Token:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else _Token("end", "the end of the condition")

    def _take(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def _takes_word(self, word: str) -> bool:
        token = self._peek()
        if token.kind == "word" and token.text.lower() == word:
            self._at += 1
            return True
        return False

    def _takes_bracket(self, bracket: str) -> bool:
        if self._peek() == ("bracket", bracket):
            self._at += 1
            return True
        return False

    def _joined(self, word: Literal["and", "or"]) -> Expression:
        parts = [self._part(word)]
        while self._takes_word(word):
            parts.append(self._part(word))
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _part(self, word: Literal["and", "or"]) -> Expression:
        return self._joined("and") if word == "or" else self._term()

    def _term(self) -> Expression:
        if not self._takes_bracket("("):
            return self._comparison()
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise bad_condition(f"More than {MOST_NESTED} brackets are nested.")
        inner = self._joined("or")
        if not self._takes_bracket(")"):
            raise self._unexpected("a closing bracket")
        self._depth -= 1
        return inner

    def _comparison(self) -> Comparison:
        name = self._take()
        if name.kind != "word" or name.text.lower() in ("and", "or", "not", "in", "like", "contains"):
            self._at -= 1
            raise self._unexpected("a name")
        path = tuple(name.text.split("/"))
        if self._peek().kind == "operator":
            return Comparison(path, self._take().text, (self._value(),))  # type: ignore[arg-type]
        negated = self._takes_word("not")
        for word in ("contains", "like", "in"):
            if self._takes_word(word):
                values = self._list() if word == "in" else (self._value(),)
                return Comparison(path, word, values, negated)
        raise self._unexpected("an operator")

    def _list(self) -> tuple[Value, ...]:
        if not self._takes_bracket("("):
            raise self._unexpected("an opening bracket after in")
        values = [self._value()]
        while self._takes_bracket(","):
            values.append(self._value())
        if not self._takes_bracket(")"):
            raise self._unexpected("a comma or a closing bracket")
        return tuple(values)

    def _value(self) -> Value:
        token = self._take()
        if token.kind == "text":
            return re.sub(rf"\\([{token.text[0]}\\])", r"\1", token.text[1:-1])
        if token.kind == "number":
            return Decimal(token.text)
        if token.kind == "date":
            return read_moment(token.text[1:-1])
        constants: dict[str, Value] = {"true": True, "false": False, "null": None}
        if token.kind == "word" and token.text.lower() in constants:
            return constants[token.text.lower()]
        self._at -= 1
        raise self._unexpected("a value")

    def _unexpected(self, wanted: str) -> Refusal:
        return bad_condition(f"Expected {wanted} but found '{self._peek().text}'.")


def read_moment(text: str) -> Moment:
    """The text between square brackets as a moment in UTC; a date alone is its midnight."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise bad_condition(f"'{text}' is not a date.") from None
    utc = found.astimezone(UTC) if found.tzinfo else found
    return Moment(utc.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0"))
