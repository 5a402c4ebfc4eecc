"""A past plan, computed again from what was kept: no file of today, no PSA, no credentials.

The mapping files and decisions are unpacked into a folder that lives as long as they are read; findings still name
them as they were named then. References to environment variables are filled from today's environment, for what they
stood for is kept nowhere: where that differs, so does the plan, and its digest tells.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from reconciler.config.decisions import load_decisions
from reconciler.config.loading import load
from reconciler.config.overriding import Setting
from reconciler.domain.decision import Decisions
from reconciler.domain.drift import AppliedRecord
from reconciler.domain.finding import Finding
from reconciler.domain.mapping import Mappings
from reconciler.domain.value_text import reader
from reconciler.planning.gathered import Background, Documents, Gathered, Request
from reconciler.planning.kept_observation import read_observation
from reconciler.planning.making import PlanningError, as_read, gather
from reconciler.sources.content import decode
from reconciler.sources.documents import documents_of, price_list_of
from reconciler.sources.file_parts import FilePart, read_content
from reconciler.sources.formats import AUTO
from reconciler.store.kept import Contents, KeptFile, KeptRun, Role


class CannotReplay(PlanningError):
    """What was kept does not give a plan. `findings` say why, where the kept files have mistakes."""

    def __init__(self, message: str, hint: str | None = None, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message, hint)
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Rules:
    """The mapping and the decisions of a run, and what is to be said of the settings that were tried on them."""

    mappings: Mappings
    decisions: Decisions
    findings: tuple[Finding, ...]


@dataclass(eq=False)
class Reader:
    """Reads what runs rested on; a file that several of them share is read once."""

    contents: Contents
    environ: Mapping[str, str]
    _parts: dict[tuple[KeptFile, str], FilePart] = field(default_factory=dict)
    _rules: dict[tuple[tuple[KeptFile, ...], tuple[Setting, ...]], Rules] = field(default_factory=dict)

    def request(self, run: int, members: Mapping[str, Any]) -> Request:
        """What a run was asked for, from what was kept of that. Raises CannotReplay."""
        try:
            request: Request = reader(Request, members["fields"])(members["request"])
        except (ValueError, TypeError, KeyError) as error:
            raise CannotReplay(f"what run {run} was asked for cannot be read by this version: {error}") from None
        return request

    def rules(self, kept: KeptRun, settings: tuple[Setting, ...] = ()) -> Rules:
        """The mapping and decisions of a run, with settings tried on it. Raises CannotReplay, StoreError."""
        files = tuple(file for file in kept.files if file.role in (Role.MAPPING, Role.DECISIONS))
        known = self._rules.get((files, settings))
        if known is None:
            known = self._rules[files, settings] = self._loaded(kept, files, settings)
        return known

    def _loaded(self, kept: KeptRun, files: tuple[KeptFile, ...], settings: tuple[Setting, ...]) -> Rules:
        shown = Path(kept.request["mapping_file"])
        with self._unpacked(files) as folder:
            main = folder / shown.name
            loaded = load(main, self.environ, shown_as=shown, settings=settings)
            if loaded.mappings is None:
                wrong = [finding for finding in loaded.findings if finding.blocks]
                what = "does not take what was set" if settings else "has errors today"
                hint = "set the environment variables that it names" if _names_variables(wrong) else None
                raise CannotReplay(f"the mapping of run {kept.run} {what}", hint, wrong)
            decided = load_decisions(main, loaded.mappings, self.environ, shown_as=shown)
        if decided.decisions is None:
            wrong = [finding for finding in decided.findings if finding.blocks]
            raise CannotReplay(f"the decisions of run {kept.run} have errors today", None, wrong)
        tried = tuple(finding for finding in loaded.findings if finding.code == "own-setting")
        return Rules(loaded.mappings, decided.decisions, tried)

    @contextmanager
    def _unpacked(self, files: Sequence[KeptFile]) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
            for file in files:
                name = PurePosixPath(file.name)
                if name.is_absolute() or ".." in name.parts:
                    raise CannotReplay(f"the kept file {file.name} leads out of its folder")
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.contents(file))
            yield Path(folder)

    def documents(self, kept: KeptRun, mappings: Mappings) -> dict[str, Documents]:
        """The documents of a run, by source. Raises StoreError."""
        return {name: self._source(kept, mappings, name) for name in sorted(_sources(mappings))}

    def _source(self, kept: KeptRun, mappings: Mappings, name: str) -> Documents:
        source, folder = mappings.sources[name], Path(mappings.folder)
        of_source = [file for file in kept.files if file.source == name]
        documents = [self._part(f, source.format) for f in of_source if f.role is Role.DOCUMENT]
        lists = [(f.name, self._part(replace(f, source=""), AUTO)) for f in of_source if f.role is Role.PRICE_LIST]
        reading = documents_of(documents, _missing(kept, Role.DOCUMENT, name), folder)
        return as_read(source, reading, *price_list_of(lists, _missing(kept, Role.PRICE_LIST, name), folder))

    def _part(self, file: KeptFile, forced: str) -> FilePart:
        part = self._parts.get((file, forced))
        if part is None:
            content = decode(self.contents(file), file.name)
            part = FilePart((content,)) if isinstance(content, Finding) else read_content(content, file.source, forced)
            self._parts[file, forced] = part
        return part

    def gathered(self, kept: KeptRun, applied: Mapping[str, AppliedRecord]) -> Gathered:
        """Everything that a run's plan rested on, as it was. `applied` is what the journal knew then.

        Raises CannotReplay, PlanningError, StoreError and UnreadableObservation.
        """
        rules = self.rules(kept)
        documents = self.documents(kept, rules.mappings)
        gathered = gather(rules.mappings, documents, self.request(kept.run, kept.request), kept.request["target"])
        background = Background(applied, rules.decisions)
        return replace(gathered, background=background, observation=read_observation(kept.observation))


def _sources(mappings: Mappings) -> set[str]:
    return {program.source for program in mappings.programs.values()}


def _missing(kept: KeptRun, role: Role, source: str) -> list[str]:
    return [file.name for file in kept.files if file.role is Role.MISSING and file.source == f"{role}/{source}"]


def _names_variables(findings: Sequence[Finding]) -> bool:
    return any(finding.code == "variable" for finding in findings)
