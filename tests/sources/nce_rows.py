"""Rows of a new-commerce reconciliation for tests: what a row does not say is that of a plain monthly licence."""

import csv
import io

TENANT = "196e2273-9651-43a3-ba7e-7cbcd918fc40"
SUBSCRIPTION = "284b0ff0-0e74-4f65-cb23-f8ad95867994"

USUAL = {
    "PartnerId": "0e195b37-4574-4539-bc42-0e539b9684c0",
    "CustomerId": TENANT,
    "CustomerName": "Fabrikam, Inc.",
    "CustomerDomainName": "fabrikam.onmicrosoft.com",
    "InvoiceNumber": "G016907411",
    "OrderId": "0ET2qaZvJGfF9wgSKnWzR5JLmhp10lOc1",
    "OrderDate": "10/5/2026",
    "ProductId": "CFQ7TTC0LDPB",
    "SkuId": "0001",
    "SkuName": "Microsoft 365 Business Standard",
    "ProductName": "Microsoft 365",
    "ChargeType": "cycleCharge",
    "UnitPrice": "12",
    "Quantity": "1",
    "Subtotal": "120.00",
    "TaxTotal": "24.00",
    "Total": "144.00",
    "Currency": "EUR",
    "SubscriptionDescription": "",
    "SubscriptionId": SUBSCRIPTION,
    "ChargeStartDate": "10/5/2026",
    "ChargeEndDate": "11/4/2026",
    "TermAndBillingCycle": "One-Year commitment for monthly/yearly billing",
    "EffectiveUnitPrice": "12",
    "BillableQuantity": "10",
    "BillingFrequency": "Monthly",
    "PricingCurrency": "EUR",
    "PCToBCExchangeRate": "1",
    "MeterDescription": "",
    "SubscriptionStartDate": "7/5/2026",
    "SubscriptionEndDate": "7/4/2027",
    "ReferenceId": "7d71c595-4635-40d1-a9e2-b34e63b01764",
}
ADDED = {
    "ChargeType": "addQuantity",
    "OrderDate": "10/12/2026",
    "ChargeStartDate": "10/12/2026",
    "ReferenceId": "12d33e18-061e-4040-ad77-fcd77c1a9943",
}
# 10 seats from the 5th; on the 12th a refund of the 10 and a charge of 15 for the 24 days to the cycle's end.
CYCLE: dict[str, str] = {}
REFUND = {**ADDED, "BillableQuantity": "10", "EffectiveUnitPrice": "-9.290322580645161290", "Subtotal": "-92.90"}
RAISED = {**ADDED, "BillableQuantity": "15", "EffectiveUnitPrice": "9.290322580645161290", "Subtotal": "139.35"}


def full_rows(*rows: dict[str, str]) -> list[dict[str, str]]:
    """The rows with the usual values filled in."""
    return [{**USUAL, **row} for row in rows]


def nce_csv(*rows: dict[str, str], header: list[str] | None = None) -> str:
    """A CSV file of rows, with CRLF as the portal writes it; `header` renames the columns, in the same order."""
    filled = full_rows(*rows)
    names = list(filled[0])
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header or names)
    writer.writerows([row[name] for name in names] for row in filled)
    return text.getvalue()
