"""The audit trail of an addition: asked for by number, page after page, and taken for no more than it says."""

import asyncio
import json

import pytest
from sandbox_target import asked
from scripted_psa import Asked, ScriptedPsa, reply

from reconciler.domain.decision import RecordField
from reconciler.domain.drift import DriftKind, Trace
from reconciler.targets.base import Target, TargetError, who_changed

NEXT = '<https://elsewhere.example/system/audittrail?page=2>; rel="next"'


async def trail(target: Target) -> tuple[Trace, ...]:
    return await who_changed(target, "8801")


def entry(text: str | None, at: str | None = None, by: str | None = "jdoe") -> dict[str, str | None]:
    return {"text": text, "enteredDate": at, "enteredBy": by}


def told(*pages: list[dict[str, str | None]]) -> tuple[tuple[Trace, ...], list[Asked]]:
    def script(request: Asked) -> bytes:
        number = int(request.query["page"])
        links = {"Link": NEXT} if number < len(pages) else {}
        return reply(200, json.dumps(pages[number - 1]).encode(), **links)

    with ScriptedPsa(script) as psa:
        return asked(psa.url, trail), psa.api_requests


def test_it_is_asked_for_by_type_and_id_without_fields_or_order() -> None:
    _, (request,) = told([entry("The record has been created.")])
    assert request.path.endswith("/system/audittrail")
    assert request.query == {"type": "AgreementAddition", "id": "8801", "pageSize": "1000", "page": "1"}


def test_all_pages_are_read_and_the_oldest_entry_comes_first() -> None:
    traces, requests = told(
        [entry("new", "2026-10-03T09:00:00Z"), entry("old", "2026-10-01T09:00:00Z")],
        [entry("middle", "2026-10-02T09:00:00Z")],
    )
    assert [trace.text for trace in traces] == ["old", "middle", "new"]
    assert len(requests) == 2
    assert all(request.headers["host"].startswith("127.0.0.1") for request in requests)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ('quantity has been changed from 10 to "8".', {RecordField.QUANTITY}),
        ("Unit Price changed from 20.00 to 22.00; Unit Cost changed", {RecordField.UNIT_PRICE, RecordField.UNIT_COST}),
        ("cancelledDate has been changed from nothing", {RecordField.CANCELLED}),
        ("Effective Date: 2026-08-01 to 2026-08-15", {RecordField.EFFECTIVE}),
        ("serialNumber has been changed", {RecordField.SERIAL_NUMBER}),
        ("product has been changed from 4120 to 4121.", {RecordField.PRODUCT}),
        ("invoiceDescription has been changed", {RecordField.DESCRIPTION}),
        ("The record has been deleted.", {DriftKind.GONE}),
        ("The record has been created.", {DriftKind.CAME_IN}),
        ("Something happened to the agreement.", set()),
    ],
)
def test_an_entry_speaks_of_the_fields_that_it_names(text: str, about: set[RecordField | DriftKind]) -> None:
    ((trace,), _) = told([entry(text)])
    assert trace.about == about


def test_what_an_entry_leaves_out_is_not_known() -> None:
    ((trace,), _) = told([entry("quantity", None, None)])
    assert (trace.who, trace.at) == (None, None)


def test_an_entry_without_a_text_is_an_error_of_the_psa() -> None:
    with pytest.raises(TargetError, match="has no text"):
        told([entry(None)])


def test_a_target_without_a_trail_tells_nothing() -> None:
    class Silent:
        pass

    assert asyncio.run(who_changed(Silent(), "8801")) == ()  # type: ignore[arg-type]
