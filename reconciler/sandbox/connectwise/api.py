"""The API's address space: which request is answered by what."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.sandbox import exact_json
from reconciler.sandbox.connectwise import additions, bodies, editing, invoicing, listing, views
from reconciler.sandbox.connectwise.credentials import COMPANY, Credentials
from reconciler.sandbox.connectwise.entities import ENTITIES
from reconciler.sandbox.connectwise.errors import JSON, Refusal, bad_request, unknown_record, unknown_route
from reconciler.sandbox.connectwise.tables import CURRENT, Entity, Version
from reconciler.sandbox.connectwise.world import World
from reconciler.sandbox.store import Record
from reconciler.sandbox.web import Answer, Call

_API = re.compile(r"^/(?P<codebase>[^/]+)/apis/3\.0(?P<rest>/.*)?$", re.IGNORECASE)
_CODEBASE = re.compile(r"^v\d+_\d+(_release)?$", re.IGNORECASE)
_NESTED = re.compile(
    r"^(?P<parent>finance/agreements|procurement/categories)/(?P<id>\d+)/(?P<child>additions|subcategories)(?P<rest>/.*)?$"
)
_VERSION = re.compile(r"version=(\d{4})\.(\d+)")

AUDIT_TYPES = ("Agreement", "AgreementAddition", "Company", "Invoice", "ProductCatalog", "ProductItem")
"""The kinds of records whose changes can be asked for; the vendor has more, of records that are not kept here."""


class Api:
    """Answers calls out of a world. Everything it does is done when it answers."""

    def __init__(self, world: World, credentials: Credentials) -> None:
        self._world, self._credentials = world, credentials
        self._collections = {
            entity.path.lower(): entity for entity in ENTITIES.values() if "{" not in entity.path and entity.methods
        }
        self._single: dict[str, Callable[[Call], Any]] = {"system/info": self._info}

    def answer(self, call: Call) -> Answer:
        """The answer to one request; every refusal is an answer too."""
        try:
            if call.path.lower().startswith("/login/companyinfo/"):
                return _json(200, self._discovery(call))
            return self._routed(call)
        except Refusal as refusal:
            return refusal.answer()

    def _discovery(self, call: Call) -> Record | None:
        """What is said of a company before anyone has logged in; null for one that is not here."""
        name = call.path.strip("/").rpartition("/")[2]
        if name.lower() != COMPANY:
            return None
        cloud = self._world.switches.hosting == "cloud"
        return {
            "CompanyName": COMPANY,
            "Codebase": f"v{CURRENT[0]}_{CURRENT[1]}/" if cloud else "v4_6_release/",
            "VersionCode": f"v{CURRENT[0]}.{CURRENT[1]}",
            "VersionNumber": "v4.6.105333",
            "CompanyID": COMPANY,
            "IsCloud": cloud,
        }

    def _routed(self, call: Call) -> Answer:
        found = _API.match(call.path)
        if found is None:
            raise unknown_route()
        if not _CODEBASE.match(found["codebase"]):
            raise bad_request("Cannot route. Codebase/company is invalid")
        self._credentials.check(call, self._world.switches)
        path = (found["rest"] or "").strip("/").lower()
        base = f"{call.origin}/{found['codebase']}/apis/3.0"
        return Request(self._world, call, base).dispatch(path, self._collections, self._single)

    def _info(self, _: Call) -> Record:
        cloud = self._world.switches.hosting == "cloud"
        return {
            "version": f"v{CURRENT[0]}.{CURRENT[1]}.105333",
            "isCloud": cloud,
            "serverTimeZone": "UTC",
            "licenseBits": [],
            "cloudRegion": "NA" if cloud else "",
            "maxWorkFlowRecordsAllowed": 1000,
        }


class Request:
    """One request on its way to its answer."""

    def __init__(self, world: World, call: Call, base: str) -> None:
        self._world, self._call, self._base = world, call, base
        self._query = call.parameters()
        self._version = _version(call)

    def dispatch(
        self,
        path: str,
        collections: Mapping[str, Entity],
        single: Mapping[str, Callable[[Call], Any]],
    ) -> Answer:
        """Finds what the path names, and does what the method says."""
        if path in single:
            self._allow({"GET"})
            return _json(200, single[path](self._call))
        if path.startswith("system/audittrail"):
            return self._audit(path.removeprefix("system/audittrail").strip("/"))
        if nested := _NESTED.match(path):
            return self._nested(nested)
        return self._billing(path) or self._listed(path, collections)

    def _billing(self, path: str) -> Answer | None:
        """The two routes of agreements that are no records."""
        if invoicing_call := re.match(r"^finance/agreements/(\d+)/invoice$", path):
            self._allow({"POST"})
            agreement = self._existing(ENTITIES["agreement"], int(invoicing_call[1]))
            return _json(201, invoicing.invoice_agreement(self._world, agreement))
        if recap := re.match(r"^finance/agreementrecap/(\d+)$", path):
            self._allow({"GET"})
            return _json(200, self._recap(int(recap[1])))
        return None

    def _listed(self, path: str, collections: Mapping[str, Entity]) -> Answer:
        if path in collections:
            return self._collection(collections[path], self._all(collections[path]), {})
        head, _, tail = path.rpartition("/")
        if head not in collections:
            raise unknown_route()
        return self._member(collections[head], tail, self._all(collections[head]), {})

    def _all(self, entity: Entity) -> list[Record]:
        return self._world.store.all(entity.kind)

    def _nested(self, found: re.Match[str]) -> Answer:
        parent_entity = ENTITIES["agreement" if found["child"] == "additions" else "category"]
        parent = self._existing(parent_entity, int(found["id"]))
        if found["child"] == "additions":
            entity, owner = ENTITIES["addition"], {"agreementId": parent["id"]}
            records = self._world.store.under("addition", parent["id"])
        else:
            entity, owner = ENTITIES["subcategory"], {"category": parent["id"]}
            records = [row for row in self._all(entity) if row["category"] == parent["id"]]
        tail = (found["rest"] or "").strip("/")
        return self._member(entity, tail, records, owner) if tail else self._collection(entity, records, owner)

    def _collection(self, entity: Entity, records: list[Record], owner: Record) -> Answer:
        self._allow(entity.methods & {"GET", "POST"})
        if self._call.method == "POST":
            made = editing.create(self._world, entity, owner, self._body(), self._version)
            answer = self._record(201, entity, made)
            place = f"{self._call.origin}{self._call.path.rstrip('/')}/{made['id']}"
            return Answer(answer.status, answer.body, {**answer.headers, "location": place})
        chosen = views.read_fields(self._query.get("fields"), entity, self._world)
        page = listing.page_of(self._world, entity, records, self._call)
        rows = [views.shown(self._world, entity, row, self._base, chosen) for row in page.records]
        return _json(200, rows, {} if page.link is None else {"link": page.link})

    def _member(self, entity: Entity, name: str, records: list[Record], owner: Record) -> Answer:
        if name == "count":
            self._allow({"GET"})
            found = listing.matching_records(self._world, entity, records, self._query)
            return _json(200, {"count": len(found)})
        if not re.fullmatch(r"\d{1,10}", name):
            raise unknown_route()
        self._allow(entity.methods & {"GET", "PUT", "PATCH", "DELETE"})
        record = self._existing(entity, int(name))
        if any(record.get(member) != value for member, value in owner.items()):
            raise unknown_record(entity.type_name, name)
        return self._on_record(entity, record)

    def _on_record(self, entity: Entity, record: Record) -> Answer:
        method = self._call.method
        if method == "DELETE":
            if entity.kind == "invoice":
                invoicing.withdraw(self._world, record)
            else:
                editing.delete(self._world, entity, record)
            return Answer(204)
        if method == "PUT":
            record = editing.replace(self._world, entity, record, self._body(), self._version)
        elif method == "PATCH":
            record = editing.patch(self._world, entity, record, self._body(), self._version)
        return self._record(200, entity, record)

    def _record(self, status: int, entity: Entity, record: Record) -> Answer:
        chosen = views.read_fields(self._query.get("fields"), entity, self._world)
        return _json(status, views.shown(self._world, entity, record, self._base, chosen))

    def _existing(self, entity: Entity, ident: int) -> Record:
        record = self._world.store.get(entity.kind, ident)
        if record is None:
            raise unknown_record(entity.type_name, ident)
        return record

    def _body(self) -> Any:
        kind = self._call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise bad_request(f"The media type '{kind}' is not supported for this resource.", 415)
        return bodies.read_json(self._call.body)

    def _allow(self, methods: set[str] | frozenset[str]) -> None:
        if self._call.method not in methods:
            text = f"The requested resource does not support http method '{self._call.method}'."
            raise bad_request(text, 405)

    def _audit(self, tail: str) -> Answer:
        """The changes of one record, `type` and `id` of the query, oldest first."""
        self._allow({"GET"})
        kind, ident = self._query.get("type", ""), self._query.get("id", "")
        if kind not in AUDIT_TYPES:
            raise bad_request(f"'{kind}' is not an audit type.")
        entity = ENTITIES["audit"]
        rows = [row for row in self._all(entity) if row["of"] == kind and (not ident or str(row["record"]) == ident)]
        if tail == "count":
            return _json(200, {"count": len(rows)})
        if tail:
            raise unknown_route()
        page = listing.page_of(self._world, entity, rows, self._call)
        entries = [{name: row[name] for name in entity.fields if name != "id" and name in row} for row in page.records]
        return _json(200, entries, {} if page.link is None else {"link": page.link})

    def _recap(self, ident: int) -> Record:
        """The last and the next invoice of an agreement."""
        agreement = self._existing(ENTITIES["agreement"], ident)
        invoices = [row for row in self._all(ENTITIES["invoice"]) if row["applyToId"] == ident]
        company = self._world.store.get("company", agreement["company"]) or {}
        recap = {
            "id": ident,
            "name": agreement["name"],
            "companyName": company.get("name", ""),
            "agreementStatus": additions.agreement_status(self._world, agreement),
            "nextInvoiceDate": f"{agreement['nextInvoiceDate']}T00:00:00Z",
        }
        if invoices:
            last = invoices[-1]
            recap["lastInvoiceAmount"] = format(last["total"], "f")
            recap["lastInvoiceDate"] = f"{last['date']}T00:00:00Z"
            recap["lastInvoiceNumber"] = last["invoiceNumber"]
        return recap


def _version(call: Call) -> Version:
    """The API version that the Accept header names; the newest one without it."""
    found = _VERSION.search(call.headers.get("accept", ""))
    return (int(found[1]), int(found[2])) if found else CURRENT


def _json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    body = exact_json.dumps(value).encode("utf-8", "replace")
    return Answer(status, body, {**JSON, "api-current-version": f"{CURRENT[0]}.{CURRENT[1]}", **(headers or {})})
