"""Telling people of a run: messages made of what it found, and sent when the command's work is done."""

import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from reconciler.cli.context import Settings, show_findings
from reconciler.cli.logs import step

if TYPE_CHECKING:
    from reconciler.domain.alert import Alert, Kind, Message
    from reconciler.domain.finding import Finding
    from reconciler.domain.mapping import Mappings, Program
    from reconciler.domain.plan import Plan
    from reconciler.domain.reconciliation import Reconciliation
    from reconciler.notifying.facts import Audience, Charged, Facts
    from reconciler.notifying.sending import Result
    from reconciler.planning.gathered import Gathered
    from reconciler.planning.making import Made
    from reconciler.store.history import RunRecord
    from reconciler.store.outbox import Waiting

P = ParamSpec("P")
R = TypeVar("R")


def sends_messages(
    work: Callable[Concatenate[Settings, P], R],
) -> Callable[Concatenate[Settings, P], R]:
    """A command after whose work the messages are sent that wait, however it ended: its own, and those of before."""

    @wraps(work)
    def command(settings: Settings, /, *arguments: P.args, **options: P.kwargs) -> R:
        with _then_sent(settings):
            return work(settings, *arguments, **options)

    return command


@contextmanager
def _then_sent(settings: Settings) -> Iterator[None]:
    try:
        yield
    except SystemExit as leaving:
        # Somebody who interrupts a command does not wait for mails.
        if not isinstance(leaving.code, int) or leaving.code < 128:
            send_waiting(settings)
        raise
    except Exception:
        send_waiting(settings)
        raise
    send_waiting(settings)


# -- what is told


def plan_messages(made: "Made", settings: Settings) -> "tuple[Message, ...]":
    """What a plan for all customers has to tell. A plan for some of them tells nobody but who made it."""
    from reconciler.domain.alert import Kind, Occasion
    from reconciler.planning.gathered import Scope

    request, gathered, plan = made.gathered.request, made.gathered, made.plan
    programs = _told(gathered.mappings, plan.target)
    if not programs or request.customers or request.only_new is not None or request.scope is not Scope.ALL:
        return ()
    from reconciler.notifying.facts import attention, plan_ready

    drafts: list[_Draft] = []
    for program in programs:
        audience = _audience(program, gathered.mappings, _charged(gathered, program))
        for alert in program.notify:
            drafts.append((alert, Kind.ATTENTION, attention(plan, audience, alert.on)))
            if Occasion.PLAN_READY in alert.on:
                drafts.append((alert, Kind.PLAN_READY, plan_ready(plan, audience)))
    return _composed(drafts, plan.month_range, plan.digest, settings)


def apply_messages(
    plan: "Plan", record: "RunRecord", mappings: "Mappings", settings: Settings
) -> "tuple[Message, ...]":
    """What an apply or resume has to tell that left something undone."""
    from reconciler.domain.alert import Kind, Occasion

    programs = _told(mappings, plan.target)
    if not programs:
        return ()
    from reconciler.domain.canonical import canonical
    from reconciler.notifying.composing import content_of
    from reconciler.notifying.facts import apply_failed

    drafts: list[_Draft] = []
    for program in programs:
        facts = apply_failed(plan, record, _audience(program, mappings, ()))
        asking = [alert for alert in program.notify if {Occasion.ERROR, Occasion.FAILED} & alert.on]
        drafts += [(alert, Kind.APPLY, facts) for alert in asking]
    # The same plan may be applied again, and fail otherwise.
    about = content_of({"plan": plan.digest, "said": canonical([facts for _, _, facts in drafts])})
    return _composed(drafts, plan.month_range, about, settings)


def reconciliation_messages(found: "Reconciliation", mappings: "Mappings", settings: Settings) -> "tuple[Message, ...]":
    """The verdicts of a month's subscriptions, for who asked for them."""
    from reconciler.domain.alert import Kind, Occasion

    asking = [program for program in _told(mappings, found.target) if _asked(program, Occasion.RECONCILIATION)]
    if not asking:
        return ()
    from reconciler.notifying.composing import content_of
    from reconciler.notifying.facts import reconciled

    messages: list[Message] = []
    for program in asking:
        facts = reconciled(found, _audience(program, mappings, ()))
        alerts = [alert for alert in program.notify if Occasion.RECONCILIATION in alert.on]
        drafts = [(alert, Kind.RECONCILIATION, facts) for alert in alerts]
        messages += _composed(drafts, found.month, content_of(facts), settings)
    return tuple(messages)


def test_message(alert: "Alert", target: str, settings: Settings) -> "Message":
    """A message that says that it is a test."""
    from reconciler.domain.alert import Kind

    facts = {"month": "", "target": target, "program": alert.program, "on": sorted(alert.on)}
    return _composed([(alert, Kind.TEST, facts)], "", "", settings)[0]


_Draft = tuple["Alert", "Kind", "Facts"]


def _told(mappings: "Mappings", target: str) -> "list[Program]":
    return [program for program in mappings.programs.values() if program.target == target and program.notify]


def _asked(program: "Program", occasion: str) -> bool:
    return any(occasion in alert.on for alert in program.notify)


def _audience(program: "Program", mappings: "Mappings", charged: "tuple[Charged, ...]") -> "Audience":
    from reconciler.notifying.facts import Audience

    own = frozenset(customer.name for customer in mappings.customers if customer.program == program.name)
    return Audience(program.name, own, frozenset(customer.name for customer in mappings.customers), charged)


def _charged(gathered: "Gathered", program: "Program") -> "tuple[Charged, ...]":
    """The subscriptions on the newest month's own invoices, each once, of motions that the program syncs."""
    from reconciler.notifying.facts import Charged

    ledger = gathered.ledgers[program.source]
    owners: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for customer in gathered.mappings.customers:
        account = ledger.account(customer.tenant)
        if account and gathered.mappings.programs[customer.program].source == program.source:
            owners.setdefault(account.tenant, []).append((customer.name, frozenset(customer.agreements)))
    found: dict[tuple[str, str], Charged] = {}
    for tenant in sorted(ledger.accounts):
        account = ledger.accounts[tenant]
        here = owners.get(tenant, [])
        for _, line in account.of_month:
            if line.motion in program.motions:
                owner = next((name for name, motions in here if line.motion in motions), None)
                name = owner or (here[0][0] if here else account.name or account.domain or tenant)
                row = Charged(name, line.description or line.sku, line.subscription, owner is not None)
                found.setdefault((tenant, line.subscription), row)
    return tuple(found.values())


def _composed(drafts: "Iterable[_Draft]", month: str, about: str, settings: Settings) -> "tuple[Message, ...]":
    from reconciler.domain.alert import Message
    from reconciler.domain.finding import Severity
    from reconciler.notifying.composing import composed, content_of, own_templates
    from reconciler.render.safe_text import safe

    own = own_templates(settings.folder)
    messages, problems = [], {}
    for alert, kind, facts in drafts:
        name, subject, body = str(uuid.uuid4()), "", ""
        if facts:
            made = composed(kind, facts, name, own, safe)
            subject, body = made.subject, made.body
            if made.problem:
                problems[kind] = replace(made.problem, severity=Severity.WARNING)
        content = content_of(facts)
        messages.append(Message(name, alert.program, kind, alert.name, month, about, content, subject, body))
    show_findings(problems.values(), settings)
    return tuple(messages)


# -- sending


def send_waiting(settings: Settings) -> None:
    """Sends what is due. A message that cannot be sent is a warning, and fails nothing."""
    from reconciler.store.database import read_store
    from reconciler.store.errors import StoreError
    from reconciler.store.outbox import due

    try:
        store = read_store(settings.state_url)
        if store is None:
            return
        try:
            messages = due(store, datetime.now(UTC))
        finally:
            store.close()
        results = send(messages, settings) if messages else ()
    except StoreError as error:
        click.echo(f"warning: no message was sent: {error}", err=True)
        return
    for result in results:
        message = result.message
        step(
            "message",
            message_id=message.id,
            kind=message.kind.value,
            receiver=message.receiver,
            said=result.reason or "sent",
        )
        if result.reason:
            click.echo(f"warning: {told(result)}; the next command tries again: reconciler notify list", err=True)


def send(messages: "tuple[Waiting, ...]", settings: Settings) -> "tuple[Result, ...]":
    """Tries messages of the outbox once. Raises StoreError where what becomes of them cannot be kept."""
    from reconciler.config.alerts import address
    from reconciler.config.loading import load
    from reconciler.notifying.delivery import HOW_TO_INSTALL, MISSING, deliver, installed
    from reconciler.notifying.sending import send as tried
    from reconciler.store.database import open_store

    if not installed():
        click.echo(f"warning: {MISSING}; {len(messages)} wait: {HOW_TO_INSTALL}", err=True)
        return ()
    mappings = load(settings.file, os.environ).mappings
    if mappings is None:
        waiting = "1 message waits" if len(messages) == 1 else f"{len(messages)} messages wait"
        click.echo(f"warning: {waiting} until the mapping is mended", err=True)
        return ()
    alerts = [alert for program in mappings.programs.values() for alert in program.notify]
    store = open_store(settings.state_url, datetime.now(UTC))
    try:
        return tried(
            store, messages, alerts, lambda alert: address(alert, os.environ), deliver, lambda: datetime.now(UTC)
        )
    finally:
        store.close()


def told(result: "Result") -> str:
    """What became of a message, in a sentence without its end."""
    from reconciler.render.safe_text import safe

    message = result.message
    what = f"the message '{message.kind.value}' to {message.receiver} of program {message.program}"
    return safe(f"{what} was not sent: {result.reason}" if result.reason else f"{what} was sent")


def template_findings(settings: Settings) -> "tuple[Finding, ...]":
    """What is wrong with the partner's own templates."""
    from reconciler.notifying.composing import checked, own_templates
    from reconciler.notifying.samples import SAMPLES

    return checked(own_templates(settings.folder), SAMPLES)
