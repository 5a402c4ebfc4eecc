"""The canonical layout keeps what a file says, with its comments, and laid out again stays as it is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_texts import VALID, loaded

from reconciler.cli.init_texts import FILES
from reconciler.config.decisions_model import DecisionFile
from reconciler.config.layout import laid_out
from reconciler.config.models import Declaration
from reconciler.config.source_text import SourceText
from reconciler.config.yaml_nodes import Bounds, Mapping, Node, Scalar, read_nodes

ROOT = Path(__file__).parents[2]
DISORDERLY = """\
# Who may edit this: billing.

# Every customer.
customers:
- tenant: 't1'   # from Partner Center
  # as in the PSA
  name:   Contoso
  agreements: {azure: A,
     seat-monthly: B}
  start: 2026-09
  changes:
        carry: always
        # for the time being
        decrease: none
        # carry: on-change
- # the second
  name: 0123
  tenant: NO


# not in use: products
programs:
    csp: {source: d, target: p, motions: [seat-monthly]}
version:   1
# the end
"""
ORDERLY = """\
# Who may edit this: billing.

version: 1

# not in use: products
programs:
  csp: {source: d, target: p, motions: [seat-monthly]}

# Every customer.
customers:
  # as in the PSA
  - name: Contoso
    tenant: 't1' # from Partner Center
    agreements: {azure: A, seat-monthly: B}
    start: 2026-09
    changes:
      # for the time being
      decrease: none
      carry: always
      # carry: on-change
  # the second
  - name: 0123
    tenant: NO
# the end
"""


def formatted(text: str, kind: Any = Declaration) -> str:
    done = laid_out(SourceText("mappings.yaml", text), kind)
    assert done.text is not None, done.findings
    return done.text


def said(text: str) -> Any:
    root = read_nodes(SourceText("x", text), Bounds()).root
    assert root is not None
    return _said(root)


def _said(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Mapping):
        return {name: _said(value) for name, (_, value) in node.members.items()}
    return [_said(item) for item in node.items]


def meant(folder: Path, text: str) -> Any:
    """What a plan would read, without places and the hash of the text."""
    mappings = loaded(folder, text).mappings
    assert mappings is not None
    return (
        mappings.sources.keys(),
        mappings.targets.keys(),
        [replace(p, place=None) for p in mappings.programs.values()],  # type: ignore[arg-type]
        [replace(c, place=None, agreement_places={}) for c in mappings.customers],  # type: ignore[arg-type]
        [replace(p, place=None) for p in mappings.products],  # type: ignore[arg-type]
        [replace(p, place=None) for p in mappings.prices],  # type: ignore[arg-type]
    )


def test_keys_are_put_in_order_with_their_comments_and_two_spaces_a_level() -> None:
    assert formatted(DISORDERLY) == ORDERLY


def test_price_rules_and_customers_keep_their_order() -> None:
    text = "prices:\n  - {name: z, price: cost}\n  - {name: a, price: retail}\n"
    assert formatted(text) == text
    text = "customers:\n  - name: Zebra\n    tenant: z\n  - name: Ant\n    tenant: a\n"
    assert formatted(text) == text


@pytest.mark.parametrize("text", ["", "# only a comment\n", "{}\n", "version: 1\n", "version: 1"])
def test_a_file_of_next_to_nothing_is_in_order(text: str) -> None:
    assert formatted(text).strip() == text.strip()


@pytest.mark.parametrize(
    "text",
    [VALID, FILES["mappings.yaml"], (ROOT / "mappings.yaml").read_text(encoding="utf-8")],
    ids=["fixture", "init", "demo"],
)
def test_examples_mean_the_same_afterwards(text: str, tmp_path: Path) -> None:
    before = meant(tmp_path, text)
    after = formatted(text)
    assert formatted(after) == after
    assert meant(tmp_path, after) == before


def test_the_demo_and_what_init_writes_are_in_order() -> None:
    for text in (FILES["mappings.yaml"], (ROOT / "mappings.yaml").read_text(encoding="utf-8")):
        assert formatted(text) == text


def test_quotes_and_odd_values_stay_what_was_written() -> None:
    values = ["0123", "1e3", "'1'", '"a: b"', "NO", "2026-09-01", "12.50", "~", "", "'# no comment'", ".inf", "0x1F"]
    text = "".join(f"k{number}: {value}\n".replace(": \n", ":\n") for number, value in enumerate(values))
    after = formatted(text)
    assert said(after) == said(text)
    for value in ("0123", "'1'", '"a: b"', "12.50", "2026-09-01", "'# no comment'"):
        assert f": {value}\n" in after


def test_anchors_and_aliases_stay_where_they_can_be_read() -> None:
    text = "customers:\n  - name: a\n    changes: &own\n      carry: always\n  - name: b\n    changes: *own\n"
    assert formatted(text) == text
    backwards = "prices:\n  - &p {name: a}\nproducts:\n  - *p\n"
    assert formatted(backwards) == backwards


def test_what_could_not_be_written_without_a_change_of_meaning_is_refused() -> None:
    # An anchor on a mapping in braces within brackets loses its braces on the way through ruamel.
    done = laid_out(SourceText("mappings.yaml", "prices: [&p {name: a}]\nproducts: [*p]\n"), Declaration)
    assert (done.text, [finding.code for finding in done.findings]) == (None, ["layout"])


def test_a_file_with_mistakes_in_its_yaml_is_left_alone() -> None:
    for text in ("a: [", "a: 1\na: 2\n", "\ta: 1\n", "a: !!str b\n"):
        done = laid_out(SourceText("mappings.yaml", text), Declaration)
        assert done.text is None
        assert done.findings


@pytest.mark.parametrize("style", ["|", "|-", "|+", ">", ">-", ">+"])
@pytest.mark.parametrize("body", [("# held", "text"), ("text", "# held"), ("# held",), ("a", "", "# held"), ("a", "")])
@pytest.mark.parametrize("below", ["", "# one", "    # one"])
def test_a_line_of_a_text_that_looks_like_a_comment_stays_in_the_text(
    style: str, body: tuple[str, ...], below: str
) -> None:
    held = "".join(f"       {line}\n" if line else "\n" for line in body)
    under = f"{below}\n" if below else ""
    text = f"products:\n - sku: a\n# two\ncustomers:\n  - odd: {style}\n{held}{under}    name: a\nversion:   1\n"
    after = formatted(text)
    assert formatted(after) == after
    assert said(after) == said(text)
    assert (after.count("# one"), after.count("# two")) == (text.count("# one"), 1)


def test_decisions_have_their_own_order() -> None:
    text = "overrides:\n- reason: r\n  record: 1\n  keep: {quantity: 8}\nversion: 1\n"
    wanted = "version: 1\n\noverrides:\n  - record: 1\n    keep: {quantity: 8}\n    reason: r\n"
    assert formatted(text, DecisionFile) == wanted


_WORDS = st.sampled_from(
    ["a", "b c", "'q'", '"d: e"', "1", "0.50", "2026-09", "", "x # said", "[1, 2]", "{k: v}", "|\n"]
)
_KEYS = st.sampled_from(["name", "tenant", "agreements", "start", "changes", "carry", "company", "odd", "from"])
_NOTES = st.sampled_from(["", "", "", "# one", "  # two", "", "        # far"])


@st.composite
def _texts(draw: st.DrawFn) -> str:
    sections = draw(st.permutations(["customers", "products", "prices", "programs", "version"]))
    return "\n".join(line for section in sections for line in _section(draw, section)) + "\n"


def _section(draw: st.DrawFn, name: str) -> Iterator[str]:
    yield draw(_NOTES)
    if name == "version":
        yield "version:   1"
        return
    yield f"{name}:{draw(st.sampled_from(['', '   # why']))}"
    indent = draw(st.sampled_from([0, 1, 2, 4])) * " "
    for _ in range(draw(st.integers(1, 3))):
        dash = "-" if name != "programs" else f"p{draw(st.integers(0, 999))}:"
        lead = indent + ("- " if dash == "-" else "    ")
        if dash != "-":
            yield f"{indent or ' '}{dash}"
            lead = (indent or " ") + "   "
        for number, key in enumerate(draw(st.lists(_KEYS, min_size=1, max_size=5, unique=True))):
            margin = lead if number == 0 else " " * len(lead)
            note = draw(_NOTES)
            if note and number:
                yield margin + note
            word = draw(_WORDS)
            yield f"{margin}{key}: {word}" if word != "|\n" else f"{margin}{key}: |\n{margin}   # held\n{margin}   text"
        yield draw(_NOTES)


@settings(max_examples=60, deadline=None)
@given(_texts())
def test_laying_out_twice_is_laying_out_once_and_says_the_same(text: str) -> None:
    document = read_nodes(SourceText("x", text), Bounds())
    done = laid_out(SourceText("x", text), Declaration)
    if document.findings or document.doubles:
        assert done.text is None
        return
    if done.text is None:
        return
    assert formatted(done.text) == done.text
    assert said(done.text) == said(text)
    assert sorted(_notes(done.text)) == sorted(_notes(text))


def _notes(text: str) -> list[str]:
    return [note for note in ("# one", "# two", "# far", "# why", "# said") for _ in range(text.count(note))]


@settings(max_examples=40, deadline=None)
@given(_texts())
def test_only_a_comment_below_a_block_of_text_can_keep_a_file_from_its_layout(text: str) -> None:
    document = read_nodes(SourceText("x", text), Bounds())
    if not document.findings and not document.doubles and "|" not in text:
        assert laid_out(SourceText("x", text), Declaration).text is not None
