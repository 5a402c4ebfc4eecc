"""A seed file turned into a world: companies, products, agreements, additions, and the lists they lean on.

Every writable member of a record may be given, references as an id or as a name. What is left out gets a
default. A seed may hold what the API would refuse (a text too long, an inactive unit): that is how one tests
what happens next. Only types and references are checked.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from reconciler.sandbox.connectwise import additions, billing, bodies, entities
from reconciler.sandbox.connectwise.tables import Entity, Field, Kind
from reconciler.sandbox.connectwise.world import ACTOR, FIRST_DAY, World
from reconciler.sandbox.seed_text import Path, SeedText
from reconciler.sandbox.store import Record
from reconciler.sandbox.switches import SwitchError, Switches

SECTIONS: Mapping[str, str] = {
    "categories": "category",
    "subcategories": "subcategory",
    "types": "product_type",
    "units": "unit",
    "manufacturers": "manufacturer",
    "agreementTypes": "agreement_type",
    "billingCycles": "billing_cycle",
    "companies": "company",
    "contacts": "contact",
    "products": "product",
    "agreements": "agreement",
    "additions": "addition",
}
"""The lists a seed may have, in the order in which they are put in, with the kind of record each makes."""

_HEAD = ("psa", "today", "switches")
_REQUIRED = {
    "company": ("identifier",),
    "product": ("identifier",),
    "agreement": ("company",),
    "addition": ("agreement", "product"),
}
_LOOKUPS: Mapping[str, tuple[Record, ...]] = {
    "company_status": ({"name": "Active", "defaultFlag": True}, {"name": "Inactive", "inactiveFlag": True}),
    "company_type": ({"name": "Client", "defaultFlag": True}, {"name": "Vendor", "vendorFlag": True}),
    "billing_status": (
        {"name": "New", "sortOrder": 1, "defaultFlag": True},
        {"name": "Closed", "sortOrder": 2, "closedFlag": True},
    ),
    "billing_cycle": (
        {"identifier": "ONCE", "name": "One-Time", "billingOptions": "NotRecurring"},
        {"identifier": "MONTH", "name": "Monthly", "billingOptions": "Monthly", "defaultFlag": True},
        {"identifier": "QUART", "name": "Quarterly", "billingOptions": "Quarterly"},
        {"identifier": "YEAR", "name": "Yearly", "billingOptions": "Yearly"},
    ),
    "agreement_type": (
        {
            "name": "Managed Services",
            "defaultFlag": True,
            "employeeCompRate": "Actual",
            "employeeCompNotExceed": "Billing",
            "invoicingCycle": "CalendarYear",
            "billTime": "NoDefault",
            "billExpenses": "NoDefault",
            "billProducts": "NoDefault",
        },
    ),
    "category": ({"name": "Miscellaneous", "defaultFlag": True},),
    "subcategory": ({"name": "Miscellaneous", "defaultFlag": True, "category": 1},),
    "product_type": ({"name": "Miscellaneous", "defaultFlag": True, "typeXref": "OtherCharge"},),
    "unit": ({"name": "Each", "defaultFlag": True},),
    "manufacturer": ({"name": "Microsoft"},),
    "currency": (
        {"name": "US Dollars", "symbol": "$", "currencyCode": "USD", "currencyIdentifier": "USD"},
        {"name": "Euro", "symbol": "€", "currencyCode": "EUR", "currencyIdentifier": "EUR"},
        {"name": "British Pounds", "symbol": "£", "currencyCode": "GBP", "currencyIdentifier": "GBP"},
    ),
}
_NAMED_BY = ("identifier", "name", "currencyCode")


def plant(world: World, seed: SeedText, switches: Switches) -> dict[str, int]:
    """Empties the world and puts the seed in; returns how many records of each list were made.

    The seed's switches are set on top of the given ones.

    Raises SeedError, and changes nothing, when the seed cannot be used.
    """
    planting = _Planting(world, seed, switches)
    with world.store.writing():
        return planting.whole()


class _Planting:
    def __init__(self, world: World, seed: SeedText, switches: Switches) -> None:
        self._world, self._seed, self._base = world, seed, switches
        self._contacts: dict[int, int] = {}
        self._free_from: dict[str, int] = {}

    def whole(self) -> dict[str, int]:
        root = self._head()
        store = self._world.store
        store.clear()
        store.set_fact("today", root["today"].isoformat())
        store.set_fact("switches", self._switches(root.get("switches") or {}).as_mapping())
        for kind, rows in _LOOKUPS.items():
            for row in rows:
                self._put(entities.ENTITIES[kind], dict(row))
        made = {section: self._section(section, kind, root) for section, kind in SECTIONS.items()}
        self._open_ledgers()
        return {section: count for section, count in made.items() if count}

    def _head(self) -> dict[str, Any]:
        root = self._seed.value
        if not isinstance(root, dict):
            raise self._seed.error((), "a seed is a mapping with companies, products, agreements and additions.")
        for name in root:
            if name not in SECTIONS and name not in _HEAD:
                raise self._seed.unknown((), name, [*SECTIONS, *_HEAD])
        if root.get("psa", "connectwise") != "connectwise":
            raise self._seed.error(("psa",), f"this sandbox is connectwise, the seed is for {root['psa']}.")
        return root | {"today": self._day(("today",), root.get("today", FIRST_DAY))}

    def _switches(self, values: Any) -> Switches:
        if not isinstance(values, dict):
            raise self._seed.error(("switches",), "write a mapping such as {rounding: line}.")
        switches = self._base
        for name, value in values.items():
            try:
                switches = switches.changed({name: value})
            except SwitchError as error:
                raise self._seed.error(("switches", name), f"{error}.") from None
        return switches

    def _section(self, section: str, kind: str, root: Mapping[str, Any]) -> int:
        rows = root.get(section) or []
        if not isinstance(rows, list):
            raise self._seed.error((section,), "write a list of records.")
        given = [row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), int)]
        self._free_from[kind] = max(given, default=0) + 1
        for n, row in enumerate(rows):
            self._one(entities.ENTITIES[kind], (section, n), row)
        return len(rows)

    def _one(self, entity: Entity, path: Path, row: Any) -> None:
        if not isinstance(row, dict):
            raise self._seed.error(path, f"write the members of a {entity.resource}, as in {{id: 1, …}}.")
        record = {name: self._member(entity, (*path, name), name, value) for name, value in row.items()}
        for name in _REQUIRED.get(entity.kind, ("name",) if "name" in entity.fields else ()):
            if row.get(name) is None:
                raise self._seed.error(path, f"{name} is missing; every {entity.resource} needs one.")
        ident = record.get("id")
        if ident is not None and self._world.store.get(entity.kind, ident):
            raise self._seed.error((*path, "id"), f"{ident} is taken; give each {entity.resource} its own id.")
        self._fill(entity, record)
        self._put(entity, record)

    def _member(self, entity: Entity, path: Path, name: str, value: Any) -> Any:
        if entity.kind == "addition" and name == "agreement":
            return self._reference(path, "agreement", value)
        field = entity.fields.get(name)
        allowed = name in ("id", "nextInvoiceDate") or (field is not None and not field.computed)
        if field is None or not allowed:
            known = [f.name for f in entity.fields.values() if not f.computed]
            extra = {"agreement": ["nextInvoiceDate"], "addition": ["agreement"]}.get(entity.kind, [])
            raise self._seed.unknown(path[:-1], name, [*known, *extra, "id"])
        if value is None:
            return None
        if field.kind is Kind.REFERENCE and field.target:
            return self._reference(path, field.target, value)
        return self._plain(path, field, value)

    def _plain(self, path: Path, field: Field, value: Any) -> Any:
        if field.kind is Kind.DAY:
            return self._day(path, value).isoformat()
        if field.kind is Kind.TEXT and isinstance(value, int | Decimal) and not isinstance(value, bool):
            raise self._seed.error(path, f"{value} reads as a number; write it in quotes.")
        try:
            return bodies.stored_value(self._world, field, value)
        except bodies.TypeMismatch:
            wanted = f"one of {', '.join(field.words)}" if field.words else f"a {field.kind.name.lower()}"
            raise self._seed.error(path, f"{value!r} is not {wanted}.") from None

    def _day(self, path: Path, value: Any) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value)[:10])
        except ValueError:
            raise self._seed.error(path, f"{value!r} is no day; write it as 2026-10-03.") from None

    def _reference(self, path: Path, kind: str, value: Any) -> int:
        """The id of the record that is meant; an unknown agreement type or currency is made on the spot."""
        wanted = value.get("id") or value.get("identifier") or value.get("name") if isinstance(value, dict) else value
        store = self._world.store
        if isinstance(wanted, int) and not isinstance(wanted, bool):
            if store.get(kind, wanted):
                return wanted
        elif isinstance(wanted, str):
            for row in store.all(kind):
                if wanted in [row.get(name) for name in _NAMED_BY]:
                    return int(row["id"])
            if kind == "agreement_type":
                return self._put(
                    entities.ENTITIES[kind], dict(_LOOKUPS[kind][0]) | {"name": wanted, "defaultFlag": False}
                )
            if kind == "currency":
                return self._put(
                    entities.ENTITIES[kind],
                    {"name": wanted, "symbol": wanted, "currencyCode": wanted, "currencyIdentifier": wanted},
                )
        shown = kind.replace("_", " ")
        there = ", ".join(str(row.get("identifier") or row.get("name") or row["id"]) for row in store.all(kind)[:8])
        raise self._seed.error(
            path, f"there is no {shown} {wanted!r}; " + (f"there are: {there}." if there else f"add the {shown} first.")
        )

    def _fill(self, entity: Entity, record: Record) -> None:
        filler = {
            "company": self._fill_company,
            "product": self._fill_product,
            "agreement": self._fill_agreement,
            "addition": self._fill_addition,
            "subcategory": self._fill_subcategory,
        }.get(entity.kind)
        if filler:
            filler(record)

    def _fill_company(self, record: Record) -> None:
        record.setdefault("name", record["identifier"])

    def _fill_product(self, record: Record) -> None:
        record.setdefault("description", record["identifier"])
        record.setdefault("customerDescription", record["description"])
        record.setdefault("subcategory", self._default("subcategory"))
        record.setdefault("type", self._default("product_type"))

    def _fill_subcategory(self, record: Record) -> None:
        record.setdefault("category", self._default("category"))

    def _fill_agreement(self, record: Record) -> None:
        company = self._world.store.get("company", record["company"]) or {}
        record.setdefault("name", f"{company.get('name')} agreement")
        record.setdefault("type", self._default("agreement_type"))
        record.setdefault("contact", self._contact(record["company"]))
        record.setdefault("prorateFlag", not record.get("billOneTimeFlag"))
        record.setdefault("startDate", f"{self._world.today.year}-01-01")
        record.setdefault("billStartDate", record["startDate"])
        if not record.get("nextInvoiceDate"):
            parent = self._world.store.get("agreement", record.get("parentAgreement"))
            now = billing.month_start(self._world.today).isoformat()
            record["nextInvoiceDate"] = parent["nextInvoiceDate"] if parent else max(now, record["billStartDate"])

    def _fill_addition(self, record: Record) -> None:
        record["agreementId"] = record.pop("agreement")
        agreement = self._world.store.get("agreement", record["agreementId"]) or {}
        record.setdefault("effectiveDate", agreement.get("billStartDate"))
        record.setdefault("billCustomer", "Billable")

    def _contact(self, company: int) -> int:
        if company in self._contacts:
            return self._contacts[company]
        contact = {"firstName": "Accounts", "lastName": "Payable", "company": company, "defaultFlag": True}
        return self._put(entities.ENTITIES["contact"], contact)

    def _default(self, kind: str) -> int:
        return int(next(row["id"] for row in self._world.store.all(kind)))

    def _put(self, entity: Entity, record: Record) -> int:
        """Stores the record, in the place of a lookup entry of the same name when there is one."""
        store = self._world.store
        named = record.get("name") if entity.kind in _LOOKUPS else None
        same = next((row for row in store.all(entity.kind) if row.get("name") == named), None) if named else None
        if same and "id" not in record:
            record = {**same, **record}
        bodies.with_defaults(entity, record)
        complete = entities.COMPLETERS.get(entity.kind)
        if complete:
            complete(self._world, record, record if entity.kind == "agreement" else None)
        if "id" not in record:
            first = max(entity.first_id, self._free_from.get(entity.kind, 0))
            record["id"] = store.new_id(entity.kind, first)
        now = self._world.stamp()
        stored = {name: value for name, value in record.items() if value is not None}
        if entity.kind == "contact" and stored.get("company"):
            self._contacts.setdefault(stored["company"], stored["id"])
        stored["_info"] = {"lastUpdated": now, "updatedBy": ACTOR, "dateEntered": now, "enteredBy": ACTOR}
        store.put(entity.kind, stored)
        return int(stored["id"])

    def _open_ledgers(self) -> None:
        """A seeded addition counts as billed for every month before its agreement's next invoice."""
        world = self._world
        for addition in world.store.all("addition"):
            agreement = world.store.get("agreement", addition["agreementId"]) or {}
            until = billing.month_start(additions.next_invoice_day(agreement))
            months = billing.billed_before(
                additions.charge(addition), until, additions.terms(world, agreement), additions.policy(world)
            )
            entries = [{"month": name, "amount": amount, "invoice": None} for name, amount in months.items()]
            if entries:
                world.store.put("ledger", {"id": addition["id"], "entries": entries})
