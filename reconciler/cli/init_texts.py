"""The files of a new mapping repository, as `init` writes them."""

from reconciler.cli.init_workflow import WORKFLOW

MAPPINGS = """\
# yaml-language-server: $schema=./schemas/mappings.schema.json
#
# Which customer is billed on which agreement, from which invoices, by which rules.
#   reconciler validate    checks this file
#   reconciler plan        shows what would change in the PSA, why, and what it bills
#   reconciler apply       changes the PSA accordingly, once
version: 1

# Large lists can be split by team, for CODEOWNERS:
# include: [mappings/*.yaml]

sources:
  distributor:
    type: files
    invoices: invoices/*
    format: auto
    price_list: price-lists/*.csv

targets:
  psa:
    type: connectwise
    url: https://api-na.myconnectwise.net     # see sandbox.yaml to try it without a PSA
    company: training                         # the company id with which you sign in
    # Credentials come from the environment; a secret written here is refused.
    client_id: ${CONNECTWISE_CLIENT_ID}
    public_key: ${CONNECTWISE_PUBLIC_KEY}
    private_key: ${CONNECTWISE_PRIVATE_KEY}

programs:
  microsoft-csp:
    source: distributor
    target: psa
    motions: [seat-monthly, seat-annual, azure]
    products:
      mode: in-use                            # only products that synced customers use
      taxable: true                           # for products that are created
    guards:                                   # a plan beyond these is refused
      max_changes: 500
      max_decrease_percent: 30
      max_unmapped_amount: 0                  # every charged line must be billed somewhere

customers:
  - name: Contoso
    tenant: 8a7c0f3e-1111-4222-8333-944455566677   # the id, or domain, that stands on the invoice
    company: Contoso                          # the company's identifier in the PSA, or {id: 250}
    agreements:                               # a motion left out is not billed, and the plan says so
      seat-monthly: Contoso Microsoft CSP     # the agreement's name, or {id: 55}
      azure: Contoso Microsoft CSP
    start: 2026-09                            # the first month billed: of the last invoice, or of the next
    sync: preview                             # preview: planned, never written; then true

# A SKU that the PSA's catalogue holds already, under a product id of your own:
products:
  - sku: CFQ7TTC0LH18:0001
    product: M365-BB

# Prices of your own; without a rule, the retail price of the invoice or price list.
prices: []
#  - name: Contoso, five percent off
#    when: {customer: Contoso, sku: "CFQ7TTC0LH18:0001"}
#    price: retail - 5%                       # or: cost + 1.20, fixed 12.50, psa (as the PSA has it)
#    from: 2026-09-01
#    to: 2027-08-31
"""

INVOICE = """\
# yaml-language-server: $schema=../schemas/invoice.schema.json
#
# An example of a distributor's invoice. Put the real ones here and delete this one.
invoice: EXAMPLE-2026-10-0001
issued: 2026-10-01
period: {from: 2026-09-01, to: 2026-09-30}
currency: AUD
customer: {tenant: 8a7c0f3e-1111-4222-8333-944455566677, name: Contoso}
lines:
  # Ten seats for the whole month …
  - line: 1
    motion: seat-monthly
    subscription: 5f1b2c3d-1111-4222-8333-944455566677
    sku: CFQ7TTC0LH18:0001
    description: Microsoft 365 Business Basic
    charge: cycle
    quantity: 10
    from: 2026-09-01
    to: 2026-09-30
    unit_cost: 16.00
    unit_price: 20.00
    amount: 160.00
    term: P1M
    billing: monthly
  # … and three more from the 16th on.
  - line: 2
    motion: seat-monthly
    subscription: 5f1b2c3d-1111-4222-8333-944455566677
    sku: CFQ7TTC0LH18:0001
    description: Microsoft 365 Business Basic
    charge: add-quantity
    quantity: 3
    from: 2026-09-16
    to: 2026-09-30
    unit_cost: 16.00
    unit_price: 20.00
    amount: 24.00
    term: P1M
    billing: monthly
"""

PRICE_LIST = """\
sku,name,unit_cost,unit_price,currency,term,billing,from,to
CFQ7TTC0LH18:0001,Microsoft 365 Business Basic,16.00,20.00,AUD,P1M,monthly,2026-01-01,
"""

SANDBOX = """\
# A PSA on this machine to try the example with; it belongs to no real one and may be deleted:
#   reconciler sandbox serve --seed sandbox.yaml
# Then, in mappings.yaml, `url: http://127.0.0.1:8765`, and in the environment the credentials that it prints.
psa: connectwise
today: 2026-10-03

companies:
  - {id: 250, identifier: Contoso, name: Contoso Ltd}

products:
  - id: 4120
    identifier: M365-BB
    description: Microsoft 365 Business Basic
    vendorSku: "CFQ7TTC0LH18:0001"
    price: 20.00
    cost: 16.00

agreements:
  - id: 55
    name: Contoso Microsoft CSP
    company: 250
    prorateFlag: true
    startDate: 2026-01-01
    billStartDate: 2026-01-01
    nextInvoiceDate: 2026-09-01
    invoicingCycle: CalendarYear

# What stands there already: ten seats since August.
additions:
  - id: 8801
    agreement: 55
    product: 4120
    quantity: 10
    unitPrice: 20.00
    unitCost: 16.00
    effectiveDate: 2026-08-01
    serialNumber: 5f1b2c3d-1111-4222-8333-944455566677
"""

GITIGNORE = """\
# Local state: what was written, and logs. A team shares a database instead (--state postgresql://…).
.reconciler/
# Credentials never belong in the repository.
.env
"""

FILES = {
    "mappings.yaml": MAPPINGS,
    "invoices/2026-10-example.yaml": INVOICE,
    "price-lists/example.csv": PRICE_LIST,
    "sandbox.yaml": SANDBOX,
    ".gitignore": GITIGNORE,
    ".github/workflows/billing.yml": WORKFLOW,
}
