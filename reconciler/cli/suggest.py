"""`reconciler suggest`: what the mapping lacks, and which companies, agreements and products may be meant."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.context import Failure, Settings, show_findings
from reconciler.cli.loading import load_mappings, opened_target

if TYPE_CHECKING:
    from reconciler.config.stubs import Stub
    from reconciler.domain.directory import Proposal
    from reconciler.domain.mapping import Mappings
    from reconciler.planning.suggesting import CustomerNeed, MotionNeed, ProductNeed, Suggestions
    from reconciler.render.suggestions import Missing

# One request each: beyond these, a serial number is not looked for.
MOST_AGREEMENTS_READ = 200


@click.command(short_help="Which records of the PSA unmapped customers and SKUs may be.")
@click.option("--write", is_flag=True, help="Adds what is certain to the mapping, as entries with sync: preview.")
@click.option("--customer", "customers", multiple=True, metavar="NAME", help="Only this one: name, tenant or domain.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(settings: Settings, write: bool, customers: tuple[str, ...], form: str) -> None:
    """Matches customers and SKUs of the newest invoices that bill nowhere with the PSA's companies, agreements and
    products, each with a score from 0 to 1 and the reasons.

    Subscription ids that stand on additions already are the strongest hint, then websites and domains, then names.
    Reads the PSA, and writes nothing there. --write adds entries from a score of 0.90 on where nothing else comes near,
    behind those that stand; no entry that stands is changed.

    \b
    Example:
      reconciler suggest
      reconciler suggest --customer Contoso --write
    """
    mappings = load_mappings(settings)
    found = _found(mappings, settings, frozenset(customers))
    missing = [*map(_missing_customer, found.customers), *map(_missing_product, found.products)]
    _show(found, missing, form, settings)
    if write:
        _write(found, mappings, settings)
    elif certain := _counted(found):
        click.echo(f"{certain} can be written into the mapping: reconciler suggest --write", err=True)


def _found(mappings: "Mappings", settings: Settings, chosen: frozenset[str]) -> "Suggestions":
    """Reads documents and PSA. Raises Failure where that cannot be done."""
    from reconciler.cli.running import finished
    from reconciler.planning.gathered import Request
    from reconciler.planning.making import PlanningError, gather, month_of, one_target, read_sources
    from reconciler.planning.suggesting import Seen, agreements_to_read, suggestions
    from reconciler.targets.base import TargetError, directory
    from reconciler.targets.together import together

    async def read() -> "Suggestions":
        name = one_target(mappings)
        documents = read_sources(mappings)
        show_findings([f for each in documents.values() for f in each.findings if f.blocks], settings)
        request = Request(month_of(documents, None), frozenset(), "", __version__)
        gathered = gather(mappings, documents, request, name)
        async with opened_target(mappings.targets[name], settings) as target:
            listed = await directory(target)
            if listed is None:
                raise Failure(f"target {name} has no lists to choose from")
            seen = Seen(listed)
            numbers = agreements_to_read(gathered, seen, MOST_AGREEMENTS_READ)
            rows = await together(target.read_additions(number, None) for number in numbers)
        return suggestions(gathered, Seen(listed, dict(zip(numbers, rows, strict=True))), chosen)

    try:
        return finished(read())
    except (PlanningError, TargetError) as error:
        raise Failure(str(error), error.hint) from None


# -- showing


def _missing_customer(need: "CustomerNeed") -> "Missing":
    from reconciler.render.suggestions import Missing

    within = tuple(_missing_motion(part) for part in need.motions)
    if need.mapped is not None:
        detail = f"customer '{need.mapped}' of the mapping has no agreement for:"
        return Missing("motions", need.name, detail, need.amounts, (), None, within)
    detail = f"tenant {need.tenant}{f', {need.domain}' if need.domain else ''}"
    return Missing("company", need.name, detail, need.amounts, need.companies, need.certain, within)


def _missing_motion(need: "MotionNeed") -> "Missing":
    from reconciler.render.suggestions import Missing

    return Missing("agreement", need.motion.value, "", need.amounts, need.agreements, need.certain)


def _missing_product(need: "ProductNeed") -> "Missing":
    from reconciler.render.suggestions import Missing

    detail = f"{need.sku}: no product of the PSA has this Vendor SKU"
    return Missing("product", need.name, detail, need.amounts, need.products, need.certain)


def _show(found: "Suggestions", missing: "list[Missing]", form: str, settings: Settings) -> None:
    from reconciler.cli.show import page_width
    from reconciler.domain.canonical import readable
    from reconciler.render.suggestions import suggestion_json, suggestion_lines

    if form == "json":
        document = {"month": str(found.month), "missing": suggestion_json(missing), "agreements_unread": found.unread}
        click.echo(readable(document), nl=False)
        return
    if not missing:
        click.echo(f"Nothing is missing: every customer and SKU of {found.month} is mapped.")
    for line in suggestion_lines(missing, width=page_width(), colour=settings.colour(sys.stdout.isatty())):
        click.echo(line)
    if missing and found.unread:
        click.echo(f"{found.unread} agreements were not searched for subscription ids.", err=True)


def _counted(found: "Suggestions") -> str:
    from reconciler.render.wording import counted

    customers = sum(need.writable for need in found.customers)
    products = sum(need.certain is not None for need in found.products)
    parts = [(customers, "customer"), (products, "product")]
    return " and ".join(counted(number, noun) for number, noun in parts if number)


# -- writing


def _write(found: "Suggestions", mappings: "Mappings", settings: Settings) -> None:
    """Adds what is certain to the files. Raises Failure, with every file as it was, where that cannot be done."""
    stubs = {
        "customers": [_customer_stub(need, found, mappings) for need in found.customers if need.writable],
        "products": [_product_stub(need) for need in found.products if need.certain],
    }
    files = _files(settings)
    changed: dict[Path, str] = {}
    for section, entries in stubs.items():
        if entries:
            path = _home(section, files)
            text = _extended(changed.get(path, files[path]), section, entries, path)
            changed[path] = text
    if not changed:
        click.echo("nothing is certain enough to be written", err=True)
        return
    _replace(changed, files, settings)
    click.echo(f"wrote {_counted(found)} into {', '.join(map(str, changed))}", err=True)
    click.echo("next: look at them, reconciler plan, then set sync: true", err=True)


def _files(settings: Settings) -> dict[Path, str]:
    """The texts of the mapping file and of all that it includes, the mapping file first."""
    from reconciler.config.files import read_repository
    from reconciler.config.yaml_nodes import Bounds

    contents = read_repository(settings.file, Bounds()).contents
    return {settings.folder / name: text for name, text in contents.items()}


def _home(section: str, files: dict[Path, str]) -> Path:
    """The file that holds a section: the last one that has it, else the mapping file."""
    from reconciler.config.source_text import SourceText
    from reconciler.config.yaml_nodes import Bounds, Mapping, read_nodes

    home = next(iter(files))
    for path, text in files.items():
        root = read_nodes(SourceText(path.name, text), Bounds()).root
        if isinstance(root, Mapping) and root.get(section) is not None:
            home = path
    return home


def _extended(text: str, section: str, entries: "list[Stub]", path: Path) -> str:
    from reconciler.config.stubs import NoPlace, with_entries

    try:
        return with_entries(text, section, entries)
    except NoPlace as reason:
        raise Failure(f"nothing was written: {path}: {reason}", "write the entries by hand, or tidy the file") from None


def _replace(changed: dict[Path, str], before: dict[Path, str], settings: Settings) -> None:
    """Writes the files, each in one step; puts all of them back where the mapping is not valid with them."""
    import os

    from reconciler.cli.files import replace_text
    from reconciler.config.loading import load

    try:
        for path, text in changed.items():
            replace_text(path, text)
        loaded = load(settings.file, os.environ)
    except OSError as error:
        _put_back(changed, before)
        raise Failure(f"nothing was written: {error}") from None
    if loaded.mappings is None:
        _put_back(changed, before)
        show_findings(loaded.findings, settings)
        raise Failure("nothing was written: the mapping would not be valid with the new entries")


def _put_back(changed: dict[Path, str], before: dict[Path, str]) -> None:
    from reconciler.cli.files import replace_text

    for path in changed:
        replace_text(path, before[path])


def _customer_stub(need: "CustomerNeed", found: "Suggestions", mappings: "Mappings") -> "Stub":
    from reconciler.config.stubs import Stub
    from reconciler.render.safe_text import safe

    company = need.certain
    assert company is not None  # noqa: S101 -- only what is writable gets here
    members: dict[str, object] = {"name": _free_name(need, mappings)}
    if len(mappings.programs) > 1:
        members["program"] = need.program
    members |= {"tenant": need.tenant, "company": company.word or {"id": company.id}}
    certain = {part.motion.value: part.certain for part in need.motions if part.certain}
    members["agreements"] = {motion: one.word or {"id": one.id} for motion, one in certain.items()}
    members |= {"start": str(found.month), "sync": "preview"}
    open_motions = [part for part in need.motions if not part.certain]
    return Stub(
        tuple(map(safe, _why("company", company))),
        members,
        {f"agreements.{motion}": safe(f"{one.score:.2f}: {one.hints[0].reason}") for motion, one in certain.items()},
        tuple(safe(line) for part in open_motions for line in _choices(part)),
    )


def _free_name(need: "CustomerNeed", mappings: "Mappings") -> str:
    """The source's name for a customer, with the tenant where the mapping has another customer of that name."""
    taken = {customer.name.casefold() for customer in mappings.customers}
    return need.name if need.name.casefold() not in taken else f"{need.name} ({need.tenant[:8]})"


def _product_stub(need: "ProductNeed") -> "Stub":
    from reconciler.config.stubs import Stub
    from reconciler.render.safe_text import safe

    assert need.certain is not None  # noqa: S101 -- only what is certain gets here
    named = f"{need.name}:" if need.name else ""
    why = [line for line in (named, *_why("product", need.certain)) if line]
    return Stub(tuple(map(safe, why)), {"sku": need.sku, "product": need.certain.word or ""})


def _why(kind: str, proposal: "Proposal") -> Iterator[str]:
    yield f"suggested, {kind} {proposal.score:.2f}: {proposal.hints[0].reason}"
    for hint in proposal.hints[1:]:
        yield f"  {hint.score:.2f}: {hint.reason}"


def _choices(need: "MotionNeed") -> Iterator[str]:
    if not need.agreements:
        yield f"{need.motion.value}: no agreement of the company can bill it"
        return
    yield f"{need.motion.value}: choose one under agreements:"
    for one in need.agreements:
        yield f"  {one.label} ({one.score:.2f}: {one.hints[0].reason})"
