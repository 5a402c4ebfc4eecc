"""Templates for messages: text with values, in a sandbox that has nothing to offer to anybody who means harm."""

from pathlib import Path

import pytest

from reconciler.domain.alert import Kind
from reconciler.notifying.composing import FOLDER, OwnTemplates, checked, composed, own_templates
from reconciler.notifying.samples import SAMPLES
from reconciler.store.outbox import pause

HARM = {
    "a way to classes": "{{ program.__class__.__mro__ }}",
    "a format": "{{ '{:1000000000}'.format(1) }}",
    "a method": "{{ program.format_map({}) }}",
    "another method": "{{ program.center(1000000000) }}",
    "a function of its own": "{{ range(9) }}",
    "another file": '{% include "mappings.yaml" %}',
    "much text of little": "{{ 'x' * 1000000000 }}",
    "a large number": "{{ 9 ** 9 ** 9 }}",
    "a wide format": "{{ '%1000000000d' % 1 }}",
    "a filter that is not there": "{{ errors|map('x') }}",
    "an endless call": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a value that is not there": "{{ environ }}",
    "no template": "{% if %}",
}


def own(text: str) -> OwnTemplates:
    return OwnTemplates({Kind.ATTENTION: ("attention.txt.j2", text)})


@pytest.mark.parametrize("what", HARM)
def test_what_a_template_must_not_do_is_a_finding_and_the_message_is_still_composed(what: str) -> None:
    templates = own(f"Subject: x\n{HARM[what]}\n")
    assert [finding.code for finding in checked(templates, SAMPLES)] == ["template"]
    made = composed(Kind.ATTENTION, SAMPLES[Kind.ATTENTION], "id-1", templates, str)
    assert made.problem is not None
    assert made.subject == "Action needed in psa: microsoft-csp, 2026-09"


@pytest.mark.parametrize("text", ["no subject\nx\n", "Subject: \nx\n", "Subject: x\n", ""])
def test_a_template_needs_a_subject_and_a_text(text: str) -> None:
    assert len(checked(own(text), SAMPLES)) == 1


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_a_template_that_ends_with_the_id(kind: Kind) -> None:
    made = composed(kind, SAMPLES[kind], "id-1", OwnTemplates(), str)
    assert made.subject
    assert "\n" not in made.subject
    assert made.body.endswith("\n-- \nreconciler, message id-1\n")


def test_a_file_that_no_message_has_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "attention.txt").write_text("Subject: x\nx\n", encoding="utf-8")
    found = own_templates(tmp_path)
    assert not found.texts
    assert [finding.severity.value for finding in found.findings] == ["warning"]


def test_a_long_message_is_cut_and_keeps_its_id() -> None:
    facts = SAMPLES[Kind.ATTENTION] | {"errors": [SAMPLES[Kind.ATTENTION]["errors"][0] | {"message": "x" * 900}] * 40}
    body = composed(Kind.ATTENTION, facts, "id-1", OwnTemplates(), str).body
    assert len(body) < 21_000
    assert "cut here" in body
    assert body.endswith("message id-1\n")


def test_waits_grow_from_a_minute_to_half_a_day() -> None:
    assert [pause(n).total_seconds() / 60 for n in (0, 1, 2, 9, 11, 99)] == [1, 2, 4, 512, 720, 720]
