"""ConnectWise's own lists: companies, agreements and catalogue items, a thousand to a request.

`website` and `deletedFlag` of companies, and `agreementStatus`, are documented members of the records; that a list may
be read without a condition is too.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from reconciler.domain.directory import Directory, ListedAgreement, ListedCompany
from reconciler.domain.records import Product
from reconciler.targets.connectwise.client import Client, Row
from reconciler.targets.connectwise.conditions import Field
from reconciler.targets.connectwise.lookup import candidate
from reconciler.targets.connectwise.observing import AGREEMENTS, CATALOGUE, product_record
from reconciler.targets.connectwise.records import PRODUCT_FIELDS, Record, Unreadable, product_of
from reconciler.targets.together import side_by_side

COMPANIES = "/company/companies"
_COMPANY_FIELDS = "id,identifier,name,website,deletedFlag"
_AGREEMENT_FIELDS = "id,name,company/id,company/identifier,agreementStatus,cancelledFlag,billOneTimeFlag"

T = TypeVar("T")


async def read_directory(client: Client) -> Directory:
    """What ConnectWise lists; records that cannot be read, or are out of use, are left out. Raises TargetError."""
    in_use = Field("product", "inactiveFlag").equals(False)
    companies, agreements, products = await side_by_side(
        client.rows(COMPANIES, _COMPANY_FIELDS),
        client.rows(AGREEMENTS, _AGREEMENT_FIELDS),
        client.rows(CATALOGUE, PRODUCT_FIELDS, in_use),
    )
    return Directory(
        tuple(_readable(companies, _company)),
        tuple(_readable(agreements, _agreement)),
        tuple(_readable(products, _product)),
    )


def _readable(rows: Iterable[Row], read: Callable[[Row], T | None]) -> Iterable[T]:
    """The rows that can be proposed. One that cannot be read is not proposed, and keeps no other from being it."""
    for row in rows:
        try:
            found = read(row)
        except Unreadable:
            continue
        if found is not None:
            yield found


def _company(row: Row) -> ListedCompany | None:
    record = Record(f"company {row.get('id', '?')}", row)
    if record.flag("deletedFlag"):
        return None
    return ListedCompany(
        record.required("id", record.id()),
        record.required("identifier", record.text("identifier")),
        record.text("name") or "",
        record.text("website") or "",
    )


def _agreement(row: Row) -> ListedAgreement | None:
    record = Record(f"agreement {row.get('id', '?')}", row)
    one = candidate(record)
    return (
        ListedAgreement(one.id, one.name, one.company_id, bool(record.flag("billOneTimeFlag"))) if one.active else None
    )


def _product(row: Row) -> Product:
    return product_of(product_record(row))
