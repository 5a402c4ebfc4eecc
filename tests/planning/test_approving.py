"""A plan's signature and age: what is accepted, and that nothing else is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from world import contoso, fabrikam, plan_with

from reconciler.domain.finding import Place
from reconciler.domain.mapping import Approval, Limits, TargetSettings
from reconciler.domain.plan import Plan
from reconciler.planning.approving import NotApproved, check_approval, signed, signing_keys
from reconciler.planning.plan_file import read_plan, write_plan
from reconciler.sandbox.server import RunningSandbox

NOW = datetime(2026, 10, 3, 10, 0, tzinfo=UTC)
ENVIRON = {"NEW": "n" * 32, "OLD": "o" * 40, "SHORT": "s" * 31, "PSA_KEY": "p" * 40}
TARGET = TargetSettings(
    "psa",
    "connectwise",
    "https://api-na.myconnectwise.net",
    "training",
    {"private_key": "PSA_KEY"},
    Limits(),
    Place("mappings.yaml", 1),
    approval=Approval(
        signed=True, signing_keys={"ci-2026": "NEW", "ci-2025": "OLD", "short": "SHORT", "psa": "PSA_KEY"}
    ),
)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plan]:
    with RunningSandbox() as psa:
        yield plan_with(tmp_path_factory.mktemp("plan"), psa, {"a.csv": contoso(), "b.csv": fabrikam()})


def by(name: str, plan: Plan, target: TargetSettings = TARGET) -> Plan:
    return signed(plan, target, signing_keys(target, ENVIRON, [name])[0])


def refused(plan: Plan, target: TargetSettings = TARGET, now: datetime = NOW) -> str:
    with pytest.raises(NotApproved) as error:
        check_approval(plan, target, ENVIRON, now)
    assert not any(value in f"{error.value} {error.value.hint}" for value in ENVIRON.values())
    return str(error.value)


@pytest.mark.security(7, 8)
@pytest.mark.parametrize("name", ["ci-2026", "ci-2025"])
def test_a_plan_signed_with_any_accepted_key_is_approved_also_after_it_was_saved(name: str, plan: Plan) -> None:
    signed_plan = by(name, plan)
    check_approval(read_plan(write_plan(signed_plan), "plan.json"), TARGET, ENVIRON, NOW)
    assert signed_plan.digest == plan.digest


@pytest.mark.security(8)
def test_a_key_that_was_rotated_out_is_no_longer_accepted(plan: Plan) -> None:
    old = by("ci-2025", plan)
    rotated = replace(TARGET, approval=replace(TARGET.approval, signing_keys={"ci-2026": "NEW"}))
    assert "does not accept" in refused(old, rotated)


@pytest.mark.security(8)
@pytest.mark.parametrize(("name", "says"), [("short", "shorter than 32 bytes"), ("psa", "a credential of the PSA")])
def test_a_key_that_is_short_or_the_psas_own_signs_nothing_and_approves_nothing(
    name: str, says: str, plan: Plan
) -> None:
    with pytest.raises(NotApproved, match=says):
        signing_keys(TARGET, ENVIRON, [name])
    forged = replace(by("ci-2026", plan), signature=replace(by("ci-2026", plan).signature, key=name))  # type: ignore[type-var]
    assert says in refused(forged)


@pytest.mark.security(7, 11)
def test_another_key_under_the_name_of_an_accepted_one_is_refused(plan: Plan) -> None:
    other = signing_keys(TARGET, ENVIRON | {"NEW": "x" * 32}, ["ci-2026"])[0]
    assert "not right" in refused(signed(plan, TARGET, other))


@pytest.mark.security(7)
@pytest.mark.parametrize(
    "target",
    [
        replace(TARGET, url="https://api-eu.myconnectwise.net"),
        replace(TARGET, company="other"),
        replace(TARGET, name="second"),
    ],
    ids=["url", "company", "name"],
)
def test_an_approval_for_one_psa_is_none_for_another(target: TargetSettings, plan: Plan) -> None:
    assert "another target" in refused(by("ci-2026", plan), target)


@pytest.mark.security(7)
@pytest.mark.parametrize("member", [{"created": "2026-10-03T09:00:01Z"}, {"version": "9"}, {"digest": "sha256:0"}])
def test_when_and_by_what_a_plan_was_made_is_approved_with_it(member: dict[str, str], plan: Plan) -> None:
    assert "not right" in refused(replace(by("ci-2026", plan), **member))  # type: ignore[arg-type]


@pytest.mark.security(7)
def test_an_unsigned_plan_is_refused_where_signed_ones_are_demanded_and_taken_elsewhere(plan: Plan) -> None:
    assert "not signed" in refused(plan)
    check_approval(plan, replace(TARGET, approval=Approval()), {}, NOW)


@pytest.mark.security(7)
def test_a_wrong_signature_is_refused_where_none_was_demanded(plan: Plan) -> None:
    lenient = replace(TARGET, approval=replace(TARGET.approval, signed=False))
    check_approval(by("ci-2026", plan), lenient, ENVIRON, NOW)
    wrong = replace(by("ci-2026", plan), created="2026-10-03T09:00:01Z")
    assert "not right" in refused(wrong, lenient)


@pytest.mark.security(7)
def test_a_signature_whose_key_is_not_at_hand_approves_nothing(plan: Plan) -> None:
    with pytest.raises(NotApproved, match="NEW is not set"):
        check_approval(by("ci-2026", plan), TARGET, {}, NOW)


@pytest.mark.security(7)
def test_a_plan_lapses_after_its_hours_and_not_before(plan: Plan) -> None:
    target = replace(TARGET, approval=replace(TARGET.approval, expires_hours=72))
    made = datetime.fromisoformat(plan.created)
    check_approval(by("ci-2026", plan), target, ENVIRON, made + timedelta(hours=72))
    assert "expired" in refused(by("ci-2026", plan), target, made + timedelta(hours=72, seconds=1))
    assert "a time to come" in refused(by("ci-2026", plan), target, made - timedelta(hours=1))
    undated = replace(plan, created="soon")
    assert "does not say when" in refused(by("ci-2026", undated), target)
