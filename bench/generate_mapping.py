"""A mapping file of many customers, each billed by three motions on agreements of its own."""

from pathlib import Path

_HEAD = """\
version: 1

sources:
  distributor:
    type: files
    invoices: invoices/*

targets:
  psa:
    type: connectwise
    url: https://psa.example.com
    company: training
    client_id: ${CONNECTWISE_CLIENT_ID}
    public_key: ${CONNECTWISE_PUBLIC_KEY}
    private_key: ${CONNECTWISE_PRIVATE_KEY}

programs:
  microsoft-csp:
    source: distributor
    target: psa
    motions: [seat-monthly, seat-annual, azure]

customers:
"""
MOTIONS = ("seat-monthly", "seat-annual", "azure")


def write_mapping(folder: Path, customers: int) -> Path:
    """Writes `mappings.yaml` with so many customers and three times as many links; the same for the same size."""
    path = folder / "mappings.yaml"
    with path.open("w", encoding="utf-8") as stream:
        stream.write(_HEAD)
        for number in range(1, customers + 1):
            links = "".join(f"      {motion}: Customer {number:05d} {motion}\n" for motion in MOTIONS)
            stream.write(
                f"  # Customer number {number} of the partner.\n"
                f"  - name: Customer {number:05d}\n"
                f"    tenant: {number:08x}-52d0-4f0e-9f5e-0c1f6a3b2d01\n"
                f"    company: C{number:05d}\n"
                f"    agreements:\n{links}"
                "    start: 2026-09\n\n"
            )
    return path
