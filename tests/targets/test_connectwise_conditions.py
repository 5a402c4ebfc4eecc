"""Conditions: no value can be taken for anything else, and no list grows longer than a URL may be."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.targets.connectwise.conditions import (
    Condition,
    Field,
    Value,
    Wish,
    all_of,
    any_of,
    encoded,
    in_chunks,
)

SKU = Field("product", "vendorSku")
NUMBER = Field("product", "id")
IDENTIFIER = Field("product", "identifier")

# A reader of the grammar on its own, so that the writer is not measured by itself.


@dataclass(frozen=True)
class Read:
    """`name operator values`, or `word` joining parts."""

    word: str
    parts: tuple[object, ...]


class Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def take(self, wanted: str) -> None:
        assert self.text.startswith(wanted, self.at), f"{wanted!r} expected in {self.text!r} at {self.at}"
        self.at += len(wanted)

    def has(self, wanted: str) -> bool:
        return self.text.startswith(wanted, self.at)

    def whole(self) -> Read:
        read = self.group()
        assert self.at == len(self.text), f"more follows: {self.text[self.at :]!r}"
        return read

    def group(self) -> Read:
        self.take("(")
        if not self.has("("):
            read = self.comparison()
            self.take(")")
            return read
        parts, words = [self.group()], set()
        while not self.has(")"):
            word = " and " if self.has(" and ") else " or "
            self.take(word)
            words.add(word.strip())
            parts.append(self.group())
        self.take(")")
        assert len(words) == 1, "and and or in one bracket"
        return Read(words.pop(), tuple(parts))

    def comparison(self) -> Read:
        end = self.at
        while self.text[end].isalpha() or self.text[end] == "/":
            end += 1
        name, self.at = self.text[self.at : end], end
        if self.has(" = "):
            self.take(" = ")
            return Read("=", (name, self.value()))
        self.take(" in (")
        values = [self.value()]
        while self.has(","):
            self.take(",")
            values.append(self.value())
        self.take(")")
        return Read("in", (name, *values))

    def value(self) -> object:
        if self.has('"'):
            return self.quoted()
        if self.has("["):
            end = self.text.index("]", self.at)
            day, self.at = self.text[self.at + 1 : end], end + 1
            return date.fromisoformat(day)
        end = self.at
        while self.text[end] not in ",)":
            end += 1
        word, self.at = self.text[self.at : end], end
        words: dict[str, object] = {"null": None, "True": True, "False": False}
        return words[word] if word in words else Decimal(word)

    def quoted(self) -> str:
        self.take('"')
        letters = []
        while not self.has('"'):
            if self.has("\\"):
                self.at += 1
            letters.append(self.text[self.at])
            self.at += 1
        self.take('"')
        return "".join(letters)


def read(condition: Condition) -> Read:
    return Reader(condition.text).whole()


# A text without what ConnectWise does not store.
stored = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"))
values = st.one_of(
    stored, st.integers(0, 10**9), st.booleans(), st.dates(), st.decimals(0, 10**6, places=4, allow_nan=False)
)


@given(values)
def test_a_value_is_read_as_itself(value: Value) -> None:
    assert read(SKU.equals(value)) == Read("=", ("vendorSku", value))


@given(st.lists(values, min_size=1, max_size=8))
def test_a_list_is_read_as_its_values(several: list[Value]) -> None:
    assert read(SKU.one_of(several)) == Read("in", ("vendorSku", *several))


@pytest.mark.security(29)
@given(st.text())
def test_no_text_ends_its_own_quotation(text: str) -> None:
    found = read(all_of([SKU.equals(text), NUMBER.equals(1)]))
    assert found.word == "and"
    assert len(found.parts) == 2


@pytest.mark.security(29)
@pytest.mark.parametrize(
    "payload",
    [
        '"',
        '\\"',
        '\\\\"',
        '" or id > 0 or vendorSku = "',
        'x") or (id != 0',
        "x' or '1'='1",
        "\\",
        "x\\",
        '"\r\n or (1=1)',
        "\x00",
        "[2026-01-01]",
        "null",
        "True",
        "%",
        "*",
        "[[]x]",
        "a,b)",
        "&pageSize=1&conditions=",
        "#fragment",
        "?x=y",
        "%22%20or%201=1",
        "＂ or id > 0",
        "İstanbul ß",
    ],
)
def test_an_injection_stays_a_text(payload: str) -> None:
    condition = SKU.one_of([payload, "next"])
    shown = read(condition)
    assert shown.parts[0] == "vendorSku"
    assert shown.parts[2] == "next"
    assert len(shown.parts) == 3
    in_url = encoded(condition.text)
    assert not set(in_url) & set("&#?\"' \\+*[]\r\n\x00")
    assert unquote(in_url) == condition.text


def test_what_connectwise_does_not_store_becomes_a_space() -> None:
    assert str(SKU.equals("a\r\n\tb\x85c\u2028d\ud83d")) == '(vendorSku = "a   b c d ")'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (date(2026, 3, 15), "[2026-03-15]"),
        (True, "True"),
        (False, "False"),
        (None, "null"),
        (Decimal("1E+3"), "1000"),
        (7, "7"),
    ],
)
def test_each_kind_of_value_has_its_own_form(value: Value | None, text: str) -> None:
    assert str(NUMBER.equals(value)) == f"(id = {text})"


def test_groups_are_always_bracketed() -> None:
    one, two, three = NUMBER.equals(1), NUMBER.equals(2), NUMBER.equals(3)
    assert str(any_of([all_of([one, two]), three])) == "(((id = 1) and (id = 2)) or (id = 3))"
    assert any_of([one]) == one


@pytest.mark.security(29)
@pytest.mark.parametrize("name", ["price", "id or 1=1", "vendorsku", "", "company/identifier"])
def test_a_field_that_is_not_on_the_list_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a field"):
        Field("product", name)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValueError, match="no value of vendorSku"):
        SKU.one_of([])
    with pytest.raises(ValueError, match="nothing is asked for"):
        any_of([])


wishes = st.lists(
    st.one_of(
        st.builds(Wish, st.just(SKU), st.text(max_size=50)),
        st.builds(Wish, st.just(IDENTIFIER), st.text(max_size=50)),
        st.builds(Wish, st.just(NUMBER), st.integers(1, 10**8)),
    ),
    max_size=120,
)


@given(wishes, st.integers(700, 1900))
def test_chunks_fit_and_together_ask_for_everything_once(wanted: list[Wish], room: int) -> None:
    chunks = list(in_chunks(wanted, room))
    assert all(len(encoded(chunk.text)) <= room for chunk in chunks)
    asked = []
    for chunk in chunks:
        found = read(chunk)
        for part in found.parts if found.word == "or" else (found,):
            assert isinstance(part, Read)
            asked += [(part.parts[0], value) for value in part.parts[1:]]
    assert len(asked) == len(dict.fromkeys(wanted))
    numbers = {wish.value for wish in wanted if wish.field == NUMBER}
    assert {value for name, value in asked if name == "id"} == numbers


def test_chunks_are_not_smaller_than_they_need_be() -> None:
    """A hundred SKUs of Microsoft's form (a colon in the middle) take two URLs, not three."""
    skus = [Wish(SKU, f"CFQ7TTC0LH{number:02d}:{number:04d}") for number in range(100)]
    assert len(list(in_chunks(skus, 1600))) == 2
    assert len(list(in_chunks(skus[:60], 1600))) == 1


def test_a_value_longer_than_the_room_is_asked_for_by_itself() -> None:
    chunks = list(in_chunks([Wish(SKU, "a"), Wish(SKU, "ä" * 200), Wish(SKU, "b")], 100))
    assert [read(chunk).parts[1] for chunk in chunks] == ["a", "ä" * 200, "b"]
