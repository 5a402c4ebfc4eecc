"""A signed plan with one bit or one thing changed: none is approved. RECONCILER_FUZZ_SEED=N tries one flip alone."""

import json
import os
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from simulated_plans import cancel, create, standing_record
from torture_figures import Tally

from reconciler.domain.canonical import readable
from reconciler.domain.finding import Place
from reconciler.domain.mapping import Approval, Limits, TargetSettings
from reconciler.domain.plan import AdditionValues, Plan
from reconciler.planning.approving import NotApproved, check_approval, signed, signing_keys
from reconciler.planning.plan_file import PlanFileError, read_plan, sealed, write_plan

NOW = datetime(2026, 10, 3, 10, 0, tzinfo=UTC)
FLIPS = (2_000, 20_000)
ENVIRON = {"PLAN_KEY": "k" * 32}
TARGET = TargetSettings(
    "psa", "connectwise", "https://api-na.myconnectwise.net", "training", {}, Limits(), Place("mappings.yaml", 1),
    approval=Approval(signed=True, expires_hours=72, signing_keys={"ci": "PLAN_KEY"}),
)  # fmt: skip
NEW = AdditionValues(
    "55", "psa/product/SKU", "4120", "s-1", Decimal(3), Decimal(20), Decimal(16), date(2026, 9, 16), None, "three more"
)


def made(quantity: int = 3, created: str = "2026-10-03T09:00:00Z") -> Plan:
    plan = Plan(
        month="2026-09", mappings="sha256:" + "0" * 64, documents=(), observed={}, observed_records={},
        changes=(create(replace(NEW, quantity=Decimal(quantity))), cancel(standing_record())), findings=(), impact=(),
        coverage=(), refused_by=(), unchanged=0, target="psa", created=created, version="0.1.0", digest="",
    )  # fmt: skip
    return signed(sealed(plan), TARGET, signing_keys(TARGET, ENVIRON, ["ci"])[0])


def accepted(text: str, target: TargetSettings = TARGET) -> bool:
    """Whether the text is taken as an approved plan; anything else than a refusal in words is a failure."""
    try:
        check_approval(read_plan(text, "plan.json"), target, ENVIRON, NOW)
    except (PlanFileError, NotApproved):
        return False
    return True


TEXT = write_plan(made())


@pytest.mark.security(7)
def test_no_plan_with_one_bit_turned_over_is_approved(request: pytest.FixtureRequest) -> None:
    assert accepted(TEXT)
    count = FLIPS[bool(request.config.getoption("--release-size", default=False))]
    seed = os.environ.get("RECONCILER_FUZZ_SEED")
    raw = TEXT.encode()
    for flip in [int(seed)] if seed else range(count):
        bit = random.Random(flip).randrange(len(raw) * 8)
        turned = bytearray(raw)
        turned[bit // 8] ^= 1 << (bit % 8)
        try:
            text = turned.decode()
        except UnicodeDecodeError:
            continue
        same = _meaning(text) == _meaning(TEXT)
        assert same or not accepted(text), f"RECONCILER_FUZZ_SEED={flip}: bit {bit} was turned over unseen"
    Tally(request.node.user_properties).count("F11 R6 plans with one bit turned over", flips=count)


def _meaning(text: str) -> object:
    """What the text says; white space between its members says nothing."""
    try:
        return json.loads(text)
    except ValueError:
        return None


@pytest.mark.security(7, 11)
def test_no_plan_that_was_put_together_from_others_is_approved() -> None:
    mine, other = json.loads(TEXT), json.loads(write_plan(made(quantity=30)))
    swapped = mine | {"changes": mine["changes"][::-1]}
    forged = [
        swapped,
        mine | {"changes": other["changes"]},
        mine | {"changes": other["changes"], "digest": other["digest"]},
        other | {"signature": mine["signature"]},
        mine | {"signature": other["signature"]},
        mine | {"created": "2026-10-03T09:59:00Z"},
        {name: value for name, value in mine.items() if name != "signature"},
        mine | {"signature": mine["signature"] | {"key": "other"}},
        mine | {"signature": {"key": "ci", "hmac_sha256": ""}},
        mine | {"signature": "ci"},
        mine | {"further": "member"},
    ]
    assert [number for number, document in enumerate(forged) if accepted(readable(document))] == []


@pytest.mark.security(7)
def test_no_approval_holds_for_another_psa_or_after_its_hours() -> None:
    others = (
        {"url": "https://api-eu.myconnectwise.net"},
        {"company": "other"},
        {"name": "second"},
        {"type": "autotask"},
    )
    assert not any(accepted(TEXT, replace(TARGET, **other)) for other in others)  # type: ignore[arg-type]
    old = (NOW - timedelta(hours=73)).isoformat()
    assert not accepted(write_plan(made(created=old)))


@pytest.mark.security(16)
@pytest.mark.parametrize(
    "edit",
    [
        ('"unchanged": 0', '"unchanged": 0, "unchanged": 0'),
        ('"unchanged": 0', '"unchanged": NaN'),
        ('"unchanged": 0', '"unchanged": Infinity'),
        ('"unchanged": 0', '"unchanged": 1e999'),
        ('"unchanged": 0', '"unchanged": 0.0'),
        ('"unchanged": 0', '"unchanged": ' + "9" * 5000),
        ('"unchanged": 0', '"unchanged": ' + "[" * 100_000),
    ],
    ids=["twice", "nan", "infinity", "huge", "float", "digits", "deep"],
)
def test_json_with_a_surprise_in_it_is_no_plan(edit: tuple[str, str]) -> None:
    assert edit[0] in TEXT
    with pytest.raises(PlanFileError):
        read_plan(TEXT.replace(*edit), "plan.json")
