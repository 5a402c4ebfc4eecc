"""The entries that a plan ends with are complete: pasted into a mapping or a decisions file, they are taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import CONTOSO, MAPPING, A, contoso, csv_text, fabrikam, line, plan_with

from reconciler.config.decisions import load_decisions
from reconciler.config.loading import load
from reconciler.config.source_text import SourceText
from reconciler.config.yaml_nodes import Bounds, Mapping, Scalar, read_nodes
from reconciler.domain.yaml_text import scalar
from reconciler.render.plan_markdown import plan_markdown
from reconciler.render.plan_text import plan_lines
from reconciler.sandbox.server import RunningSandbox

STRANGER = "9c9c0000-0000-4000-8000-000000000009"


@pytest.fixture(scope="module")
def psa() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


def test_an_unmapped_customer_comes_with_an_entry_that_the_mapping_takes(tmp_path: Path, psa: RunningSandbox) -> None:
    rows = csv_text(line(STRANGER, "cccc", invoice="INV-S", quantity="3", amount="48.00"))
    plan = plan_with(tmp_path, psa, {"a.csv": contoso(), "b.csv": fabrikam(), "c.csv": rows})
    (stub,) = plan.left_open.stubs
    assert (stub.section, [str(money) for money in stub.amounts]) == ("customers", ["48.00 AUD"])
    pasted = MAPPING.rstrip() + "\n" + stub.yaml + "\n"
    (tmp_path / "mappings.yaml").write_text(pasted)
    loaded = load(tmp_path / "mappings.yaml", {})
    assert loaded.mappings, loaded.findings
    assert loaded.mappings.customers[-1].tenant == STRANGER
    text = "\n".join(plan_lines(plan, width=80, colour=False))
    assert stub.yaml in text
    assert stub.yaml in plan_markdown(plan)


def test_an_unallocated_credit_comes_with_a_decision_that_is_taken(tmp_path: Path, psa: RunningSandbox) -> None:
    note = csv_text(
        line(CONTOSO, A, invoice="CN-1", kind="credit-note", charge="credit", quantity="-1", amount="-16.00")
    )  # fmt: skip
    plan = plan_with(tmp_path, psa, {"a.csv": contoso(), "b.csv": fabrikam(), "c.csv": note})
    (item,) = plan.left_open.unallocated
    assert item.originals == ("INV-8a7c line 1, 13 2026-09-01 to 2026-09-30",)
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions" / "2026-09.yaml").write_text(f"version: 1\ncredits:\n{item.stub}\n")
    mappings = load(tmp_path / "mappings.yaml", {}).mappings
    assert mappings
    loaded = load_decisions(tmp_path / "mappings.yaml", mappings, {})
    assert loaded.decisions, loaded.findings
    (credit,) = loaded.decisions.credits
    assert (credit.invoice, credit.line, credit.customer) == ("CN-1", 1, "Contoso")
    assert item.stub in "\n".join(plan_lines(plan, width=80, colour=False))


# What a YAML file may hold: the readers refuse other control characters anywhere.
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_text_reads_back_from_its_yaml(text: str) -> None:
    document = read_nodes(SourceText("a.yaml", f"name: {scalar(text)}\n"), Bounds())
    assert not document.findings
    assert isinstance(document.root, Mapping)
    value = document.root.get("name")
    assert isinstance(value, Scalar)
    assert value.text == text.replace("${", "$${")
