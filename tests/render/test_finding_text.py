"""Findings as people and tools read them; and the one function that makes foreign text harmless."""

import re
import unicodedata
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.money import Money
from reconciler.render.findings import counted, finding_json, finding_lines, github_line, sarif
from reconciler.render.safe_text import safe
from reconciler.render.terminal import cells

FINDING = Finding(
    severity=Severity.ERROR,
    code="dangling-reference",
    message="program 'csp' names the source 'distributer'",
    where=Place("mappings.yaml", 31, 13),
    hint="did you mean 'distributor'?",
    excerpt="    source: distributer",
)


def lines(finding: Finding, *, colour: bool = False) -> list[str]:
    return list(finding_lines(finding, colour=colour))


def test_a_finding_says_where_what_and_what_to_do() -> None:
    assert lines(FINDING) == [
        "mappings.yaml:31:13: error[dangling-reference]: program 'csp' names the source 'distributer'",
        "        source: distributer",
        "                ^",
        "    hint: did you mean 'distributor'?",
    ]


def test_money_and_the_subscription_are_shown() -> None:
    finding = Finding(
        Severity.WARNING, "unmapped", "nobody bills this", subscription="5f1b", amount=Money(Decimal("1234.5"), "JPY")
    )
    assert lines(finding) == [
        "warning[unmapped]: nobody bills this (subscription 5f1b)",
        "    money: 1235 JPY",
    ]


def test_the_caret_stands_under_the_column_behind_wide_and_unsafe_characters() -> None:
    finding = replace(FINDING, excerpt="名前: \x1b[x value", where=Place("a", 1, 9))
    line, caret = lines(finding)[1:3]
    assert "\\u001b[x value" in line
    before = line[: line.index("value")]
    assert caret.index("^") == cells(before)


@pytest.mark.parametrize("column", [1, 40, 79, 200, 395])
def test_a_long_line_is_cut_around_the_column(column: int) -> None:
    excerpt = "".join(chr(ord("a") + number % 26) for number in range(400))
    line, caret = lines(replace(FINDING, excerpt=excerpt, where=Place("a", 1, column)))[1:3]
    assert cells(line) <= 80
    assert line[caret.index("^")] == excerpt[column - 1]


def test_a_column_behind_the_line_points_behind_it() -> None:
    line, caret = lines(replace(FINDING, excerpt="abc", where=Place("a", 1, 9)))[1:3]
    assert caret.index("^") == len(line)


def test_without_a_column_there_is_no_caret() -> None:
    assert lines(replace(FINDING, where=Place("a", 1), hint=None))[1:] == ["        source: distributer"]


def test_colour_is_added_only_where_it_is_asked_for() -> None:
    assert "\x1b[31m" in "".join(lines(FINDING, colour=True))
    assert "\x1b" not in "".join(lines(FINDING))


@pytest.mark.security(27)
@given(st.text())
def test_no_text_reaches_the_terminal_raw(text: str) -> None:
    finding = Finding(Severity.ERROR, text, text, text, text, Place(text, 1, 1), text, Money(Decimal(1), text), text)
    for line in (*lines(finding), github_line(finding), safe(text)):
        assert not {unicodedata.category(character) for character in line} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.security(27)
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Zürich 東京 €", "Zürich 東京 €"),
        ("a\x1b[2Jb", "a\\u001b[2Jb"),
        ("a\nb\tc", "a\\u000ab\\u0009c"),
        ("\u202eevil", "\\u202eevil"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("no\u00a0break", "no\u00a0break"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_findings_are_counted_in_words() -> None:
    warning = replace(FINDING, severity=Severity.WARNING)
    assert counted([FINDING]) == "1 error"
    assert counted([FINDING, FINDING, warning]) == "2 errors, 1 warning"
    assert counted([replace(FINDING, severity=Severity.INFO)]) == "1 note"
    assert counted([]) == "0 errors"


def test_json_leaves_out_what_is_not_there() -> None:
    assert finding_json(Finding(Severity.INFO, "a", "b", amount=Money(Decimal(1), "AUD"))) == {
        "severity": "info",
        "code": "a",
        "message": "b",
        "amount": {"amount": "1.00", "currency": "AUD"},
    }
    assert finding_json(FINDING)["where"] == "mappings.yaml:31:13"


def test_an_annotation_is_one_line_and_escaped() -> None:
    finding = replace(FINDING, message="50% off\nnow", where=Place("a,b:c.yaml", 3, None), hint=None)
    assert github_line(finding) == ("::error file=a%2Cb%3Ac.yaml,line=3,title=dangling-reference::50%25 off\\u000anow")
    assert github_line(replace(FINDING, severity=Severity.INFO, where=None)).startswith("::notice title=")


def test_sarif_names_each_rule_once() -> None:
    other = replace(FINDING, code="a-rule", severity=Severity.INFO, where=Place("with space.yaml"))
    run = sarif([FINDING, other, FINDING], "1.0")["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["a-rule", "dangling-reference"]
    assert [result["ruleIndex"] for result in run["results"]] == [1, 0, 1]
    assert [result["level"] for result in run["results"]] == ["error", "note", "error"]
    assert run["results"][1]["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "with%20space.yaml"}}}]


def test_a_blank_subscription_is_not_named() -> None:
    finding = Finding(Severity.WARNING, "unmapped", "nobody bills this", subscription="  ")
    assert lines(finding) == ["warning[unmapped]: nobody bills this"]


def test_sentences_are_wrapped_to_a_terminal_and_stay_whole_for_a_pipe() -> None:
    message = "the price is not a number that money can be " * 4
    finding = Finding(
        Severity.ERROR,
        "type",
        message.strip(),
        where=Place("mappings.yaml", 3, 5),
        hint=message.strip(),
        excerpt="a: b",
    )
    for colour in (False, True):
        told = [re.sub(r"\x1b\[\d*m", "", line) for line in finding_lines(finding, colour=colour, width=80)]
        assert max(map(len, told)) <= 80
        assert " ".join(" ".join(told).split()).count(message.strip()) == 2
    assert len(list(finding_lines(finding, colour=False))) == 4
