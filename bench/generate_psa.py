"""What the PSA holds for generated customers before the month is planned, and the mapping that ties them to it.

All products exist, and each subscription has one open record with its id as the serial number, at the invoice's price:
so exactly the changed subscriptions need a plan. Beside them stand records that are nobody's of ours, as on every real
agreement.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from bench.generate import CURRENCY, MONTH, Fate, Subscription, Tenant, offers
from reconciler.domain.finding import Place
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import (
    Changes,
    Customer,
    Guards,
    Limits,
    Mappings,
    Policy,
    ProductMode,
    Program,
    Source,
    Sync,
    TargetSettings,
)
from reconciler.domain.records import Addition, Agreement, AgreementRef, Observation, Product, ProductDefaults

SOURCE, TARGET, PROGRAM = "distributor", "psa", "microsoft-csp"
AGREEMENT_STARTS = date(2025, 1, 1)
# Enough that neither the budget of requests nor its window is what is measured.
LIMITS = Limits(requests_per_minute=1_000_000, concurrency=8)
_CREDENTIALS = {
    "client_id": "CONNECTWISE_CLIENT_ID",
    "public_key": "CONNECTWISE_PUBLIC_KEY",
    "private_key": "CONNECTWISE_PRIVATE_KEY",
}
_STANDING_SINCE = date(2026, 4, 1)
_FILE = "mappings.yaml"
# Of every product the catalogue has one; the first two are the partner's own.
_OWN = (("BACKUP", "Managed backup", Decimal("9.00")), ("MON", "Monitoring of one server", Decimal("15.00")))
_FIRST_PRODUCT, _FIRST_AGREEMENT = 100, 1000


def mappings(tenants: Iterable[Tenant], url: str = "http://127.0.0.1:8765") -> Mappings:
    """One program without guards, and every customer's agreement, named as people do: by its name in its company."""
    place = Place(_FILE, 1, 1)
    changes = Changes()
    program = Program(
        PROGRAM,
        SOURCE,
        TARGET,
        sync=True,
        policy=Policy.TRUE_UP,
        motions=frozenset({Motion.SEAT_MONTHLY}),
        product_mode=ProductMode.IN_USE,
        taxable=True,
        defaults=ProductDefaults(),
        changes=changes,
        guards=Guards(max_changes=None, max_decrease_percent=None),
        place=place,
    )
    customers = tuple(
        Customer(
            tenant.name,
            PROGRAM,
            tenant.id,
            _identifier(tenant),
            None,
            {Motion.SEAT_MONTHLY: _ref(tenant)},
            None,
            Sync.ON,
            changes,
            Place(_FILE, 40 + 7 * tenant.number, 5),
        )
        for tenant in tenants
    )
    return Mappings(
        folder=".",
        sha256="0" * 64,
        sources={SOURCE: Source(SOURCE, "files", ("invoices/*",), "auto", (), place)},
        targets={TARGET: TargetSettings(TARGET, "connectwise", url, "training", _CREDENTIALS, LIMITS, place)},
        programs={PROGRAM: program},
        customers=customers,
        products=(),
        prices=(),
    )


def observation(tenants: Sequence[Tenant]) -> Observation:
    """Everything that the PSA holds, as a target would have read it."""
    products = _products()
    by_key = {product.vendor_sku: product.id for product in products}
    additions: dict[str, tuple[Addition, ...]] = {}
    count = 0
    for tenant in tenants:
        records = _additions(tenant, by_key, count)
        count += len(records)
        additions[_agreement_id(tenant)] = records
    return Observation(
        agreements={_ref(tenant): _agreement(tenant) for tenant in tenants}, additions=additions, products=products
    )


def sandbox_seed(tenants: Sequence[Tenant]) -> dict[str, Any]:
    """The same as a seed for the embedded sandbox; days and decimals are still values."""
    seen = observation(tenants)
    return {
        "psa": "connectwise",
        "today": date(2026, 10, 3),
        "companies": [
            {"id": int(a.company_id), "identifier": a.company, "name": f"{a.company} Ltd"}
            for a in seen.agreements.values()
        ],
        "products": [
            {
                "id": int(p.id),
                "identifier": p.identifier,
                "description": p.description,
                "vendorSku": p.vendor_sku,
                "price": p.price,
                "cost": p.cost,
            }
            for p in seen.products
        ],
        "agreements": [
            {
                "id": int(a.id),
                "name": a.name,
                "company": int(a.company_id),
                "prorateFlag": a.prorates,
                "startDate": a.start,
                "billStartDate": a.billing_start,
                "nextInvoiceDate": a.next_invoice,
                "invoicingCycle": "CalendarYear",
            }
            for a in seen.agreements.values()
        ],
        "additions": [
            {
                "id": int(a.id),
                "agreement": int(a.agreement_id),
                "product": int(a.product_id),
                "quantity": a.quantity,
                "unitPrice": a.unit_price,
                "unitCost": a.unit_cost,
                "effectiveDate": a.effective,
                "serialNumber": a.serial_number,
            }
            for records in seen.additions.values()
            for a in records
        ],
    }


def _identifier(tenant: Tenant) -> str:
    return f"Customer{tenant.number:05d}"


def _ref(tenant: Tenant) -> AgreementRef:
    return AgreementRef(company=_identifier(tenant), name=f"{tenant.name} Microsoft CSP")


def _agreement_id(tenant: Tenant) -> str:
    return str(_FIRST_AGREEMENT + tenant.number)


def _agreement(tenant: Tenant) -> Agreement:
    return Agreement(
        id=_agreement_id(tenant),
        name=f"{tenant.name} Microsoft CSP",
        company_id=_agreement_id(tenant),
        company=_identifier(tenant),
        active=True,
        status="Active",
        prorates=True,
        calendar_months=True,
        one_time=False,
        start=AGREEMENT_STARTS,
        end=None,
        billing_start=AGREEMENT_STARTS,
        next_invoice=MONTH.first,
        currency=CURRENCY,
    )


def _products() -> tuple[Product, ...]:
    own = [(name, None, text, price, price / 3) for name, text, price in _OWN]
    sold = [(f"MS-{n:03d}", offer.key, offer.name, offer.price, offer.cost) for n, offer in enumerate(offers())]
    return tuple(
        Product(str(_FIRST_PRODUCT + n), identifier, key, text, price, cost)
        for n, (identifier, key, text, price, cost) in enumerate([*own, *sold])
    )


def _additions(tenant: Tenant, by_key: Mapping[str | None, str], count: int) -> tuple[Addition, ...]:
    agreement = _agreement_id(tenant)
    records = [
        _standing(str(1 + count + n), agreement, by_key[s.offer.key], s)
        for n, s in enumerate(s for s in tenant.subscriptions if s.fate is not Fate.BOUGHT)
    ]
    _, text, price = _OWN[tenant.number % len(_OWN)]
    own = str(_FIRST_PRODUCT + tenant.number % len(_OWN))
    number = str(1 + count + len(records))
    fee = Addition(number, agreement, own, Decimal(3), price, price / 3, AGREEMENT_STARTS, None, None, text)
    return (*records, fee)


def _standing(number: str, agreement: str, product: str, s: Subscription) -> Addition:
    return Addition(
        number,
        agreement,
        product,
        Decimal(s.seats),
        s.offer.price,
        s.offer.cost,
        _STANDING_SINCE,
        None,
        s.id,
        s.offer.name,
    )
