"""What the sandbox's tests share: the standing seed, a client with good keys, bodies and error readers."""

import ssl
from decimal import Decimal
from typing import Any

import httpx

from reconciler.sandbox.server import RunningSandbox

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""No test speaks TLS; one context for all clients, for each takes 20 ms to make."""

BASE = "/v4_6_release/apis/3.0"

SEED: dict[str, Any] = {
    "psa": "connectwise",
    "today": "2026-10-03",
    "companies": [
        {"id": 250, "identifier": "Contoso", "name": "Contoso Ltd"},
        {"id": 260, "identifier": "Fabrikam", "name": "Fabrikam Inc"},
    ],
    "products": [
        {
            "id": 4120,
            "identifier": "M365-BB",
            "description": "Business Basic",
            "price": Decimal("20.00"),
            "cost": Decimal("16.00"),
        },
        {
            "id": 4121,
            "identifier": "M365-BP",
            "description": "Business Premium",
            "price": Decimal("22.00"),
            "cost": Decimal("17.60"),
        },
    ],
    "agreements": [
        {
            "id": 55,
            "name": "Contoso CSP",
            "company": 250,
            "prorateFlag": True,
            "startDate": "2026-01-01",
            "billStartDate": "2026-01-01",
            "nextInvoiceDate": "2026-10-01",
        }
    ],
    "additions": [
        {
            "id": 8801,
            "agreement": 55,
            "product": 4120,
            "quantity": 10,
            "unitPrice": Decimal("20.00"),
            "unitCost": Decimal("16.00"),
            "effectiveDate": "2026-08-01",
            "serialNumber": "sub-1",
        }
    ],
}


def client_of(running: RunningSandbox, **headers: str) -> httpx.Client:
    keys = running.credentials
    user = f"{keys['CONNECTWISE_COMPANY']}+{keys['CONNECTWISE_PUBLIC_KEY']}"
    return httpx.Client(
        base_url=running.url + BASE,
        auth=(user, keys["CONNECTWISE_PRIVATE_KEY"]),
        headers={"clientId": keys["CONNECTWISE_CLIENT_ID"], **headers},
        trust_env=False,
        verify=PLAIN,
    )


def addition(**members: Any) -> dict[str, Any]:
    """The body of a new addition; None takes a member out."""
    body = {
        "product": {"id": 4121},
        "quantity": 2,
        "unitPrice": 22.5,
        "unitCost": 17.6,
        "billCustomer": "Billable",
        "effectiveDate": "2026-10-05T00:00:00Z",
        **members,
    }
    return {name: value for name, value in body.items() if value is not None}


def failing(answer: httpx.Response) -> dict[str, str]:
    """The failing fields of an InvalidObject answer, each with its inner code."""
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert body["code"] == "InvalidObject", body
    return {error["field"]: error["code"] for error in body["errors"]}
