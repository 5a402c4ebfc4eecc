"""The same inputs give the same plan, wherever the repository lies (interface §3)."""

from pathlib import Path

from world import MAPPING, contoso, csv_text, fabrikam, line, plan_with

from reconciler.planning.plan_file import write_plan
from reconciler.sandbox.server import RunningSandbox


def test_a_plan_is_the_same_in_two_folders(tmp_path: Path, psa: RunningSandbox) -> None:
    """The mapping is named by its whole path, and findings of all kinds have places in it."""
    twice = MAPPING.replace("8a7c0000-0000-4000-8000-000000000001,", "contoso.example,", 1)
    twice += "prices:\n  - {name: never, when: {sku: NOPE}, price: cost}\n"
    unknown = csv_text(line("9c9c0000-0000-4000-8000-000000000009", "cccc", invoice="INV-S"))
    texts = []
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        plan = plan_with(folder, psa, {"c.csv": contoso(), "f.csv": fabrikam(), "s.csv": unknown}, mapping=twice)
        assert any(finding.where and finding.where.file == "mappings.yaml" for finding in plan.findings)
        texts.append(write_plan(plan))
    assert texts[0] == texts[1]
    assert str(tmp_path) not in texts[0]
