"""`suggest`, as a user runs it on a sandbox: what is proposed, what is written, and that a plan follows from it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typed_commands import typed

from reconciler.sandbox.server import RunningSandbox

ROOT = Path(__file__).parents[2]
DEMO = (ROOT / "mappings.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def psa() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def seed() -> dict[str, list[dict[str, object]]]:
    loaded: dict[str, list[dict[str, object]]] = yaml.safe_load((ROOT / "examples" / "sandbox.yaml").read_text())
    return loaded


def repository(folder: Path, psa: RunningSandbox, customers: str = "customers: []\n") -> Path:
    """The demo with other customers, and no products."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    head, _, rest = DEMO.partition("customers:\n")
    prices = rest[rest.index("prices:") :].replace("customer: Contoso, ", "") if customers else ""
    path = folder / "mappings.yaml"
    path.write_text(head.replace("http://127.0.0.1:8765", psa.url) + customers + "\n" + prices, encoding="utf-8")
    return path


def run(folder: Path, psa: RunningSandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    return typed(folder, *arguments, environ={**os.environ, "COLUMNS": "80", **psa.credentials})


def test_what_is_certain_is_written_and_a_valid_mapping_and_a_plan_follow(tmp_path: Path, psa: RunningSandbox) -> None:
    psa.seed(ROOT / "examples" / "sandbox.yaml")
    path = repository(tmp_path, psa)
    before = path.read_text(encoding="utf-8")
    done = run(tmp_path, psa, "suggest", "--write")
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, "wrote 5 customers and 1 product into mappings.yaml")
    assert max(map(len, done.stdout.splitlines())) <= 80
    after = path.read_text(encoding="utf-8")
    entries = yaml.safe_load(after)
    assert [entry["company"] for entry in entries["customers"]] == [
        "Contoso", "Fabrikam", "Northwind", "Wingtip", "Tailspin",
    ]  # fmt: skip
    assert {entry["sync"] for entry in entries["customers"]} == {"preview"}
    assert entries["products"] == [{"sku": "CFQ7TTC0LCHC:0002", "product": "M365-BP"}]
    assert after.startswith(before.partition("customers:")[0])
    assert run(tmp_path, psa, "validate").returncode == 0
    plan = run(tmp_path, psa, "plan", "--format", "json")
    assert plan.returncode == 0, plan.stderr
    assert {change["resource"] for change in json.loads(plan.stdout)["changes"]} <= {"product"}
    path.write_text(after.replace("sync: preview", "sync: true"), encoding="utf-8")
    plan = run(tmp_path, psa, "plan", "--format", "json")
    assert plan.returncode == 0, plan.stderr
    assert json.loads(plan.stdout)["summary"]["create"] > 0


def test_writing_twice_writes_once(tmp_path: Path, psa: RunningSandbox) -> None:
    psa.seed(ROOT / "examples" / "sandbox.yaml")
    path = repository(tmp_path, psa)
    run(tmp_path, psa, "suggest", "--write")
    once = path.read_text(encoding="utf-8")
    assert "nothing is certain enough" in run(tmp_path, psa, "suggest", "--write").stderr
    assert path.read_text(encoding="utf-8") == once


def test_without_write_nothing_is_touched_and_the_reasons_are_told(tmp_path: Path, psa: RunningSandbox) -> None:
    psa.seed(ROOT / "examples" / "sandbox.yaml")
    path = repository(tmp_path, psa)
    before = path.read_bytes()
    done = run(tmp_path, psa, "suggest", "--customer", "northwind.onmicrosoft.com", "--format", "json")
    assert path.read_bytes() == before
    (missing,) = json.loads(done.stdout)["missing"]
    assert (missing["name"], missing["certain"]) == ("Northwind Traders", "270")
    (company,) = missing["candidates"]
    assert company["reasons"][0] == {
        "score": "1.00", "reason": "all of its 2 subscription ids stand on additions there",
    }  # fmt: skip
    assert missing["amounts"] == [{"amount": "234.4", "currency": "AUD"}]


def test_the_psa_is_read_in_few_requests(tmp_path: Path, psa: RunningSandbox) -> None:
    psa.reset()
    psa.seed(ROOT / "examples" / "sandbox.yaml")
    repository(tmp_path, psa)
    before = len(psa.requests())
    run(tmp_path, psa, "suggest")
    # Where the API is, three lists, and the additions of five agreements.
    assert len(psa.requests()) - before == 9


def test_two_companies_of_one_name_are_shown_and_not_written(
    tmp_path: Path, psa: RunningSandbox, seed: dict[str, list[dict[str, object]]]
) -> None:
    seed["companies"].append({"id": 291, "identifier": "WingtipToys", "name": "Wingtip Toys"})
    psa.reset()
    psa.seed(seed)
    path = repository(tmp_path, psa)
    done = run(tmp_path, psa, "suggest", "--customer", "Wingtip Toys", "--write")
    assert "WingtipToys" in done.stdout
    assert "nothing is certain enough" in done.stderr
    assert "Wingtip" not in path.read_text(encoding="utf-8")


def test_an_entry_goes_into_the_included_file_that_holds_the_customers(tmp_path: Path, psa: RunningSandbox) -> None:
    psa.reset()
    psa.seed(ROOT / "examples" / "sandbox.yaml")
    path = repository(tmp_path, psa, customers="")
    path.write_text(path.read_text(encoding="utf-8") + "include: [customers.yaml]\n", encoding="utf-8")
    entry = "  - name: Contoso\n    tenant: 8a7c1a4e-52d0-4f0e-9f5e-0c1f6a3b2d01\n    company: Contoso\n"
    own = f"# ours\ncustomers:\n{entry}"
    (tmp_path / "customers.yaml").write_text(own, encoding="utf-8")
    before = path.read_bytes()
    done = run(tmp_path, psa, "suggest", "--customer", "Fabrikam Inc", "--write")
    assert "into customers.yaml" in done.stderr
    assert (tmp_path / "customers.yaml").read_text(encoding="utf-8").startswith(own + "\n  # suggested, company 1.00")
    assert path.read_bytes() == before


def test_a_mapped_customer_without_an_agreement_is_told_with_candidates(tmp_path: Path, psa: RunningSandbox) -> None:
    psa.reset()
    psa.seed(ROOT / "examples" / "sandbox.yaml")
    customers = "customers:\n  - {name: Ours, tenant: 8a7c1a4e-52d0-4f0e-9f5e-0c1f6a3b2d01, company: Contoso}\n"
    repository(tmp_path, psa, customers)
    done = run(tmp_path, psa, "suggest", "--customer", "Ours")
    assert "customer 'Ours' of the mapping has no agreement for:" in done.stdout
    assert "agreement Contoso Microsoft CSP (id 55)" in done.stdout
