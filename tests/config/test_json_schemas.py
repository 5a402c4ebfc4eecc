"""The schemas for editors and tools: up to date, sound, and of one mind with what is read and written."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from mapping_texts import VALID, loaded
from test_bad_mappings import BAD

from reconciler.cli.init_texts import INVOICE, MAPPINGS
from reconciler.cli.schema_files import schema_texts, write_schemas
from reconciler.config.json_schemas import SCHEMAS, json_schema
from reconciler.domain.breakdown import Part, Step
from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.handover import Fate, HandOver, Successor
from reconciler.domain.invoice import Motion
from reconciler.domain.money import Money
from reconciler.domain.open_items import Complete, Completeness, KeptBack, OpenItems, Stub, Unallocated
from reconciler.domain.plan import (
    Action,
    AdditionValues,
    Because,
    Change,
    Coverage,
    DocumentUsed,
    Impact,
    NotPassedOn,
    Plan,
    ProductValues,
    Resource,
    Signature,
    Verdict,
)
from reconciler.planning.plan_file import sealed, write_plan

ROOT = Path(__file__).parents[2]
HASH = "sha256:" + "0" * 64


class Yaml12Loader(yaml.SafeLoader):
    """YAML as editors read it (the core schema of 1.2): dates, `yes` and `12:30` are text."""


Yaml12Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"^(true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    Yaml12Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


def as_an_editor_reads(text: str) -> Any:
    return yaml.load(text, Yaml12Loader)  # noqa: S506 -- it is a SafeLoader


def problems(name: str, document: Any) -> list[str]:
    return [error.message for error in validator(name).iter_errors(document)]


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(name))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_files_are_up_to_date(name: str) -> None:
    stored = (ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    assert stored == schema_texts()[f"{name}.schema.json"], "run: make schemas"


def test_the_schema_files_are_written(tmp_path: Path) -> None:
    write_schemas(tmp_path / "schemas")
    assert {path.name for path in (tmp_path / "schemas").iterdir()} == {f"{name}.schema.json" for name in SCHEMAS}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_is_sound(name: str) -> None:
    Draft202012Validator.check_schema(json_schema(name))


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object within a schema."""
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from parts(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from parts(inner)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_is_described_for_the_editor(name: str) -> None:
    described = 0
    schema = json_schema(name)
    for part in parts(schema):
        for key, about in part.get("properties", {}).items():
            # A key that says no more than its type does leaves it to the type.
            typed = schema["$defs"].get(about.get("$ref", "").removeprefix("#/$defs/"), {})
            assert about.get("description") or typed.get("description"), f"{part.get('title')}.{key}"
            described += 1
    assert described > 20


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_part_takes_a_key_that_it_does_not_name(name: str) -> None:
    for part in parts(json_schema(name)):
        if "properties" in part and isinstance(part.get("type"), str):
            assert part["additionalProperties"] is False, part.get("title")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_example_is_right(name: str) -> None:
    schema = json_schema(name)
    shown = 0
    for part in parts(schema):
        for key, about in part.get("properties", {}).items():
            for example in about.get("examples", []):
                rooted = {"$defs": schema["$defs"], **about}
                errors = [error.message for error in Draft202012Validator(rooted).iter_errors(example)]
                assert not errors, f"{part.get('title')}.{key}: {errors}"
                shown += 1
    assert shown or name == "plan"


@pytest.mark.parametrize("text", [VALID, MAPPINGS], ids=["the whole of it", "a new repository"])
def test_a_right_mapping_file_satisfies_the_editor(text: str) -> None:
    assert problems("mappings", as_an_editor_reads(text)) == []


# What only the reader can tell: no schema knows which days a month has, or what another part of the file says.
BEYOND_A_SCHEMA = {
    "a number that is huge",
    "a number with an exponent",
    "a text that is long",
    "a text of many lines",
    "an empty text",
    "an unknown escape",
    "a day that is not one",
    "an address with a password",
    "an address with a token",
    "an address with a wrong port",
    "a price below nothing",
    "a switch with a capital",
    "a reference that is none",
    "an unset variable",
    "a number that is not one",
    "no version",
    "no program to take",
    "an agreement by name without a company",
}


def test_what_the_reader_refuses_for_its_form_the_editor_marks_too(tmp_path: Path) -> None:
    compared = 0
    for case, text in BAD.items():
        codes = {finding.code for finding in loaded(tmp_path, text).findings}
        form = codes <= {"type", "choice", "unknown-key", "missing-key", "literal-secret", "not-available", "version"}
        if isinstance(text, str) and form and case not in BEYOND_A_SCHEMA:
            try:
                document = as_an_editor_reads(text)
            except yaml.YAMLError:
                continue
            assert problems("mappings", document), case
            compared += 1
    assert compared > 40


@pytest.mark.parametrize(
    "line",
    [
        "sync: true",
        "sync: 'true'",
        "sync: preview",
        "start: 2026-09",
        "company: 4711",
        "company: {id: 250}",
        "sync: ${S}",
    ],
)
def test_what_the_reader_takes_the_editor_takes(line: str, tmp_path: Path) -> None:
    text = VALID.replace("    start: 2026-09\n    sync: preview\n", "").replace("    company: Contoso\n", "")
    text = text.replace("  - name: Contoso\n", f"  - name: Contoso\n    {line}\n")
    if "company" not in line:
        text = text.replace("  - name: Contoso\n", "  - name: Contoso\n    company: Contoso\n")
    assert loaded(tmp_path, text, {"S": "true"}).mappings is not None
    assert problems("mappings", as_an_editor_reads(text)) == []


# -- invoices


def test_an_invoice_satisfies_the_editor() -> None:
    document = as_an_editor_reads(INVOICE)
    assert problems("invoice", document) == []
    assert problems("invoice", [document, document]) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("quantity: 10", "quantiy: 10"),
        ("quantity: 10", "quantity: ten"),
        ("motion: seat-monthly", "motion: monthly"),
        ("charge: cycle", "charge: cicle"),
        ("currency: AUD", "currency: dollars"),
        ("invoice: EXAMPLE-2026-10-0001\n", ""),
        ("from: 2026-09-16", "from: 16.09.2026"),
        ("term: P1M", "term: monthly"),
    ],
)
def test_a_wrong_invoice_is_marked(old: str, new: str) -> None:
    text = INVOICE.replace(old, new, 1)
    assert text != INVOICE
    assert problems("invoice", as_an_editor_reads(text))


# -- plans

ADDITION = AdditionValues(
    agreement_id="55",
    product="psa/product/CFQ7TTC0LH18:0001",
    product_id=None,
    serial_number="5f1b",
    quantity=Decimal(-3),
    unit_price=Decimal("20.0001"),
    unit_cost=Decimal(16),
    effective=date(2026, 9, 12),
    cancelled=None,
)
PRODUCT = ProductValues(
    "CFQ7TTC0LH18:0001", "M365-BB", "Business Basic", "Business Basic", Decimal(20), Decimal(16), True
)
CREATE = Change(
    address="psa/Contoso/seat-monthly/5f1b/2026-09-12",
    resource=Resource.ADDITION,
    action=Action.CREATE,
    before=None,
    after=ADDITION,
    customer="Contoso",
    motion=Motion.SEAT_MONTHLY,
    subscription="5f1b",
    agreement="psa/agreement/55",
    needs=("psa/product/CFQ7TTC0LH18:0001",),
    because=(Because("P46", "three fewer from the 12th on", "INV-1", 2), Because("C6", "nothing was charged")),
    impact={"2026-09": Decimal("-38.00")},
)
PLAN = sealed(
    Plan(
        month="2026-09",
        mappings=HASH,
        documents=(DocumentUsed("distributor", "invoices/a.yaml", "INV-1", "0" * 64, 12),),
        observed={"psa/agreement/55": HASH},
        observed_records={"psa/agreement/55": {"8801": {"quantity": "10", "cancelled": None}}},
        changes=(
            CREATE,
            replace(CREATE, address="b", action=Action.UPDATE, before=ADDITION, record="8801", customer=None),
            Change("psa/product/X", Resource.PRODUCT, Action.CREATE, None, PRODUCT),
        ),
        findings=(
            Finding(Severity.ERROR, "P37", "no", "C", "5f1b", Place("a.yaml", 1, 2), "do", Money(Decimal(1), "AUD")),
            Finding(Severity.INFO, "x", "y"),
        ),
        impact=(
            Impact(
                "psa/agreement/55", "CSP", "Contoso", "2026-09", "AUD", Decimal(200), Decimal("223.33"),
                Decimal("178.67"), Decimal(335), Decimal(335), Verdict.RECONCILED, None,
                Verdict.DIFFERS, "Jo: as agreed",
                (
                    Step(Part.CHARGED, "", Decimal("178.67")),
                    Step(Part.MARGIN, "At Retail Price", Decimal("44.67")),
                    Step(Part.ROUNDING, "", Decimal("-0.01")),
                ),
            ),
        ),
        not_passed_on=(NotPassedOn("C", "AUD", "warn", {"2026-09": Decimal(5)}, {}),),
        coverage=(Coverage("billed", "P46", 2, (Money(Decimal("178.67"), "AUD"),)),),
        refused_by=("max_changes",),
        decisions="sha256:" + "0f" * 32,
        undoes=7, months=("2026-08", "2026-09"),
        cutover=(
            HandOver(
                "Contoso", "CFQ7TTC0LH18:0001", "Business Basic", Fate.REPLACED, "9001", "psa/agreement/54", "Master",
                Decimal(10), Decimal(20), date(2026, 8, 1), None, date(2026, 8, 31), date(2026, 9, 1), "why",
                (Successor("5f1b", Decimal(10), Decimal(20), date(2026, 9, 1), CREATE.address),),
            ),
        ),
        left_open=OpenItems(
            (
                Unallocated(
                    "CN-1", 2, "credit", "Contoso", "5f1b", "Basic", Money(Decimal(-16), "AUD"), ("INV-1 line 2",),
                    "  - invoice: CN-1", Place("a.yaml", 3),
                ),
            ),
            (KeptBack("Contoso", "5f1b", "Basic", "none", Money(Decimal("14.67"), "AUD"), "outside the window"),),
            (Stub("customers", "  - name: Fabrikam", (Money(Decimal(48), "AUD"),)),),
            (Completeness("distributor", Complete.UNKNOWN, 1, "nothing to compare with"),),
        ),
        unchanged=118,
        target="psa",
        created="2026-11-22T10:00:00Z",
        version="0.1.0",
        digest="",
        signature=Signature("ci-2026", "0f" * 32),
    )
)  # fmt: skip


@pytest.mark.security(6)
def test_a_written_plan_satisfies_its_schema() -> None:
    assert problems("plan", json.loads(write_plan(PLAN))) == []


@pytest.mark.security(6)
def test_a_written_plan_uses_every_member_that_the_schema_names() -> None:
    text = write_plan(PLAN)
    schema = json_schema("plan")
    named = {key for part in parts(schema) for key in part.get("properties", {})}
    assert {key for key in named if f'"{key}":' not in text} <= {"reason"}


@pytest.mark.security(6)
@pytest.mark.parametrize("path", [(), ("summary",), ("changes", 0), ("changes", 0, "after"), ("impact", 0)])
def test_a_plan_with_a_member_more_or_less_is_marked(path: tuple[str | int, ...]) -> None:
    def opened() -> tuple[Any, Any]:
        document = json.loads(write_plan(PLAN))
        inner = document
        for step in path:
            inner = inner[step]
        return document, inner

    document, inner = opened()
    inner["secret"] = "x"
    assert problems("plan", document)
    for name in ("digest", "errors", "address", "quantity", "verdict"):
        document, inner = opened()
        if name in inner:
            del inner[name]
            assert problems("plan", document)
