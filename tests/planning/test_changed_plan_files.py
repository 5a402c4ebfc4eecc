"""A plan file into which somebody wrote what no plan holds: a sentence, whatever it is."""

import pytest

from reconciler.planning.plan_file import PlanFileError, read_plan


@pytest.mark.parametrize(
    "member",
    [
        '"x": 1',
        '"x": 99999999999999999999999',
        '"x": "\\ud800"',
        '"\\ud800": 1',
        f'"x": {"[" * 400}{"]" * 400}',
    ],
)
@pytest.mark.parametrize("stated", ["sha256:0", "sha256:ü", "\\ud800"])
def test_content_that_no_digest_can_be_of_is_told_as_changed(member: str, stated: str) -> None:
    text = f'{{"format": "reconciler-plan/1", "digest": "{stated}", {member}}}'
    with pytest.raises(PlanFileError, match="does not match its digest"):
        read_plan(text, "plan.json")
