"""Where in the catalogue a created product is put: subcategory, type and unit of measure, which must be there already.

They are declared by name and looked up once (rulebook P28); what is lacking is told in the words of E2 to E4.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.records import ProductDefaults
from reconciler.targets.base import Refused
from reconciler.targets.connectwise.bodies import ProductPlace
from reconciler.targets.connectwise.client import Client
from reconciler.targets.connectwise.conditions import Condition, Field, all_of
from reconciler.targets.connectwise.records import Record
from reconciler.targets.together import side_by_side

_LACKING = "Unable to find the default product {kind} of '{name}' when adding a new product"


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the lists: its path, what E2 to E4 call its entries, the code of the finding."""

    path: str
    called: str
    code: str


_SUBCATEGORY = _Kind("/procurement/subcategories/", "sub-category", "E2")
_TYPE = _Kind("/procurement/types", "type", "E3")
_UNIT = _Kind("/procurement/unitOfMeasures", "unit of measure", "E4")


class Defaults:
    """The places that were looked up so far, by their names."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._found: dict[ProductDefaults, ProductPlace | tuple[Finding, ...]] = {}
        self._looking = asyncio.Lock()

    async def lacking(self, names: ProductDefaults | None) -> tuple[Finding, ...]:
        """What must be set up before a product can be created; empty where none is to be. Raises TargetError."""
        found = await self._looked_up(names) if names else ()
        return found if isinstance(found, tuple) else ()

    async def place(self, names: ProductDefaults) -> ProductPlace:
        """The place with these names. Raises Refused where something is lacking, TargetError."""
        found = await self._looked_up(names)
        if isinstance(found, tuple):
            raise Refused(found[0].message, found[0].hint, found[0].code)
        return found

    async def _looked_up(self, names: ProductDefaults) -> ProductPlace | tuple[Finding, ...]:
        async with self._looking:
            if names not in self._found:
                self._found[names] = await self._look_up(names)
            return self._found[names]

    async def _look_up(self, names: ProductDefaults) -> ProductPlace | tuple[Finding, ...]:
        within = all_of(
            [
                Field("subcategory", "name").equals(names.subcategory),
                Field("subcategory", "category/name").equals(names.category),
            ]
        )
        subcategories, types, units = await side_by_side(
            self._rows(_SUBCATEGORY, "id,name,inactiveFlag,category/name", within),
            self._rows(_TYPE, "id,name,inactiveFlag", Field("named", "name").equals(names.type)),
            self._rows(_UNIT, "id,name,inactiveFlag", Field("named", "name").equals(names.unit_of_measure)),
        )
        subcategories = [row for row in subcategories if _same(_category(row), names.category)]
        chosen = (
            _chosen(_SUBCATEGORY, subcategories, names.subcategory, f" in category '{names.category}'"),
            _chosen(_TYPE, types, names.type),
            _chosen(_UNIT, units, names.unit_of_measure),
        )
        findings = tuple(one for one in chosen if isinstance(one, Finding))
        numbers = [one for one in chosen if isinstance(one, int)]
        return findings or ProductPlace(*numbers)

    async def _rows(self, kind: _Kind, fields: str, where: Condition) -> list[Record]:
        rows = await self._client.rows(kind.path, fields, where)
        return [Record(f"{kind.called} {row.get('id', '?')}", row) for row in rows]


def _chosen(kind: _Kind, rows: Sequence[Record], name: str, within: str = "") -> int | Finding:
    named = [row for row in rows if _same(row.text("name"), name)]
    active = [number for row in named if not row.flag("inactiveFlag") and (number := row.id())]
    if active:
        return int(active[0])
    called = "product type" if kind is _TYPE else kind.called
    state = "is inactive; activate it" if named else "does not exist; create it"
    return Finding(
        Severity.ERROR,
        kind.code,
        _LACKING.format(kind=kind.called, name=name),
        hint=f"the {called} '{name}'{within} {state} in ConnectWise, a category before its sub-category, "
        "or name another in products.defaults",
    )


def _category(row: Record) -> str | None:
    category: Mapping[str, Any] | None = row.members.get("category")
    return Record(row.what, category).text("name") if isinstance(category, dict) else None


def _same(found: str | None, wanted: str) -> bool:
    return (found or "").casefold() == wanted.strip().casefold()
