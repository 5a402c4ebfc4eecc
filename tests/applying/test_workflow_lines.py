"""The shell lines of the shipped workflow, run by bash as GitHub runs them: the command and the PSA are real.

GitHub itself is not there: `gh` is a script that keeps what it was asked, answers with what a test prepared, and hands
out the digest that the plan job has kept. What its `--jq` filters pick is not run here.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from real_world import SEED, Office, wanted

from reconciler.cli.init_texts import FILES
from reconciler.sandbox.server import RunningSandbox

JOBS: dict[str, Any] = yaml.safe_load(FILES[".github/workflows/billing.yml"])["jobs"]
RECONCILER = f"""#!/bin/sh
exec "{sys.executable}" -c 'from reconciler.cli.main import run; run()' "$@"
"""
GH = f"""#!{sys.executable}
import os, pathlib, shutil, sys
there = pathlib.Path(os.environ["GITHUB_THERE"])
asked = " ".join(sys.argv[1:])
with (there / "asked").open("a") as log:
    log.write(asked + "\\n")
if asked.startswith("run download"):
    shutil.copy(there / "plan.digest", "plan.digest")
for name in ("pulls", "workflows", "--paginate"):
    if name in asked and (there / name).exists():
        print((there / name).read_text())
"""


class Runner:
    """A runner's machine, and what GitHub holds for it in the folder `there`."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.there = folder
        self._bin = folder / "bin"
        self._bin.mkdir(parents=True)
        for name, text in (("reconciler", RECONCILER), ("gh", GH)):
            (self._bin / name).write_text(text, encoding="utf-8")
            (self._bin / name).chmod(0o755)

    def job(self, name: str) -> subprocess.CompletedProcess[str]:
        """The script steps of a job, but for installing, one after the other until one fails."""
        done = subprocess.CompletedProcess[str]([], 0, "", "")
        for step in JOBS[name]["steps"]:
            if "run" in step and "pipx" not in step["run"]:
                done = self._script(step)
                if done.returncode:
                    break
        return done

    def _script(self, step: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        script = self.there / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        plain = {name: value for name, value in step.get("env", {}).items() if "${{" not in value}
        environment = {
            **self.office.environment,
            **plain,
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "GITHUB_THERE": str(self.there),
            "GITHUB_REPOSITORY": "msp/billing",
            "GITHUB_SHA": "f" * 40,
            "GITHUB_STEP_SUMMARY": str(self.there / "summary.md"),
            "NUMBER": "7",
        }
        return subprocess.run(
            ["bash", "-e", str(script)],
            cwd=self.office.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def approved(self) -> None:
        """The pull request's run ended well and was merged: GitHub knows it and holds its digest."""
        (self.office.folder / "plan.digest").rename(self.there / "plan.digest")
        (self.there / "pulls").write_text("a" * 40, encoding="utf-8")
        (self.there / "workflows").write_text("4711", encoding="utf-8")

    def asked(self) -> list[str]:
        return (self.there / "asked").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def runner(sandbox: RunningSandbox, tmp_path: Path) -> Runner:
    sandbox.seed(SEED)
    sandbox.faults([])
    (tmp_path / "repository").mkdir()
    return Runner(Office(tmp_path / "repository", sandbox), tmp_path / "github")


@pytest.mark.security(7, 10, 11)
def test_what_was_approved_is_planned_again_and_applied(runner: Runner) -> None:
    assert runner.job("validate").returncode == 0
    planned = runner.job("plan")
    assert (planned.returncode, runner.office.writes()) == (0, 0), planned.stderr
    runner.approved()
    applied = runner.job("apply")
    assert applied.returncode == 0, applied.stderr
    assert runner.office.billed() == wanted()
    assert "head_sha=" + "a" * 40 in runner.asked()[1]
    assert runner.asked()[2] == "run download 4711 --repo msp/billing --name plan-digest"
    assert (runner.there / "summary.md").read_text(encoding="utf-8").count("13") >= 2


@pytest.mark.security(7, 11)
@pytest.mark.parametrize("moved", ["the PSA", "the mapping", "the digest"])
def test_what_is_not_what_was_approved_writes_nothing(runner: Runner, moved: str) -> None:
    assert runner.job("plan").returncode == 0
    runner.approved()
    if moved == "the PSA":
        runner.office.psa.seed({**SEED, "additions": [{**row, "quantity": 11} for row in SEED["additions"]]})
    elif moved == "the mapping":
        mapping = runner.office.folder / "mappings.yaml"
        mapping.write_text(mapping.read_text(encoding="utf-8").replace("name: Customer 1", "name: Customer One"))
    else:
        (runner.there / "plan.digest").write_text("sha256:" + "0" * 64, encoding="utf-8")
    refused = runner.job("apply")
    assert (refused.returncode, runner.office.writes()) == (1, 0), refused.stderr
    assert "this is not the plan that was approved" in refused.stderr


@pytest.mark.security(11)
@pytest.mark.parametrize(("unknown", "said"), [("pulls", "no merged pull request"), ("workflows", "did not end well")])
def test_without_an_approved_run_the_plan_is_not_even_made(runner: Runner, unknown: str, said: str) -> None:
    assert runner.job("plan").returncode == 0
    runner.approved()
    (runner.there / unknown).unlink()
    refused = runner.job("apply")
    assert (refused.returncode, runner.office.writes()) == (1, 0)
    assert f"::error::{'the plan of' if unknown == 'workflows' else 'no merged'}" in refused.stdout
    assert said in refused.stdout


def test_a_plan_with_errors_fails_its_job_and_is_shown_all_the_same(runner: Runner) -> None:
    mapping = runner.office.folder / "mappings.yaml"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("company: CUST1", "company: CUST9"))
    assert runner.job("plan").returncode == 1
    assert "CUST9" in (runner.there / "summary.md").read_text(encoding="utf-8")


def test_the_comment_is_made_once_and_then_written_anew(runner: Runner) -> None:
    (runner.office.folder / "plan.md").write_text("the plan", encoding="utf-8")
    assert runner.job("comment").returncode == 0
    assert (
        runner.asked()[-1] == "api --silent --method POST repos/msp/billing/issues/7/comments --field body=@comment.md"
    )
    comment = (runner.office.folder / "comment.md").read_text(encoding="utf-8")
    assert comment == "<!-- the plan of billing.yml -->\nthe plan"
    (runner.there / "--paginate").write_text("501\n502", encoding="utf-8")
    assert runner.job("comment").returncode == 0
    assert "--method PATCH repos/msp/billing/issues/comments/501 --field" in runner.asked()[-1]
