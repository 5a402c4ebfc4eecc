"""A plan as Markdown: what a parser and a site make of it, whatever stands in it, and that it fits in a comment."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token
from plans_of_examples import EXAMPLES, SEPTEMBER, bill, example_1, many_customers, plan
from random_plans import plans, with_text_everywhere
from syrupy.assertion import SnapshotAssertion

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.money import Money
from reconciler.domain.plan import DocumentUsed, Plan
from reconciler.render.markdown_text import clip, code, prose
from reconciler.render.plan_markdown import plan_markdown

SLOW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OUR_TAGS = {"<br>", "<code>", "</code>"}
FOLD = re.compile(r"<details><summary>(<code>[^<>]*</code>|Product catalogue)[^<>]*</summary>\n?|</details>\n?")
# What GitHub and others make live in rendered text outside code.
LIVE = re.compile(r"@\w|#\d|[A-Za-z]://|\bwww\.", re.IGNORECASE)

PAYLOADS = [
    "@octocat",
    "ops@octocat",
    "#1",
    "octo/repo#1",
    "https://evil.example/x",
    "www.evil.example",
    "WWW.EVIL.EXAMPLE",
    "ftp://evil.example",
    "![pixel](https://evil.example/p.png)",
    "[click](https://evil.example)",
    "[click][1]",
    "<https://evil.example>",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</summary></details><h1>free</h1>",
    "</code><a href='//evil.example'>x</a>",
    "<!-- hidden",
    "a | b || c",
    "a \\| b",
    "ends with a backslash \\",
    "`code` ``more`` ```",
    "`",
    "**bold** _it_ ~~gone~~",
    "line\nbreak\r\nand\n\n# heading",
    "\u2028next",
    "&lt;b&gt; &#64;octocat &amp;",
    "$x$ $$y$$",
    "\u202ereversed",
    "- item",
    "    indented",
    "> quote",
    "---",
    "```\nfence",
    " ",
    "\x00\x1b[31m",
    "javascript:alert(1)",
    "=1+1",
]


def texts(tokens: list[Token]) -> str:
    """What is rendered outside code, in code's place nothing."""
    shown, in_code = [], False
    for token in tokens:
        if token.type == "html_inline":
            in_code = token.content == "<code>" if token.content in {"<code>", "</code>"} else in_code
        elif token.type == "text" and not in_code:
            shown.append(token.content)
    return "\n".join(shown)


def assert_inert(markdown: str) -> None:
    """Nothing but our own tables, folds and emphasis comes out of a parser, and nothing that a site would make live."""
    tokens = PARSER.parse(markdown)
    columns = 0
    for number, token in enumerate(tokens):
        if token.type == "html_block":
            assert all(FOLD.fullmatch(line) for line in token.content.splitlines()), token.content
            assert not LIVE.search(re.sub(r"<code>.*?</code>", "", token.content))
        if token.type == "thead_open":
            columns = sum(each.type == "th_open" for each in tokens[number : number + 60])
        if token.type in {"blockquote_open", "ordered_list_open", "fence", "code_block", "hr"}:
            pytest.fail(f"{token.type} from text: {token.content!r}")
        for inner in token.children or ():
            assert inner.type not in {"link_open", "image", "s_open", "softbreak", "hardbreak"}, inner
            if inner.type == "html_inline":
                assert inner.content in OUR_TAGS
        if token.children:
            assert not LIVE.search(texts(token.children)), texts(token.children)
    assert columns >= 0
    assert_even_tables(markdown)


def assert_even_tables(markdown: str) -> None:
    """Every row of a table has as many cells as its heading: no text has opened another column."""
    width = 0
    for line in markdown.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line))
        if not line.startswith("|"):
            width = 0
        elif not width:
            width = cells
        else:
            assert cells == width, line


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_reads_as_it_did(name: str, snapshot: SnapshotAssertion) -> None:
    assert plan_markdown(EXAMPLES[name]()) == snapshot


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_inert(name: str) -> None:
    assert_inert(plan_markdown(EXAMPLES[name]()))


@pytest.mark.security(22)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_in_any_field_becomes_markup(payload: str) -> None:
    assert_inert(plan_markdown(with_text_everywhere(payload)))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_sentence_reads_as_it_was_written(payload: str) -> None:
    (paragraph,) = [token for token in PARSER.parse(f"x{prose(payload)}x") if token.type == "inline"]
    assert texts(paragraph.children or []).replace("\u200b", "").replace("\n", "") == f"x{clip(payload)}x"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_name_in_code_reads_as_it_was_written(payload: str) -> None:
    (paragraph,) = [token for token in PARSER.parse(f"x {code(payload)} x") if token.type == "inline"]
    inside = "".join(t.content for t in paragraph.children or () if t.type in {"text", "code_inline"})
    assert inside == f"x {clip(payload).strip(' ') or '—'} x"


@pytest.mark.security(22)
@SLOW
@given(plans())
def test_no_plan_becomes_markup(shown: Plan) -> None:
    assert_inert(plan_markdown(shown))


@pytest.mark.security(22, 36)
@SLOW
@given(plans())
def test_no_plan_is_longer_than_the_limit(shown: Plan) -> None:
    for limit in (4_000, 10_000, 60_000):
        assert len(plan_markdown(shown, limit)) <= limit


@pytest.mark.parametrize("limit", [4_000, 20_000, 60_000])
def test_many_customers_fit_and_the_comment_says_what_is_missing(limit: int) -> None:
    text = plan_markdown(many_customers(), limit)
    folds = text.count("<details>")
    assert limit * 0.8 < len(text) <= limit or limit == 4_000
    note = re.search(r"_Left out for length: (\d+) customers with (\d+) changes \((\S+) AUD in 2026-09\); see", text)
    assert note
    assert int(note[1]) + folds == 300
    assert int(note[2]) == 4 * int(note[1])
    assert Decimal(note[3]) == int(note[1]) * Decimal("23.33")
    assert "`reconciler show PLAN`" in text
    assert text.count("<details>") == text.count("</details>")
    assert_inert(text)


def test_what_fits_is_shown_without_a_note() -> None:
    text = plan_markdown(many_customers(20))
    assert text.count("<details>") == 20
    assert "Left out" not in text


def test_the_customer_whose_bill_moves_most_comes_first() -> None:
    large = [
        replace(row, agreement="psa/agreement/1007", agreement_name="C", customer="Customer 007", after=Decimal(9999))
        for row in example_1().impact
    ]
    shown = many_customers(10)
    others = [row for row in shown.impact if row.agreement != "psa/agreement/1007"]
    text = plan_markdown(replace(shown, impact=(*others, *large)))
    assert re.findall(r"<code>(Customer \d+)</code>", text)[0] == "Customer 007"


def test_one_customer_beyond_all_limits_is_shown_in_part() -> None:
    base = example_1()
    many = tuple(replace(base.changes[1], address=f"psa/Contoso/{number}") for number in range(2000))
    text = plan_markdown(replace(base, changes=many))
    assert re.search(r"_Left out for length: \d+ further rows of this table._", text)
    assert 50_000 < len(text) <= 60_000
    assert_inert(text)


def test_a_thousand_findings_and_documents_leave_room_for_the_money() -> None:
    findings = tuple(
        Finding(Severity.WARNING, "unmapped-customer", f"Customer {number} is in no mapping " + "x" * 300)
        for number in range(1000)
    )
    documents = tuple(DocumentUsed("distributor", f"invoices/{n}.csv", f"INV-{n}", "0" * 64, 3) for n in range(1000))
    text = plan_markdown(replace(example_1(), findings=findings, documents=documents))
    assert len(text) <= 60_000
    assert "<code>Contoso</code>" in text
    assert "some of 1000 warnings" in text
    assert "further documents" in text
    assert_inert(text)


def test_the_same_plan_gives_the_same_text() -> None:
    assert plan_markdown(many_customers()) == plan_markdown(many_customers())


def test_the_summary_comes_before_anything_that_can_be_left_out() -> None:
    text = plan_markdown(many_customers(), 4_000)
    assert "**Plan: 900 to create, 300 to end.**" in text.splitlines()[2]
    assert "| **bill after, in `AUD`** | **66999.00** | **66000.00** |" in text


def test_money_in_two_currencies_is_shown_apart() -> None:
    kiwi = bill(SEPTEMBER, "10.00", "12.00", agreement="psa/agreement/9", currency="NZD")
    finding = Finding(Severity.WARNING, "unmapped-customer", "no mapping", amount=Money(Decimal(5), "NZD"))
    text = plan_markdown(plan((), (*example_1().impact, kiwi), findings=(finding,)))
    assert "| **bill after, in `AUD`** | **223.33** |" in text
    assert "| **bill after, in `NZD`** | **12.00** |" in text
    assert "| 5.00 NZD |" in text
