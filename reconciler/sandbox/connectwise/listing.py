"""Lists: which records, in which order, which page, and the Link header that leads on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reconciler.sandbox.connectwise import conditions
from reconciler.sandbox.connectwise.errors import bad_condition, bad_request
from reconciler.sandbox.connectwise.matching import Getter, element_test, record_test, resolve
from reconciler.sandbox.connectwise.tables import Entity
from reconciler.sandbox.connectwise.world import World
from reconciler.sandbox.store import Record
from reconciler.sandbox.web import Call

DEFAULT_SIZE = 25
LARGEST_SIZE = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `link` is the Link header's value, None when there is to be none."""

    records: Sequence[Record]
    link: str | None


def matching_records(
    world: World, entity: Entity, records: Sequence[Record], query: Mapping[str, str]
) -> Sequence[Record]:
    """The records that fulfil every condition of the query, in the order they came."""
    tests = []
    if text := query.get("conditions", "").strip():
        tests.append(record_test(conditions.parse(text), entity, world))
    if text := query.get("childconditions", "").strip():
        tests.append(element_test(conditions.parse(text), entity, world))
    if text := query.get("customfieldconditions", "").strip():
        tests.append(element_test(conditions.parse(text), entity, world, "customFields"))
    return [record for record in records if all(test(record) for test in tests)] if tests else records


def page_of(world: World, entity: Entity, records: Sequence[Record], call: Call) -> Page:
    """The page that the query asks for, of records that are in order of their ids."""
    query = call.parameters()
    found = matching_records(world, entity, records, query)
    size = _page_size(world, query)
    if call.headers.get("pagination-type", "").strip().lower() == "forward-only":
        return _forward_page(found, size, query, call)
    found = _ordered(world, entity, found, query.get("orderby", ""))
    number = _whole(query, "page", 1)
    last = -(-len(found) // size)
    return Page(found[(number - 1) * size : number * size], _navigation(call, number, last))


def _forward_page(found: Sequence[Record], size: int, query: Mapping[str, str], call: Call) -> Page:
    if query.get("orderby", "").strip():
        raise bad_request("orderBy is not allowed with forward-only pagination.")
    after = _whole(query, "pageid", 0, least=0)
    rest = [record for record in found if record["id"] > after]
    link = f'<{_address(call, "pageId", rest[size - 1]["id"])}>; rel="next"' if len(rest) > size else ""
    return Page(rest[:size], link)


def _navigation(call: Call, number: int, last: int) -> str | None:
    """`next` and `last` while pages remain, `prev` and `first` behind one; nothing when one page holds all."""
    if last <= 1:
        return None
    pages: dict[str, int] = {}
    if number > 1:
        pages |= {"prev": min(number - 1, last), "first": 1}
    if number < last:
        pages |= {"next": number + 1, "last": last}
    return ", ".join(f'<{_address(call, "page", page)}>; rel="{rel}"' for rel, page in pages.items())


def _address(call: Call, name: str, value: int) -> str:
    """The address that was called, with one query member set; it comes last, as clients rely on."""
    kept = [
        part
        for part in call.query.split("&")
        if part and part.partition("=")[0].lower() not in ("page", "pageid", name.lower())
    ]
    return f"{call.origin}{call.path}?{'&'.join([*kept, f'{name}={value}'])}"


def _page_size(world: World, query: Mapping[str, str]) -> int:
    size = _whole(query, "pagesize", DEFAULT_SIZE)
    if size <= LARGEST_SIZE:
        return size
    if world.switches.page_size_over == "refuse":
        raise bad_request(f"pageSize is at most {LARGEST_SIZE}.")
    return LARGEST_SIZE


def _whole(query: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    text = query.get(name, "").strip()
    if not text:
        return default
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
        raise bad_request(f"{name} is a whole number of at least {least}, not '{text}'.")
    return int(text)


def _ordered(world: World, entity: Entity, records: Sequence[Record], text: str) -> Sequence[Record]:
    for part in reversed([part for part in text.split(",") if part.strip()]):
        words = part.split()
        if len(words) > 2 or (len(words) == 2 and words[1].lower() not in ("asc", "desc")):
            raise bad_condition(f"'{part.strip()}' is no order; write a field and asc or desc.")
        getter, _, _ = resolve(tuple(words[0].split("/")), entity, world)
        records = sorted(records, key=_order_key(getter), reverse=len(words) == 2 and words[1].lower() == "desc")
    return records


def _order_key(getter: Getter) -> Any:
    """Unset members come first, as in SQL Server (inferred); text without regard to case."""

    def key(record: Record) -> tuple[int, Any]:
        value = getter(record)
        if value is None:
            return (0, 0)
        if isinstance(value, str):
            return (1, value.casefold())
        return (1, Decimal(value) if isinstance(value, bool) else value)

    return key
