"""One apply, one fault at a time: what the PSA holds afterwards, and what was said."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from apply_bench import Bench
from fake_psa import SKU, FakeClock, FakePSA, addition_of, cancel, create, plan_of, product, values

from reconciler.applying.course import CannotApply
from reconciler.applying.report import ApplyReport, ChangeResult, Ending
from reconciler.domain.plan import Action, ProductValues
from reconciler.domain.records import Product
from reconciler.store.database import read_store
from reconciler.store.history import incidents, open_ops
from reconciler.store.schema import State

THREE = (product(), create("new", needs=(f"psa/product/{SKU}",), product_id=None), cancel("base", "7001"))


def states(report: ApplyReport) -> list[State]:
    return [result.state for result in report.results]


def test_products_come_first_and_their_ids_reach_the_additions_that_need_them(bench: Bench) -> None:
    report = bench.apply(plan_of((THREE[1], THREE[2], THREE[0])))
    assert report.exit_status == 0
    assert bench.world.writes == [f"product {SKU}", "create new 2026-09-12", "update 7001"]
    made = next(a for a in bench.world.additions.values() if a.serial_number == "new")
    assert made.product_id in bench.world.products
    assert bench.world.additions["7001"].cancelled == date(2026, 9, 30)
    assert report.counts() == {
        "created": 2,
        "updated": 0,
        "ended": 1,
        "adopted": 0,
        "written before": 0,
        "deleted": 0,
        "failed": 0,
        "left": 0,
    }
    assert [(month, str(money)) for month, money in report.impact] == [
        ("2026-09", "38.00 AUD"),
        ("2026-10", "-200.00 AUD"),
    ]


def test_each_change_is_told_as_it_ends(bench: Bench) -> None:
    bench.apply(plan_of([create("new")]))
    assert [(r.change.address, r.sentence) for r in bench.told] == [
        ("psa/Contoso/seat-monthly/new/2026-09-12", "created (id 9001)")
    ]


@pytest.mark.security(7)
def test_a_plan_applied_twice_writes_nothing_the_second_time(bench: Bench) -> None:
    plan = plan_of(THREE)
    bench.apply(plan)
    before = list(bench.world.writes)
    report = bench.apply(plan)
    assert (report.ending, report.exit_status) == (Ending.ALREADY_DONE, 0)
    assert bench.world.writes == before


def test_a_plan_made_anew_with_the_same_content_is_another_plan(bench: Bench) -> None:
    bench.apply(plan_of([create("new")]))
    del bench.world.additions["9001"]
    report = bench.apply(plan_of([create("new")], created="2026-10-04T08:00:00Z"))
    assert report.ending is Ending.DONE
    assert "9002" in bench.world.additions


def test_a_stale_plan_writes_nothing_and_says_why(bench: Bench) -> None:
    async def stale() -> tuple[str, ...]:
        return ("record 7001: quantity from 10 to 12",)

    report = bench.apply(plan_of(THREE), stale=stale)
    assert (report.exit_status, report.stale) == (3, ("record 7001: quantity from 10 to 12",))
    assert bench.world.writes == []
    assert bench.apply(plan_of(THREE)).exit_status == 0


@pytest.mark.parametrize("fault", ["lost answer", "lost request", "delayed 100", "duplicate", "not sent"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_fault_leaves_each_record_there_once(bench: Bench, fault: str, at: int) -> None:
    report = bench.apply(plan_of(THREE), bench.psa(*["fine"] * at, fault))
    bench.world.all_landed()
    assert len([a for a in bench.world.additions.values() if a.serial_number == "new"]) == 1
    assert bench.world.additions["7001"].cancelled == date(2026, 9, 30)
    assert all(record.quantity in (3, 10) for record in bench.world.additions.values())
    if fault == "duplicate" and at == 0:
        # A second catalogue item is not ours to delete: it is told.
        assert report.exit_status == 6
        assert "same Vendor SKU" in report.incidents[0]
    else:
        assert report.exit_status == 0
        assert len(bench.world.products) == 1


def test_a_lost_request_is_sent_again_only_after_the_settle_time(bench: Bench) -> None:
    times = []
    psa = bench.psa("lost request")
    psa.before_write = lambda _: times.append(bench.clock.now())
    assert bench.apply(plan_of([create("new")]), psa).exit_status == 0
    assert len(times) == 2
    assert times[1] - times[0] >= timedelta(seconds=120)


def test_a_lost_answer_is_found_without_waiting_the_whole_settle_time(bench: Bench) -> None:
    report = bench.apply(plan_of([create("new")]), bench.psa("lost answer"))
    assert report.exit_status == 0
    assert bench.world.writes == ["create new 2026-09-12"]
    assert bench.clock.slept < 5


def test_what_never_appears_fails_after_three_sends(bench: Bench) -> None:
    report = bench.apply(plan_of([create("new")]), bench.psa(*["lost request"] * 9))
    assert states(report) == [State.FAILED]
    assert report.exit_status == 6
    assert len(bench.world.writes) == 3


def test_a_refusal_is_final_and_carries_the_words_of_the_psa(bench: Bench) -> None:
    report = bench.apply(plan_of([create("new"), create("other")]), bench.psa("refused"))
    assert states(report) == [State.REJECTED, State.CONFIRMED]
    assert report.results[0].sentence == "The field quantity is not valid."
    assert report.results[0].hint is not None
    assert report.exit_status == 6
    assert report.counts()["failed"] == 1


def test_after_a_refusal_the_rest_of_that_subscription_is_held_back(bench: Bench) -> None:
    changes = [cancel("base", "7001"), create("base", 12, effective=date(2026, 10, 1)), create("other")]
    report = bench.apply(plan_of(changes), bench.psa("refused"))
    assert states(report) == [State.REJECTED, State.PLANNED, State.CONFIRMED]
    assert "of the same subscription was not done" in report.results[1].sentence


def test_an_addition_is_held_back_when_its_product_is_refused(bench: Bench) -> None:
    report = bench.apply(plan_of(THREE), bench.psa("refused"))
    assert states(report) == [State.REJECTED, State.PLANNED, State.CONFIRMED]
    assert f"it needs psa/product/{SKU}" in report.results[1].sentence


def test_a_record_changed_by_hand_is_skipped_and_told_field_by_field(bench: Bench) -> None:
    bench.world.additions["7001"] = replace(bench.world.additions["7001"], quantity=Decimal(12))
    report = bench.apply(plan_of([cancel("base", "7001"), create("new")]))
    assert states(report) == [State.DRIFT, State.CONFIRMED]
    assert "record 7001 was changed since the plan: quantity from 10 to 12" in report.results[0].sentence
    assert bench.world.additions["7001"].cancelled is None
    assert report.exit_status == 6


def test_a_record_that_is_gone_or_renamed_is_drift(bench: Bench) -> None:
    bench.world.additions["7001"] = replace(bench.world.additions["7001"], serial_number="by hand")
    report = bench.apply(plan_of([create("new"), cancel("base", "7001")]))
    assert "serial_number from base to by hand" in report.results[1].sentence
    del bench.world.additions["7001"]
    report = bench.apply(plan_of([cancel("base", "7001")], created="2026-10-04T08:00:00Z"))
    assert report.results[0].sentence == "record 7001 is no longer there"


def test_what_is_there_already_is_not_sent(bench: Bench) -> None:
    bench.world.additions["8801"] = addition_of("8801", values("new"))
    bench.world.additions["7001"] = replace(bench.world.additions["7001"], cancelled=date(2026, 9, 30))
    report = bench.apply(plan_of([create("new"), cancel("base", "7001")]))
    assert report.exit_status == 0
    assert bench.world.writes == []
    assert report.results[0].record == "8801"


def test_a_place_taken_by_another_record_is_a_conflict(bench: Bench) -> None:
    bench.world.additions["8801"] = addition_of("8801", values("new", 5))
    report = bench.apply(plan_of([create("new", 3)]))
    assert states(report) == [State.CONFLICT]
    assert "quantity from 3 to 5" in report.results[0].sentence
    assert bench.world.writes == []


def test_a_record_beside_one_that_the_plan_knew_is_written_once_and_never_taken_for_done(bench: Bench) -> None:
    bench.world.additions["8801"] = addition_of("8801", values("new"))
    plan = plan_of([create("new")], observed_records={"psa/agreement/55": {"8801": {}}})
    report = bench.apply(plan, bench.psa("lost answer"))
    bench.world.all_landed()
    assert states(report) == [State.CONFIRMED]
    assert len(bench.world.writes) == 1
    assert len(bench.world.additions) == 3


def test_a_record_like_it_that_is_not_billed_is_a_conflict(bench: Bench) -> None:
    bench.world.additions["8801"] = replace(addition_of("8801", values("new")), bills=False)
    report = bench.apply(plan_of([create("new")]))
    assert states(report) == [State.CONFLICT]
    assert "not billed to the customer" in report.results[0].sentence


def test_two_prices_on_one_day_are_two_places(bench: Bench) -> None:
    changes = [
        create("base", -10, cancelled=date(2026, 9, 30)),
        replace(create("base", 10, cancelled=date(2026, 9, 30), unit_price=Decimal(22)), address="psa/Contoso/2"),
    ]
    report = bench.apply(plan_of(changes), bench.psa("lost answer", "delayed 60"))
    bench.world.all_landed()
    assert report.exit_status == 0
    assert sorted(a.quantity for a in bench.world.additions.values()) == [-10, 10, 10]


def test_a_record_that_stood_there_before_is_not_taken_for_the_one_in_doubt(bench: Bench) -> None:
    dearer = create("base", 10, effective=date(2026, 8, 1), unit_price=Decimal(22))
    report = bench.apply(plan_of([dearer]), bench.psa("lost request"))
    assert report.exit_status == 0, report
    assert len(bench.world.writes) == 2


def test_an_answer_that_is_not_what_was_asked_is_a_conflict_and_not_sent_again(bench: Bench) -> None:
    report = bench.apply(plan_of([create("new")]), bench.psa("altered"))
    assert states(report) == [State.CONFLICT]
    assert "quantity from 3 to 4" in report.results[0].sentence
    assert len(bench.world.writes) == 1


def test_a_record_made_without_its_serial_number_is_found_and_not_made_again(bench: Bench) -> None:
    report = bench.apply(plan_of([create("new")]), bench.psa("no serial"))
    assert states(report) == [State.CONFLICT]
    assert "serial_number from new to nothing" in report.results[0].sentence
    assert len(bench.world.writes) == 1


def test_the_audit_removes_the_younger_copy_that_was_never_invoiced(bench: Bench) -> None:
    report = bench.apply(plan_of([create("new")]), bench.psa("duplicate"))
    assert report.exit_status == 0
    assert bench.world.writes == ["create new 2026-09-12", "delete 9002"]
    assert report.results[0].record == "9001"
    assert set(bench.world.additions) == {"7001", "9001"}
    (told,) = bench.notices
    assert "record 9002, the younger and never invoiced, was removed, and 9001 stays" in told


def test_the_audit_keeps_and_tells_a_copy_that_may_be_invoiced(bench: Bench) -> None:
    psa = bench.psa("duplicate")

    def an_invoice_is_made(what: str) -> None:
        agreement = bench.world.agreements["55"]
        bench.world.agreements["55"] = replace(agreement, next_invoice=date(2026, 11, 1))

    psa.before_write = an_invoice_is_made
    report = bench.apply(plan_of([create("new")]), psa)
    assert report.exit_status == 6
    assert "record 9002 stands in the same place as 9001 and may be invoiced" in report.incidents[0]
    assert set(bench.world.additions) == {"7001", "9001", "9002"}


def test_a_send_that_lands_after_the_settle_time_is_found_by_the_audit(bench: Bench) -> None:
    report = bench.apply(plan_of([create("new")]), bench.psa("delayed 200"))
    bench.world.all_landed()
    assert report.exit_status == 0
    assert len([a for a in bench.world.additions.values() if a.serial_number == "new"]) == 1


def test_the_audit_tells_what_was_altered_behind_a_confirmed_write(bench: Bench) -> None:
    psa = bench.psa()

    def edited_after_the_first(what: str) -> None:
        if what.startswith("create other"):
            bench.world.additions["9001"] = replace(bench.world.additions["9001"], quantity=Decimal(1))

    psa.before_write = edited_after_the_first
    report = bench.apply(plan_of([create("new"), create("other")]), psa)
    assert report.exit_status == 6
    assert "record 9001 is not as planned: quantity from 3 to 1" in report.incidents[0]


def test_five_doubts_in_a_row_pull_the_brake(bench: Bench) -> None:
    changes = [create(f"sub-{n}", agreement_id=str(60 + n)) for n in range(12)]
    for n in range(12):
        bench.world.agreements[str(60 + n)] = replace(bench.world.agreements["55"], id=str(60 + n))
    report = bench.apply(plan_of(changes), bench.psa(*["lost request"] * 40))
    assert report.exit_status == 6
    # Those in flight beside each other when the fifth doubt came are more than five, but all others stay unsent.
    assert 5 <= len(bench.world.writes) <= 8
    assert any("no clear answer 5 times in a row" in result.sentence for result in report.results)
    store = read_store(bench.url)
    assert store is not None
    assert not [address for address, state in open_ops(store) if state in ("INTENT", "UNKNOWN")]
    store.close()


def test_a_psa_that_cannot_be_read_gets_no_writes(bench: Bench) -> None:
    psa = bench.psa()
    psa.unreadable = True
    report = bench.apply(plan_of([create("new")]), psa)
    assert report.exit_status == 6
    assert "the PSA could not be read" in report.results[0].sentence
    assert bench.world.writes == []
    assert bench.apply(plan_of([create("new")])).exit_status == 0


def test_adopting_and_deleting_are_looked_at_and_confirmed_like_the_rest(bench: Bench) -> None:
    bench.world.additions["7002"] = addition_of("7002", values("", 4, serial_number=None))
    bench.world.additions["7003"] = addition_of("7003", values("old", 1))
    before = values("", 4, serial_number=None)
    adopt = replace(
        create("base2"), action=Action.ADOPT, record="7002", before=before, after=replace(before, serial_number="base2")
    )
    delete = replace(create("old"), action=Action.DELETE, record="7003", before=values("old", 1), after=None)
    report = bench.apply(plan_of([adopt, delete]), bench.psa("lost answer", "lost answer"))
    assert report.exit_status == 0
    assert bench.world.additions["7002"].serial_number == "base2"
    assert "7003" not in bench.world.additions
    assert report.counts()["adopted"] == report.counts()["deleted"] == 1


def test_a_product_that_gets_its_vendor_sku_is_found_by_its_identifier(bench: Bench) -> None:
    bench.world.products["4120"] = Product("4120", "M365-BB", None, "Business Basic", Decimal(20), Decimal(16))
    after = product().after
    assert isinstance(after, ProductValues)
    after = replace(after, description="Business Basic")
    link = replace(product(), action=Action.UPDATE, record="4120", before=replace(after, vendor_sku=""), after=after)
    report = bench.apply(plan_of([link]), bench.psa("lost request"))
    assert report.exit_status == 0
    assert bench.world.products["4120"].vendor_sku == SKU


def test_a_plan_that_writes_one_record_twice_is_refused(bench: Bench) -> None:
    twice = [create("new"), replace(create("new"), address="psa/other")]
    with pytest.raises(CannotApply, match="writes one record twice"):
        bench.apply(plan_of(twice))
    assert bench.world.writes == []


def test_a_plan_whose_changes_need_each_other_is_refused(bench: Bench) -> None:
    one, two = create("one"), create("two")
    circle = [replace(one, needs=(two.address,)), replace(two, needs=(one.address,))]
    with pytest.raises(CannotApply, match="need each other"):
        bench.apply(plan_of(circle))


def test_incidents_are_kept_in_the_journal(bench: Bench) -> None:
    report = bench.apply(plan_of(THREE), bench.psa("duplicate"))
    store = read_store(bench.url)
    assert store is not None
    assert any("same Vendor SKU" in text for text in incidents(store, report.plan_id))
    store.close()


def test_agreements_go_on_side_by_side_while_one_waits_for_its_doubt(bench: Bench) -> None:
    bench.world.agreements["56"] = replace(bench.world.agreements["55"], id="56")
    order: list[str] = []
    others_done = asyncio.Event()

    class WaitsForTheOthers(FakeClock):
        async def sleep(self, seconds: float) -> None:
            # The bound is for the day on which agreements wait for one another: then this would never end.
            await asyncio.wait_for(others_done.wait(), 30)
            await super().sleep(seconds)

    def note(what: str) -> None:
        order.append(what)
        if what.startswith("create next"):
            others_done.set()

    bench.clock = bench.world.clock = WaitsForTheOthers()
    psa: FakePSA = bench.psa("lost request")
    psa.before_write = note
    plan = plan_of([create("slow"), create("fast", agreement_id="56"), create("next", agreement_id="56")])
    assert bench.apply(plan, psa).exit_status == 0
    assert order[-1] == "create slow 2026-09-12"
    assert sorted(order[:-1]) == [f"create {name} 2026-09-12" for name in ("fast", "next", "slow")]


def test_a_copy_that_a_person_has_edited_meanwhile_is_told_and_left_to_them(bench: Bench) -> None:
    class EditedMeanwhile(list[ChangeResult]):
        def append(self, result: ChangeResult) -> None:
            copy = bench.world.additions["9002"]
            bench.world.additions["9002"] = replace(copy, cancelled=date(2026, 12, 31))

    bench.told = EditedMeanwhile()
    report = bench.apply(plan_of([create("new")]), bench.psa("duplicate"))
    assert report.exit_status == 6
    assert "record 9002 stands in the same place as 9001" in report.incidents[0]
    assert sorted(bench.world.additions) == ["7001", "9001", "9002"]


def test_a_record_that_a_person_adds_beside_one_that_a_change_ends_is_told_and_left_to_them(bench: Bench) -> None:
    psa = bench.psa()

    def a_person_adds_one(what: str) -> None:
        bench.world.additions["7002"] = replace(bench.world.additions["7001"], id="7002")

    psa.before_write = a_person_adds_one
    report = bench.apply(plan_of([cancel("base", "7001")]), psa)
    assert report.exit_status == 6
    assert "record 7002 stands in the same place as 7001" in report.incidents[0]
    assert bench.world.writes == ["update 7001"]
    assert sorted(bench.world.additions) == ["7001", "7002"]
