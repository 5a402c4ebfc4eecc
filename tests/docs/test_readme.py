"""The plan that the README shows is the demo's."""

import re
from pathlib import Path

from click.testing import CliRunner

from reconciler.cli.main import main

ROOT = Path(__file__).parents[2]


def _words(line: str) -> str:
    return " ".join(re.sub("[─…]+", "", line).split())


def test_every_line_of_the_plan_that_the_readme_shows_is_in_the_demos_plan() -> None:
    blocks = re.findall(r"```\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (excerpt,) = [block for block in blocks if "Contoso Microsoft CSP (psa/agreement/55)" in block]
    plan = str(ROOT / "plans" / "2026-09.plan.json")
    shown = CliRunner().invoke(main, ["show", plan], env={"COLUMNS": "80", "NO_COLOR": "1"})
    assert shown.exit_code == 0, shown.output
    there = {_words(line) for line in shown.stdout.splitlines()}
    digest = re.compile(r"digest sha256:")
    missing = [line for line in excerpt.splitlines() if not digest.match(line) and _words(line) not in there]
    assert missing == []
