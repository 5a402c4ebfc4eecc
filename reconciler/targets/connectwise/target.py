"""ConnectWise as the rest of the program sees it: the protocol of `targets.base`, spoken in ConnectWise's requests."""

from dataclasses import dataclass

from reconciler.domain.check_list import Check
from reconciler.domain.directory import Directory
from reconciler.domain.drift import Trace
from reconciler.domain.plan import AdditionValues, ProductValues
from reconciler.domain.records import Addition, Agreement, Observation, Product, ProductDefaults, Wanted
from reconciler.targets.base import Ambiguous, Capabilities, Gone, NotSent, Refused, TargetError
from reconciler.targets.connectwise.audit_trail import addition_trail
from reconciler.targets.connectwise.bodies import (
    Members,
    ProductPlace,
    addition_members,
    body,
    differences,
    number,
    patch,
    patched,
    place_members,
    product_members,
)
from reconciler.targets.connectwise.client import Client, Row
from reconciler.targets.connectwise.conditions import Field, Wish
from reconciler.targets.connectwise.defaults import Defaults
from reconciler.targets.connectwise.directory import read_directory
from reconciler.targets.connectwise.errors import RefusedByServer, UnknownField
from reconciler.targets.connectwise.observing import (
    CATALOGUE,
    addition_record,
    additions_path,
    observed,
    product_record,
    product_rows,
    read_agreement_record,
)
from reconciler.targets.connectwise.probing import access
from reconciler.targets.connectwise.records import (
    ADDITION_FIELDS,
    PRODUCT_FIELDS,
    Record,
    Unreadable,
    addition_of,
    product_of,
)
from reconciler.targets.exact_json import parsed
from reconciler.targets.http import Answer

# Additions have both dates; a start in mid-month is prorated, an end in mid-month is not (rulebook P44).
CAPABILITIES = Capabilities(
    name="ConnectWise", dated_additions=True, ends_mid_month=False, updates_records=True, deletes_records=True
)


class ConnectWise:
    """A ConnectWise company as a target. Made by `targets.opening.open_target`."""

    capabilities = CAPABILITIES

    def __init__(self, client: Client) -> None:
        self._client = client
        self._defaults = Defaults(client)

    def __repr__(self) -> str:
        return f"ConnectWise({self._client!r})"

    async def close(self) -> None:
        """Ends the connections."""
        await self._client.close()

    async def observe(self, wanted: Wanted) -> Observation:
        """Reads all that a plan needs, in as few requests as possible. Raises TargetError."""
        return await observed(self._client, wanted, self._defaults)

    async def probe(self, subject: str, defaults: frozenset[ProductDefaults]) -> tuple[Check, ...]:
        """Whether the keys are accepted, which lists may be read, and whether new products' categories are active."""
        return await access(self._client, subject, defaults)

    async def read_agreement(self, agreement_id: str) -> tuple[Agreement, tuple[Addition, ...]]:
        """An agreement and all of its additions, as they are now. Raises Gone, TargetError."""
        agreement = await read_agreement_record(self._client, agreement_id)
        if agreement is None:
            raise Gone(f"ConnectWise has no agreement {agreement_id} any more", "make the plan again")
        return agreement, await self.read_additions(agreement_id, None)

    async def read_additions(self, agreement_id: str, serial_number: str | None) -> tuple[Addition, ...]:
        """The additions of an agreement with a serial number (None: all of them), as they are now.

        Where the server does not filter by serial number (that it does is inferred), all are read and filtered here.
        """
        path = additions_path(agreement_id)
        wanted = None if serial_number is None else serial_number.strip()
        where = None if wanted is None else Field("addition", "serialNumber").equals(wanted)
        try:
            rows = await self._client.rows(path, ADDITION_FIELDS, where)
        except UnknownField:
            rows = await self._client.rows(path, ADDITION_FIELDS)
        additions = (addition_of(addition_record(row, agreement_id), agreement_id) for row in rows)
        return tuple(addition for addition in additions if wanted in (None, addition.serial_number))

    async def who_changed(self, record: str) -> tuple[Trace, ...]:
        """What the audit trail tells of an addition, oldest first. Raises TargetError."""
        return await addition_trail(self._client, record)

    async def directory(self) -> Directory:
        """Companies, active agreements and active products, each list read whole. Raises TargetError."""
        return await read_directory(self._client)

    async def create_addition(self, values: AdditionValues) -> Addition:
        """Writes a new addition, once. `values.product_id` is known. Raises NotSent, Refused or Ambiguous."""
        members = addition_members(values)
        sent = {**body(members), "billCustomer": "Billable"}
        doing = f"creating an addition on agreement {values.agreement_id}"
        row = _row(await self._client.write("POST", additions_path(values.agreement_id), sent, doing), doing)
        # No end was sent, so an end that comes back is a difference too.
        _compare({**sent, "cancelledDate": members["cancelledDate"]}, row, doing)
        return _addition(row, values.agreement_id)

    async def update_addition(self, record: str, before: AdditionValues, after: AdditionValues) -> Addition:
        """Sends the fields that differ, once, and compares the answer. Raises NotSent, Refused or Ambiguous.

        Raises ValueError for another agreement: an addition cannot be moved.
        """
        if before.agreement_id != after.agreement_id:
            raise ValueError("an addition cannot be moved to another agreement")
        agreement = after.agreement_id
        changed = _Changed(f"changing addition {record} of agreement {agreement}", additions_path(agreement), record)
        row = await self._change(changed, ADDITION_FIELDS, addition_members(before), addition_members(after))
        return _addition(row, agreement)

    async def delete_addition(self, agreement_id: str, record: str) -> None:
        """Deletes an addition, once; one that is already gone is done. Raises NotSent, Refused or Ambiguous.

        A 404 says too little by itself (a cloud host answers it to wrong keys as well): the list of additions decides.
        """
        doing = f"deleting addition {record} of agreement {agreement_id}"
        path = additions_path(agreement_id)
        try:
            answer = await self._client.write("DELETE", f"{path}/{number(record)}", None, doing)
        except RefusedByServer as refusal:
            if refusal.status == 404 and await self._is_gone(path, record, doing):
                return
            raise
        if answer.status not in (200, 204):
            raise Ambiguous(f"{doing}: HTTP {answer.status} leaves open whether it was done")

    async def find_products(self, vendor_sku: str) -> tuple[Product, ...]:
        """The catalogue items with a Vendor SKU, as they are now. Raises TargetError.

        The server compares without regard to letter case, and so does this: an item in other letters is the same one.
        """
        rows = await product_rows(self._client, [Wish(Field("product", "vendorSku"), vendor_sku)])
        products = (product_of(product_record(row)) for row in rows)
        return tuple(p for p in products if (p.vendor_sku or "").casefold() == vendor_sku.strip().casefold())

    async def create_product(self, values: ProductValues) -> Product:
        """Writes a new catalogue item, once. Raises NotSent, Refused or Ambiguous."""
        place = await self._place(values)
        sent = {**body(product_members(values)), **place_members(place), "productClass": "Agreement"}
        doing = f"creating product {values.identifier}"
        try:
            row = _row(await self._client.write("POST", CATALOGUE, sent, doing), doing)
        except RefusedByServer as refusal:
            told = f"Failed to get or create the product in ConnectWise: {refusal}"
            raise Refused(told, refusal.hint, "E6", refusal.fields) from None
        _compare(sent, row, doing)
        return _product(row)

    async def update_product(self, record: str, before: ProductValues, after: ProductValues) -> Product:
        """Sends the fields of a catalogue item that differ, once. Raises NotSent, Refused or Ambiguous.

        Its place in the catalogue is decided when it is created, and stays.
        """
        changed = _Changed(f"changing product {after.identifier}", CATALOGUE, record)
        return _product(await self._change(changed, PRODUCT_FIELDS, product_members(before), product_members(after)))

    async def _change(self, changed: "_Changed", fields: str, before: Members, after: Members) -> Row:
        """The record after a PATCH of what differs; where nothing does, as it is now."""
        operations = patch(before, after)
        if not operations:
            rows = await self._client.rows(changed.path, fields, Field("named", "id").equals(number(changed.record)))
            if not rows:
                raise Refused(f"{changed.doing}: ConnectWise has no such record any more", code="NotFound")
            return rows[0]
        path = f"{changed.path}/{number(changed.record)}"
        row = _row(await self._client.write("PATCH", path, operations, changed.doing), changed.doing)
        # A 200 can have changed nothing, and a 200 can be about another record.
        _compare({"id": number(changed.record), **patched(before, after)}, row, changed.doing)
        return row

    async def _place(self, values: ProductValues) -> ProductPlace:
        names = ProductDefaults(values.category, values.subcategory, values.type, values.unit_of_measure)
        try:
            return await self._defaults.place(names)
        except Refused:
            raise
        except TargetError as error:
            raise NotSent(f"creating product {values.identifier}: {error}", error.hint) from None

    async def _is_gone(self, path: str, record: str, doing: str) -> bool:
        try:
            return not await self._client.rows(path, "id", Field("addition", "id").equals(number(record)))
        except TargetError as error:
            raise Ambiguous(f"{doing}: HTTP 404, and whether it is gone cannot be read: {error}") from None


@dataclass(frozen=True, slots=True)
class _Changed:
    """A record that is changed: what messages call the change, the list it stands in, its id."""

    doing: str
    path: str
    record: str


def _row(answer: Answer, doing: str) -> Row:
    """The record that a write answered with. Raises Ambiguous for an answer without one."""
    try:
        row = parsed(answer.body)
        number_there = isinstance(row, dict) and Record(doing, row).id()
    except (ValueError, Unreadable):
        number_there = None
    if not number_there:
        raise Ambiguous(f"{doing}: HTTP {answer.status} without a record, so it cannot be told whether it was done")
    return dict(row)


def _compare(sent: Members, row: Row, doing: str) -> None:
    """Raises Ambiguous where the answer is not what was sent: only a read can tell what ConnectWise holds now."""
    if differs := differences(sent, row):
        raise Ambiguous(f"{doing}: ConnectWise answered with another record than was asked for ({'; '.join(differs)})")


def _addition(row: Row, agreement_id: str) -> Addition:
    try:
        return addition_of(addition_record(row, agreement_id), agreement_id)
    except Unreadable as error:
        raise Ambiguous(f"the answer to a write cannot be read: {error}") from None


def _product(row: Row) -> Product:
    try:
        return product_of(product_record(row))
    except Unreadable as error:
        raise Ambiguous(f"the answer to a write cannot be read: {error}") from None
