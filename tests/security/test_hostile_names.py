"""No name from data becomes a path, a command or an option: customers, subscriptions and products named to get out."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_world import SEED, TENANTS, Office

from reconciler.sandbox.server import RunningSandbox

NAMES = (
    "../../outside",
    "..\\..\\outside",
    "/../../../../../../../../tmp/reconciler-outside",
    "C:\\outside",
    "CON",
    "-rf outside",
    "~/outside",
    "$(touch outside)",
    "`touch outside`",
    "; touch outside #",
    "| tee outside",
    "a" * 300,
    "\u202egnp.exe",
    "two\nlines",
    "a nul \x00 in it",
    "file:///outside",
    "outside\u2028more",
    "%2e%2e%2foutside",
)
# What a partner does with a plan, and what writes a file or names one on the way.
COMMANDS = (
    ("validate",),
    ("plan", "--out", "plan.json"),
    ("plan", "--format", "html"),
    ("plan", "--format", "markdown"),
    ("apply", "plan.json"),
    ("reconcile", "--csv", "reconciled.csv"),
    ("drift",),
    ("history",),
    ("history", "--format", "csv"),
    ("suggest",),
    ("status",),
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


def _named(office: Office, names: tuple[str, ...]) -> None:
    """Gives the customers, their first subscriptions and the new product hostile names, as JSON writes them in YAML."""
    mapping = office.folder / "mappings.yaml"
    text = mapping.read_text(encoding="utf-8")
    for number, (name, tenant) in enumerate(zip(names, TENANTS, strict=True)):
        quoted = json.dumps(name)
        text = text.replace(f"name: Customer {number}\n", f"name: {quoted}\n")
        invoice = office.folder / "invoices" / f"{number}.yaml"
        lines = invoice.read_text(encoding="utf-8").replace(f"name: Customer {number}}}", f"name: {quoted}}}")
        lines = lines.replace(f"subscription: {tenant}-0000-4000-8000-000000000002", f"subscription: {quoted}")
        invoice.write_text(lines.replace("description: Microsoft 365 E3", f"description: {quoted}"), encoding="utf-8")
    mapping.write_text(text, encoding="utf-8")


@pytest.mark.security(26)
@pytest.mark.parametrize("first", range(0, len(NAMES), len(TENANTS)))
def test_no_name_leads_out_of_the_folder_or_starts_anything(
    first: int, sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.seed(SEED)
    sandbox.faults([])
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    office = Office(inner, sandbox)
    names = NAMES[first : first + len(TENANTS)]
    _named(office, names)
    given = {path.relative_to(tmp_path) for path in tmp_path.rglob("*")}
    monkeypatch.chdir(inner)
    monkeypatch.setenv("HOME", str(tmp_path))
    for words in COMMANDS:
        told = office.invoke(*words)
        assert not isinstance(told.exception, Exception) or isinstance(told.exception, SystemExit), (words, told.output)
        assert "Traceback" not in told.output
        assert "\u202e" not in told.output
    # Control characters are refused in the mapping; with any other name the plan is made and applied.
    assert (office.writes() > 0) is all(sign >= " " for name in names for sign in name)
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*")} - given
    strange = {
        path for path in made if not str(path).startswith(("a/b/.reconciler", "a/b/plan.json", "a/b/reconciled"))
    }
    assert strange == set()
    assert not Path("/tmp/reconciler-outside").exists()  # noqa: S108 -- the path that a name asks for
    files = {path.name for path in made}
    assert all(name.isascii() and len(name) < 100 and "outside" not in name for name in files), files
