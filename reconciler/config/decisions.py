"""Loads the files in `decisions/` beside the mapping file: reviewed decisions in, values and findings out.

They are read as the mapping files are, every value with its place. A decision whose form is wrong is an error. One that
names a customer or an agreement that the mapping does not have is a warning and is left out, for files of past months
stay where they are.
"""

import hashlib
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Environment
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from reconciler.config import decisions_model as models
from reconciler.config.customer_model import Reference
from reconciler.config.environment import Plain
from reconciler.config.files import decoded
from reconciler.config.loading import with_excerpts
from reconciler.config.model_findings import did_you_mean, model_findings, shown
from reconciler.config.part import Part
from reconciler.config.source_text import SourceText
from reconciler.config.yaml_nodes import Bounds, Mapping, Node, Scalar, Sequence, read_nodes
from reconciler.domain.decision import (
    NO_DECISIONS,
    AcceptedCredit,
    Decisions,
    FieldValue,
    Override,
    PassOn,
    RecordField,
    ReviewedVerdict,
)
from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.mapping import Customer, Mappings
from reconciler.domain.records import AgreementRef

FOLDER = "decisions"
M = TypeVar("M", bound=Part)
_SECTIONS: dict[str, type[Part]] = {
    "overrides": models.Override,
    "credits": models.Credit,
    "verdicts": models.ReviewedVerdict,
}


@dataclass(frozen=True, slots=True)
class LoadedDecisions:
    """What was loaded; `decisions` is None where any finding is an error. `files` are those read, by their names."""

    decisions: Decisions | None
    findings: tuple[Finding, ...]
    files: tuple[str, ...]


def load_decisions(
    mapping_file: Path,
    mappings: Mappings,
    environ: Environment[str, str],
    bounds: Bounds | None = None,
    *,
    shown_as: Path | None = None,
) -> LoadedDecisions:
    """Reads `decisions/*.yaml` beside the mapping file, in the order of their names. No folder: no decisions.

    Places name the files as the mapping file is named, or as `shown_as`, where these are copies.
    """
    folder = (shown_as or mapping_file).parent / FOLDER
    paths = decision_files(mapping_file)
    if not paths:
        return LoadedDecisions(NO_DECISIONS, (), ())
    reading = _Reading(mappings, Plain(environ), bounds or Bounds(), folder)
    for path in paths:
        reading.read(path)
    reading.doubles()
    findings = with_excerpts([*reading.plain.findings, *reading.findings], reading.sources)
    decisions = None
    if not any(finding.blocks for finding in findings):
        decisions = Decisions(
            tuple(reading.overrides), tuple(reading.credits), tuple(reading.verdicts), _sha256(reading.sources, folder)
        )
    return LoadedDecisions(decisions, findings, tuple(source.name for source in reading.sources))


def decision_files(mapping_file: Path) -> list[Path]:
    """The files of decisions beside a mapping file, in the order of their names."""
    folder = mapping_file.parent / FOLDER
    return sorted(path for path in folder.glob("*") if path.suffix in (".yaml", ".yml") and path.is_file())


@dataclass(eq=False)
class _Reading:
    mappings: Mappings
    plain: Plain
    bounds: Bounds
    folder: Path
    findings: list[Finding] = field(default_factory=list)
    sources: list[SourceText] = field(default_factory=list)
    overrides: list[Override] = field(default_factory=list)
    credits: list[AcceptedCredit] = field(default_factory=list)
    verdicts: list[ReviewedVerdict] = field(default_factory=list)
    taken: int = 0

    # -- files

    def read(self, path: Path) -> None:
        source = self._source(path)
        if source is None:
            return
        self.sources.append(source)
        document = read_nodes(source, self.bounds)
        self.findings += document.findings
        for first, second in document.doubles:
            message = f"{shown(second)} stands here a second time; the first is in line {first.line}"
            self._problem(second, "duplicate-key", message, "keep one of the two")
        if isinstance(document.root, Mapping):
            self._take(document.root)
        elif document.root is not None and not _is_empty(document.root):
            self._problem(
                document.root, "type", f"the file expects keys such as 'overrides:', not {shown(document.root)}"
            )

    def _source(self, path: Path) -> SourceText | None:
        name = (self.folder / path.name).as_posix()
        if not path.resolve().is_relative_to(path.parent.parent.resolve()):
            message = "the file is a link that leads out of the folder"
            self.findings.append(Finding(Severity.ERROR, "include", message, where=Place(name)))
            return None
        try:
            with path.open("rb") as stream:
                content = stream.read(self.bounds.bytes - self.taken + 1)
        except OSError as error:
            message = f"{name} cannot be read: {(error.strerror or 'unknown error').lower()}"
            self.findings.append(Finding(Severity.ERROR, "file", message, where=Place(name)))
            return None
        self.taken += len(content)
        if self.taken > self.bounds.bytes:
            message = f"the decisions are larger than {self.bounds.bytes // (1024 * 1024)} MB together"
            self.findings.append(Finding(Severity.ERROR, "size", message, where=Place(name)))
            return None
        source = decoded(name, content)
        if isinstance(source, Finding):
            self.findings.append(source)
            return None
        return source

    def _take(self, document: Mapping) -> None:
        version = document.get("version")
        if version is None:
            self._problem(document, "missing-key", "the file has no 'version'", "begin it with: version: 1")
        elif not (isinstance(version, Scalar) and version.text == "1"):
            self._problem(version, "version", f"'version' expects 1, not {shown(version)}", None)
        for name, (key, value) in document.members.items():
            if name in _SECTIONS:
                self._section(name, value)
            elif name != "version":
                hint = did_you_mean(name, models.DecisionFile.key_names())
                self._problem(key, "unknown-key", f"'{name[:60]}' is not a key of a decisions file", hint)

    def _section(self, name: str, value: Node) -> None:
        if _is_empty(value):
            return
        if not isinstance(value, Sequence):
            self._problem(value, "type", f"'{name}' expects a list, not {shown(value)}", "begin each entry with '- '")
            return
        for number, node in enumerate(value.items, 1):
            noun = f"{name.removesuffix('s')} {number}"
            made = self._made(_SECTIONS[name], node, noun)
            if isinstance(made, models.Override):
                self._override(made, node, noun)
            elif isinstance(made, models.Credit):
                self._credit(made, node, noun)
            elif isinstance(made, models.ReviewedVerdict):
                self._verdict(made, node, noun)

    def _made(self, model: type[M], node: Node, noun: str) -> M | None:
        try:
            return model.model_validate(self.plain.value(node))
        except ValidationError as error:
            self.findings += model_findings(error, model, node, noun)
            return None

    # -- entries

    def _override(self, value: models.Override, node: Node, noun: str) -> None:
        keep = _keep(value.keep)
        gone = bool(value.keep.gone)
        wrong = _override_wrong(value, keep, gone=gone)
        if wrong:
            self._problem(node, "missing-key", f"{noun} {wrong[0]}", wrong[1])
            return
        if value.customer is not None and self._customer(value.customer, node, noun) is None:
            return
        self.overrides.append(
            Override(
                keep,
                gone,
                value.reason,
                value.by,
                value.until,
                _place(node),
                value.record,
                value.customer,
                value.subscription,
                value.effective,
            )
        )

    def _credit(self, value: models.Credit, node: Node, noun: str) -> None:
        if wrong := _credit_wrong(value):
            self._problem(node, wrong[0], f"{noun} {wrong[1]}", wrong[2])
            return
        agreement = self._agreement(value.customer, value.agreement, node, noun)
        if agreement:
            price = value.price
            passed = PassOn(price.basis, price.amount, price.percent, price.text) if price else None
            about = (value.invoice, value.line, value.customer, agreement, value.reason, value.by, _place(node))
            self.credits.append(AcceptedCredit(*about, value.amount, passed))

    def _verdict(self, value: models.ReviewedVerdict, node: Node, noun: str) -> None:
        agreement = self._agreement(value.customer, value.agreement, node, noun)
        if agreement:
            self.verdicts.append(
                ReviewedVerdict(
                    value.month, value.customer, agreement, value.verdict, value.reason, value.by, _place(node)
                )
            )

    def _customer(self, name: str, node: Node, noun: str) -> Customer | None:
        known = {customer.name: customer for customer in self.mappings.customers}
        if name not in known:
            self._unknown(
                node, "customer", f"{noun} names the customer '{name}', which the mapping does not have", known
            )
        return known.get(name)

    def _agreement(self, name: str, meant: Reference, node: Node, noun: str) -> AgreementRef | None:
        customer = self._customer(name, node, noun)
        if customer is None:
            return None
        for ref in customer.agreements.values():
            if (meant.id and ref.id == meant.id) or (meant.name and ref.name == meant.name):
                return ref
        names = [ref.name or f"{{id: {ref.id}}}" for ref in customer.agreements.values()]
        text = meant.name or meant.id
        self._unknown(node, "agreement", f"{noun} names the agreement '{text}', on which {name} does not bill", names)
        return None

    def doubles(self) -> None:
        """Two overrides of one record that end with the same month contradict each other, and so do two decisions on
        one line, and two verdicts on one month of an agreement.
        """
        self._credits_twice()
        self._verdicts_twice()
        first: dict[object, Override] = {}
        for override in self.overrides:
            name = (override.record, override.subscription, override.effective, override.until)
            other = first.setdefault(name, override)
            if other is not override:
                message = f"a second override of {override} until {override.until}; the first is at {other.place}"
                self.findings.append(Finding(Severity.ERROR, "duplicate", message, where=override.place))

    def _credits_twice(self) -> None:
        first: dict[object, AcceptedCredit] = {}
        for credit in self.credits:
            other = first.setdefault((credit.invoice, credit.line, credit.customer), credit)
            if other is not credit:
                message = (
                    f"line {credit.line} of {credit.invoice} is decided a second time; the first is at {other.place}"
                )
                self.findings.append(Finding(Severity.ERROR, "duplicate", message, where=credit.place))

    def _verdicts_twice(self) -> None:
        first: dict[object, ReviewedVerdict] = {}
        for verdict in self.verdicts:
            other = first.setdefault((verdict.month, verdict.customer, verdict.agreement), verdict)
            if other is not verdict:
                message = (
                    f"a second verdict on {verdict.agreement} of {verdict.customer} in {verdict.month}; "
                    f"the first is at {other.place}"
                )
                self.findings.append(Finding(Severity.ERROR, "duplicate", message, where=verdict.place))

    # -- findings

    def _unknown(self, node: Node, key: str, message: str, known: Iterable[str]) -> None:
        at = (node.get(key) if isinstance(node, Mapping) else None) or node
        hint = did_you_mean(message.split("'")[1], tuple(known))
        self._problem(at, "dangling-reference", f"{message}; it is left out", hint, Severity.WARNING)

    def _problem(
        self, node: Node, code: str, message: str, hint: str | None = None, severity: Severity = Severity.ERROR
    ) -> None:
        self.findings.append(node.source.problem(code, message, node.line, node.column, hint, severity))


def _override_wrong(
    value: models.Override, keep: Environment[RecordField, FieldValue], *, gone: bool
) -> tuple[str, str] | None:
    """What no single key can tell of an override, and what to do about it."""
    by_name = (value.subscription, value.effective)
    if value.record is not None and any(by_name):
        return "names its record twice", "give either 'record', or 'customer', 'subscription' and 'effective'"
    if value.record is None and not (value.customer and all(by_name)):
        return "does not say which record", "give 'record', or all of 'customer', 'subscription' and 'effective'"
    if not keep and not gone:
        return "keeps nothing", "for example: keep: {quantity: 8}"
    if keep and gone:
        return "keeps values of a record that is gone", "write keep: {gone: true} alone, or leave gone out"
    if gone and value.record is not None:
        return (
            "names a record that is gone by its number",
            "name it by 'customer', 'subscription' and 'effective': its number is gone with it",
        )
    return None


def _credit_wrong(value: models.Credit) -> tuple[str, str, str] | None:
    """What no single key can tell of a credit: the code, what is wrong, and what to do about it."""
    if value.amount is not None and value.price is not None:
        return "missing-key", "has both 'amount' and 'price'", "give one of the two, or neither"
    if value.price is not None and value.price.basis == "psa":
        return "type", "leaves its price to the PSA, which has none for it", "write cost, retail or fixed 180.00"
    return None


def _keep(keep: models.Keep) -> dict[RecordField, FieldValue]:
    """The fields that are kept; `cancelled` may be kept open, which is no value."""
    members: Iterator[tuple[str, FieldValue]] = ((name, getattr(keep, name)) for name in keep.model_fields_set)
    kept = {RecordField(name): value for name, value in members if name != "gone"}
    return {field_: kept[field_] for field_ in RecordField if field_ in kept}


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text is None


def _place(node: Node) -> Place:
    return Place(node.source.name, node.line, node.column)


def _sha256(sources: Iterable[SourceText], folder: Path) -> str:
    """The hash of the files' names within the folder and texts, whatever their line ends."""
    content = hashlib.sha256()
    for source in sources:
        name = Path(source.name).relative_to(folder).as_posix()
        body = "\n".join(source.text.splitlines()).encode()
        content.update(f"{name}\0{len(body)}\0".encode() + body)
    return f"sha256:{content.hexdigest()}"
