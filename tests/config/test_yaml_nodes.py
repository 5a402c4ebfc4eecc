"""The YAML reader: text stays text, places are exact, and what is dangerous is refused before it grows."""

import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mapping_texts import VALID

from reconciler.config.source_text import SourceText
from reconciler.config.yaml_nodes import Bounds, Mapping, Node, Scalar, Sequence, read_nodes
from reconciler.domain.finding import Finding

# What YAML 1.1 loaders make something else of, and what is left of it there.
SURPRISES = [
    "yes", "no", "NO", "on", "off", "y", "n", "true", "True", "TRUE", "false", "12:30", "190:20:30", "0123", "0o17",
    "0x1F", "0b101", "1_000", "12.10", "1e3", "1.5e-3", ".5", "5.", ".inf", "-.inf", ".nan", "+1", "-0", "2026-09",
    "2026-09-01", "2026-09-01T12:00:00Z", "=", "1.0.0", "00", "1,000", "Null-AG", "nullx", "007", "10 %", "£10",
]  # fmt: skip


def read(text: str, bounds: Bounds | None = None) -> tuple[Node | None, tuple[Finding, ...]]:
    document = read_nodes(SourceText("a.yaml", text), bounds or Bounds())
    return document.root, document.findings


def scalars(node: Node | None) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from scalars(item)
    elif isinstance(node, Mapping):
        for key, value in node.members.values():
            yield key
            yield from scalars(value)


@pytest.mark.security(13)
@pytest.mark.parametrize("text", SURPRISES)
def test_a_value_stays_the_text_that_was_written(text: str) -> None:
    document, findings = read(f"value: {text}\nlist: [{text.replace(',', '')}]\n")
    assert not findings
    assert isinstance(document, Mapping)
    value = document.get("value")
    assert isinstance(value, Scalar)
    assert value.text == text


@pytest.mark.security(13)
@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_only_a_plain_null_is_nothing(text: str) -> None:
    document, _ = read(f"plain: {text}\nquoted: '{text}'\n")
    assert [(key.text, value.text) for key, value in pairs(document)] == [("plain", None), ("quoted", text)]


def pairs(document: Node | None) -> list[tuple[Scalar, Scalar]]:
    assert isinstance(document, Mapping)
    return [(key, value) for key, value in document.members.values() if isinstance(value, Scalar)]


def test_every_scalar_of_the_valid_file_stands_where_its_node_says() -> None:
    document, findings = read(VALID)
    assert not findings
    lines = VALID.splitlines()
    found = [scalar for scalar in scalars(document) if scalar.text is not None]
    assert len(found) > 120
    for scalar in found:
        written = lines[scalar.line - 1][scalar.column - 1 :].lstrip("\"'")
        assert written.startswith(scalar.text or "")


PLAIN = st.text(st.characters(categories=["Ll", "Lu", "Nd"], max_codepoint=0x24F), min_size=1, max_size=12).filter(
    lambda text: text.lower() not in ("null", "~")
)
TREES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PLAIN, inner, max_size=4), max_leaves=20
)


@given(TREES, st.booleans())
def test_any_tree_is_read_back_with_places_that_point_at_its_text(tree: object, flow: bool) -> None:
    text = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True, default_style='"', sort_keys=False)
    document, findings = read(text)
    assert not findings
    assert plain(document) == tree
    lines = text.split("\n")
    for scalar in scalars(document):
        assert lines[scalar.line - 1][scalar.column - 1 :].startswith(f'"{scalar.text}"')


def plain(node: Node | None) -> object:
    if isinstance(node, Mapping):
        return {name: plain(value) for name, (_, value) in node.members.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.text if node else None


def lolling(levels: int, form: str) -> str:
    """Each level repeats the one below nine times."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{level}: &a{level} " + form.format(", ".join([f"*a{level - 1}"] * 9)) for level in range(1, levels)]
    return "\n".join(lines) + "\n"


BOMBS = {
    **{f"a billion laughs of {levels} levels": lolling(levels, "[{}]") for levels in (5, 8, 12, 30)},
    "one anchor, many aliases": "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\nb:\n" + "  - *a\n" * 5_000,
    "one long text, many aliases": "a: &a " + "x" * 100_000 + "\nb:\n" + "  - *a\n" * 9_000,
    "a bomb of mappings": "a0: &a0 {k: v}\n"
    + "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}, z: *a{n - 1}}}\n" for n in range(1, 30)),
    "a bomb of merge keys": "a0: &a0 {k0: v}\n"
    + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: v}}\n" for n in range(1, 40)),
    "brackets without end": "[" * 100_000,
    "braces without end": "{" * 100_000,
    "braces with keys": "{a: " * 50_000,
    "dashes without end": "- " * 50_000,
    "question marks": "? " * 50_000,
    "indentation without end": "".join(f"{' ' * n}a:\n" for n in range(1_000)),
    "an anchor that holds itself": "a: &a [*a]\n",
    "two anchors that hold each other": "a: &a [*b]\nb: &b [*a]\n",
    "a list as a key of itself": "&a {? *a : b}\n",
    "a tag that runs code": "a: !!python/object/apply:os.system ['true']\n",
    "a tag that is wrong": "a: !!timestamp x\nb: !!int ''\n",
    "a tag for binary": "a: !!binary aGVsbG8=\n",
    "a tag of one's own": "%TAG ! tag:example.com,2026:\n---\na: !x {b: c}\n",
    "a verbatim tag": "a: !<tag:yaml.org,2002:str> b\n",
    "many documents": "---\na: b\n" * 1_000,
}  # fmt: skip


@pytest.mark.security(12, 14)
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once(name: str) -> None:
    # Bounds: 50 ms of time and 20 MB of memory; time is the processor's, for the machine may be busy.
    read("a: b\n")
    began = time.process_time()
    _, findings = read(BOMBS[name])
    spent = time.process_time() - began
    assert any(finding.blocks for finding in findings)
    assert spent < 0.05
    tracemalloc.start()
    try:
        read(BOMBS[name])
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.security(12, 36)
def test_a_file_of_too_many_values_is_refused() -> None:
    _, findings = read("- a\n" * 200, replace(Bounds(), nodes=100))
    assert [finding.code for finding in findings] == ["size"]
    assert findings[0].where is not None
    assert findings[0].where.line == 100


def test_an_honest_alias_is_read() -> None:
    document, findings = read("a: &x {b: c}\nd: *x\n")
    assert not findings
    assert plain(document) == {"a": {"b": "c"}, "d": {"b": "c"}}


@pytest.mark.security(12)
def test_forty_levels_are_read_and_one_more_is_not() -> None:
    assert read("[" * 40 + "]" * 40)[1] == ()
    assert [finding.code for finding in read("[" * 41 + "]" * 41)[1]] == ["depth"]
