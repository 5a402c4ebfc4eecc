"""Entries are added behind those that stand, and nothing else of the file is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.config.source_text import SourceText
from reconciler.config.stubs import NoPlace, Stub, with_entries, yaml_text
from reconciler.config.yaml_nodes import Bounds, Mapping, Scalar, read_nodes

STUB = Stub(
    ("why",), {"name": "B", "agreements": {"azure": {"id": "55"}}}, {"agreements.azure": "0.90: said"}, ("more",)
)
ENTRY = """\
  # why
  - name: B
    agreements:
      azure: {id: 55}  # 0.90: said
    # more
"""


def test_an_entry_stands_behind_the_last_with_its_indentation() -> None:
    text = "customers:\n- name: A # first\n  tenant: t\n\n# prices\nprices:\n  - {name: p, price: cost}\n"
    indented = ENTRY.replace("\n  ", "\n").removeprefix("  ")
    assert with_entries(text, "customers", [STUB]) == text.replace("tenant: t\n", f"tenant: t\n\n{indented}")


@pytest.mark.parametrize("standing", ["customers:\n", "customers: []\n", "customers: ~\n"])
def test_an_empty_section_gets_its_first_entry(standing: str) -> None:
    assert with_entries(f"version: 1\n{standing}", "customers", [STUB]) == f"version: 1\ncustomers:\n{ENTRY}"


def test_a_section_that_is_not_there_is_begun_where_it_belongs() -> None:
    assert with_entries("version: 1\n", "customers", [STUB]) == f"version: 1\n\ncustomers:\n{ENTRY}"
    text = "version: 1\n\n# ours\nprices: []\n"
    assert with_entries(text, "customers", [STUB]) == f"version: 1\n\ncustomers:\n{ENTRY}\n# ours\nprices: []\n"


@pytest.mark.parametrize(
    "text", ["customers: [{name: A}]\n", "customers: {}\n", "customers: x\n", "customers: [\n", "- a\n"]
)
def test_what_cannot_be_added_to_is_refused(text: str) -> None:
    with pytest.raises(NoPlace):
        with_entries(text, "customers", [STUB])


def test_line_ends_stay_what_they_are() -> None:
    written = with_entries("customers:\r\n  - name: A\r\n", "customers", [STUB])
    assert written.count("\n") == written.count("\r\n") == 8


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff"), max_size=20))
def test_any_text_reads_as_itself_for_us_and_for_others(value: str) -> None:
    text = f"k: {yaml_text(value)}\n"
    root = read_nodes(SourceText("x", text), Bounds()).root
    assert isinstance(root, Mapping)
    node = root.get("k")
    assert isinstance(node, Scalar)
    assert node.text == value.replace("${", "$${")
    assert YAML(typ="safe").load(text)["k"] == value.replace("${", "$${")


def test_numbers_and_words_of_yaml_are_quoted() -> None:
    assert [yaml_text(value) for value in ("0123", "no", "Null", "a: b", "- x", "2026-09", "P1Y:A:X")] == [
        '"0123"', '"no"', '"Null"', '"a: b"', '"- x"', "2026-09", '"P1Y:A:X"',
    ]  # fmt: skip
