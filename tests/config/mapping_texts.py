"""A mapping file that is right, and ways to spoil it."""

from pathlib import Path

from reconciler.config.loading import Loaded, load
from reconciler.render.findings import counted, finding_lines

VALID = """\
version: 1
sources:
  distributor:
    type: files
    invoices: invoices/*
    format: normalized
    price_list: prices.csv
targets:
  psa:
    type: connectwise
    url: http://127.0.0.1:8765
    company: training
    client_id: ${CONNECTWISE_CLIENT_ID}
    public_key: ${CONNECTWISE_PUBLIC_KEY}
    private_key: ${CONNECTWISE_PRIVATE_KEY}
    limits: {requests_per_minute: 600, concurrency: 8, settle_seconds: 120}
programs:
  microsoft-csp:
    source: distributor
    target: psa
    sync: true
    policy: true-up
    motions: [seat-monthly, seat-annual, azure]
    products:
      mode: in-use
      taxable: true
      defaults: {category: Cloud, subcategory: Microsoft, type: Service, unit_of_measure: Each}
    changes: {representation: compact, decrease: credit, price_change: warn, carry: on-change, align: calendar}
    guards: {max_changes: 500, max_decrease_percent: 30, min_margin_percent: 0, max_unmapped_amount: 0}
    notify: [{on: [error, warning, price-change], to: "${BILLING_ALERT_URL}"}]
customers:
  - name: Contoso
    program: microsoft-csp
    tenant: 8A7C0F3E-1111-4222-8333-944455566677
    company: Contoso
    agreements:
      seat-monthly: Contoso Microsoft CSP
      azure: {id: 55}
    start: 2026-09
    sync: preview
    changes: {decrease: none}
  - name: Fabrikam
    tenant: fabrikam.onmicrosoft.com
    company: {id: 251}
    agreements: {seat-monthly: Fabrikam CSP}
products:
  - sku: CFQ7TTC0LH18:0001
    product: M365-BB
  - sku: P1Y:M:CFQ7TTC0LH18:0001
    name: Microsoft 365 Business Basic, one year
prices:
  - name: Contoso E3 promo
    when: {program: microsoft-csp, customer: Contoso, sku: "CFQ7TTC0LF8R:0001"}
    price: retail - 5%
    from: 2026-09-01
    to: 2027-08-31
  - name: the rest
    price: cost + 1.20
"""


def with_line(old: str, new: str) -> str:
    """The valid file with one piece of text exchanged."""
    assert VALID.count(old) == 1, f"{old!r} stands {VALID.count(old)} times in the valid file"
    return VALID.replace(old, new)


def loaded(folder: Path, text: str | bytes, environ: dict[str, str] | None = None) -> Loaded:
    """Loads a text as `mappings.yaml` in a folder."""
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "mappings.yaml").write_bytes(content)
    return load(folder / "mappings.yaml", environ or {})


def told(result: Loaded, folder: Path) -> str:
    """Everything a person sees of the findings, with places as seen from the folder."""
    lines = [line for finding in result.findings for line in finding_lines(finding, colour=False)]
    return "\n".join([*lines, counted(result.findings)]).replace(f"{folder}/", "")
