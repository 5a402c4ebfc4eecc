"""The workflow that `init` writes: what a pull request can reach, what may write; and the check sees what is bad."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from reconciler.cli.init_texts import FILES

NAME = ".github/workflows/billing.yml"
TEXT = FILES[NAME]


def problems(text: str) -> list[str]:
    """What is dangerous in a workflow file, by its rules of security."""
    workflow = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 -- it makes texts and nothing else, and keeps `on`
    return [*_of_the_whole(workflow), *(p for name, job in workflow["jobs"].items() for p in _of_job(name, job))]


def _of_the_whole(workflow: dict[str, Any]) -> Iterator[str]:
    if set(workflow["on"]) - {"pull_request", "push", "schedule", "workflow_dispatch"}:
        yield "it runs on events that give a stranger's code our secrets"
    if workflow.get("permissions") != {"contents": "read"}:
        yield "its permissions do not begin with reading alone"
    if workflow.get("concurrency", {}).get("cancel-in-progress") != "false":
        yield "a run can be cut off by the next one"


def _of_job(name: str, job: dict[str, Any]) -> Iterator[str]:
    text = str(job)
    if "write" in job.get("permissions", {}).values() and ("secrets." in text or "checkout" in text):
        yield f"{name} may write to GitHub beside secrets or a pull request's files"
    if "secrets." in text and "environment" not in job:
        yield f"{name} has secrets without an environment"
    if re.search(r"reconciler (?:apply|undo|resume|sign)", text) and "refs/heads/main" not in job.get("if", ""):
        yield f"{name} writes from another branch than main"
    if re.search(r"reconciler apply(?! plan\.json --expect-digest)", text):
        yield f"{name} applies what was not approved"
    for step in job["steps"]:
        yield from _of_step(name, step)


def _of_step(name: str, step: dict[str, Any]) -> Iterator[str]:
    if "${{" in step.get("run", ""):
        yield f"{name} fills into a script what a pull request can write"
    uses = step.get("uses")
    if uses and not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", uses):
        yield f"{name} uses {uses}, which is not pinned by its commit"
    if uses and uses.startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") != "false":
        yield f"{name} leaves the token where later steps can read it"


@pytest.mark.security(5, 9, 10)
def test_the_workflow_has_none_of_the_known_dangers() -> None:
    assert problems(TEXT) == []


BAD = {
    "events that give": ("  pull_request:\n", "  pull_request_target:\n"),
    "begin with reading": ("permissions:\n  contents: read\n\n#", "permissions: write-all\n\n#"),
    "cut off": ("cancel-in-progress: false", "cancel-in-progress: true"),
    "not pinned": ("11bd71901bbe5b1630ceea73d27597364c9af683", "v4"),
    "fills into a script": (
        "run: reconciler validate",
        "run: reconciler validate ${{ github.event.pull_request.title }}",
    ),
    "leaves the token": ("persist-credentials: false", "persist-credentials: true"),
    "without an environment": ("    environment: billing-plan\n", ""),
    "another branch than main": (" && github.ref == 'refs/heads/main'", ""),
    "what was not approved": (' --expect-digest "$(cat plan.digest)"', ""),
    "may write to GitHub": (
        "    environment: billing-plan\n",
        "    environment: billing-plan\n    permissions: {contents: write}\n",
    ),
}


@pytest.mark.security(9, 10)
@pytest.mark.parametrize("danger", BAD)
def test_each_danger_is_seen_where_it_is_put_in(danger: str) -> None:
    old, new = BAD[danger]
    assert old in TEXT
    found = problems(TEXT.replace(old, new))
    assert any(danger in problem for problem in found), found


@pytest.mark.security(5, 9)
def test_a_fork_gets_no_secret_and_only_the_branch_main_the_key_that_writes() -> None:
    jobs = yaml.safe_load(TEXT)["jobs"]
    with_secrets = {name for name, job in jobs.items() if "secrets." in str(job)}
    assert with_secrets == {"plan", "apply"}
    assert "head.repo.full_name == github.repository" in jobs["plan"]["if"]
    assert {name: jobs[name]["environment"] for name in with_secrets} == {"plan": "billing-plan", "apply": "billing"}
    assert "apply" not in str(jobs["plan"]["steps"])


@pytest.mark.security(11)
def test_what_is_applied_is_planned_again_and_of_the_artifact_only_the_digest_is_taken() -> None:
    steps = [step.get("run", "") for step in yaml.safe_load(TEXT)["jobs"]["apply"]["steps"]]
    downloads = [line for run in steps for line in run.splitlines() if "gh run download" in line]
    assert [line.split("--name ")[1] for line in downloads] == ["plan-digest"]
    assert "head.repo.full_name == env.GITHUB_REPOSITORY" in steps[-2]
    planned, applied = steps[-1].splitlines()
    assert planned.startswith("reconciler plan --out plan.json")
    assert applied == 'exec reconciler apply plan.json --expect-digest "$(cat plan.digest)"'
