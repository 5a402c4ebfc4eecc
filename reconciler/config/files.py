"""Reads a mapping file and what it includes, and puts their parts together."""

import glob
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from reconciler.config.model_findings import did_you_mean, shown
from reconciler.config.models import Declaration
from reconciler.config.source_text import SourceText
from reconciler.config.yaml_nodes import Bounds, Mapping, Node, Scalar, Sequence, position, read_nodes
from reconciler.domain.finding import Finding, Place, Severity

NAMED_SECTIONS = ("sources", "targets", "programs")
LISTED_SECTIONS = ("customers", "products", "prices")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(eq=False)
class Repository:
    """All files of a declaration, put together: named parts by name, lists one behind the other (the including file's
    first, then the included files' in order of their names).
    """

    files: list[SourceText] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    named: dict[str, dict[str, tuple[Scalar, Node]]] = field(
        default_factory=lambda: {section: {} for section in NAMED_SECTIONS}
    )
    listed: dict[str, list[Node]] = field(default_factory=lambda: {section: [] for section in LISTED_SECTIONS})
    root: Node | None = None
    doubles: list[tuple[Scalar, Scalar]] = field(default_factory=list)
    contents: dict[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """`sha256:` and the hash of all files' names within the folder and texts, in order of their names: the same for
        the same content wherever the folder lies, whatever its line ends.
        """
        content = hashlib.sha256()
        for name in sorted(self.contents):
            body = "\n".join(self.contents[name].splitlines()).encode()
            content.update(f"{name}\0{len(body)}\0".encode() + body)
        return f"sha256:{content.hexdigest()}"


def read_repository(path: Path, bounds: Bounds, shown_as: Path | None = None) -> Repository:
    """Reads the file at `path` and, file by file, all that it includes. What cannot be read is a finding, which names
    the file as `shown_as` does (none: as `path`).
    """
    reader = _Reader(path, shown_as or path, bounds)
    reader.read(PurePosixPath(path.name), (), None)
    return reader.repository


def decoded(shown_as: str, content: bytes) -> SourceText | Finding:
    """A file's bytes as text, or what is wrong with them."""
    content = content.removeprefix(_BYTE_ORDER_MARK)
    try:
        return SourceText(shown_as, content.decode("utf-8"))
    except UnicodeDecodeError as error:
        readable = content[: error.start].decode("utf-8")
        line, column = position(readable, len(readable))
        return Finding(
            Severity.ERROR,
            "encoding",
            f"byte {error.start + 1} (0x{content[error.start]:02X}) is not UTF-8",
            where=Place(shown_as, line, column),
            hint="save the file as UTF-8",
        )


@dataclass(eq=False)
class _Reader:
    main: Path
    shown: Path
    bounds: Bounds
    repository: Repository = field(default_factory=Repository)
    taken: int = 0

    def read(self, name: PurePosixPath, chain: tuple[PurePosixPath, ...], included: Scalar | None) -> None:
        """Reads one file (named from the main file's folder) and then what it includes."""
        source = self._source(name, included)
        if source is None:
            return
        self.repository.files.append(source)
        self.repository.contents[str(name)] = source.text
        document = read_nodes(source, self.bounds)
        self.repository.findings.extend(document.findings)
        self.repository.doubles.extend(document.doubles)
        if isinstance(document.root, Mapping):
            self._take(document.root, is_main=not chain)
            self._includes(document.root, name, (*chain, name))
        elif not document.findings:
            self.repository.findings.append(_no_mapping(source, document.root))

    # -- one file

    def _source(self, name: PurePosixPath, included: Scalar | None) -> SourceText | None:
        path = self.main.parent / name
        # As the user typed it: the main file's own words, and for the others its folder's.
        shown_as = str(self.shown) if included is None else (self.shown.parent / name).as_posix()
        try:
            with path.open("rb") as stream:
                content = stream.read(self.bounds.bytes - self.taken + 1)
        except OSError as error:
            self._unread(shown_as, included, error)
            return None
        self.taken += len(content)
        if self.taken > self.bounds.bytes:
            self._add(
                Finding(
                    Severity.ERROR,
                    "size",
                    f"the mapping files are larger than {self.bounds.bytes // (1024 * 1024)} MB together",
                    where=Place(shown_as),
                    hint="mapping files hold customers and products; invoices and price lists are files of their own",
                )
            )
            return None
        source = decoded(shown_as, content)
        if isinstance(source, Finding):
            self._add(source)
            return None
        return source

    def _unread(self, shown_as: str, included: Scalar | None, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            message = f"there is no file {shown_as}"
        elif isinstance(error, IsADirectoryError):
            message = f"{shown_as} is a folder, not a file"
        else:
            message = f"{shown_as} cannot be read: {(error.strerror or 'unknown error').lower()}"
        place = Place(included.source.name, included.line, included.column) if included else Place(shown_as)
        hint = None if included else "name it with -f FILE, or begin with: reconciler init"
        self._add(Finding(Severity.ERROR, "file", message, where=place, hint=hint))

    # -- its parts

    def _take(self, document: Mapping, *, is_main: bool) -> None:
        for name, (key, value) in document.members.items():
            empty = isinstance(value, Scalar) and value.text is None
            if name in NAMED_SECTIONS:
                self._take_named(name, value, empty=empty)
            elif name in LISTED_SECTIONS:
                self._take_listed(name, value, empty=empty)
            elif name == "version":
                self._check_version(value)
            elif name != "include":
                self._problem(
                    key,
                    "unknown-key",
                    f"'{name[:60]}' is not a key of the mapping file",
                    did_you_mean(name, Declaration.key_names()),
                )
        if is_main:
            self.repository.root = document
            if "version" not in document.members:
                self._problem(document, "missing-key", "the mapping file has no 'version'", "begin it with: version: 1")

    def _take_named(self, section: str, value: Node, *, empty: bool) -> None:
        if not isinstance(value, Mapping):
            if not empty:
                self._problem(value, "type", f"'{section}' expects a mapping of names, not {shown(value)}")
            return
        taken = self.repository.named[section]
        for name, (key, node) in value.members.items():
            if name in taken:
                self.repository.doubles.append((taken[name][0], key))
            else:
                taken[name] = key, node

    def _take_listed(self, section: str, value: Node, *, empty: bool) -> None:
        if isinstance(value, Sequence):
            self.repository.listed[section].extend(value.items)
        elif not empty:
            self._problem(
                value, "type", f"'{section}' expects a list, not {shown(value)}", "begin each entry with '- '"
            )

    def _check_version(self, value: Node) -> None:
        if not (isinstance(value, Scalar) and value.text == "1"):
            self._problem(
                value, "version", f"'version' expects 1, not {shown(value)}", "this version of the tool reads version 1"
            )

    # -- what it includes

    def _includes(self, document: Mapping, name: PurePosixPath, chain: tuple[PurePosixPath, ...]) -> None:
        value = document.get("include")
        if value is None or (isinstance(value, Scalar) and value.text is None):
            return
        for pattern in value.items if isinstance(value, Sequence) else [value]:
            if not isinstance(pattern, Scalar) or not pattern.text:
                self._problem(
                    pattern, "type", f"'include' expects paths, not {shown(pattern)}", "for example: [mappings/*.yaml]"
                )
            elif self._stays_inside(pattern, pattern.text):
                self._include(pattern, pattern.text, name.parent, chain)

    def _stays_inside(self, pattern: Scalar, text: str) -> bool:
        path = PurePosixPath(text.replace("\\", "/"))
        outside = path.is_absolute() or ".." in path.parts or ":" in path.parts[0]
        if outside:
            self._problem(
                pattern,
                "include",
                f"'include' leads out of the folder: {shown(pattern)}",
                "include files from this folder and those below it, by relative paths",
            )
        return not outside

    def _include(self, pattern: Scalar, text: str, folder: PurePosixPath, chain: tuple[PurePosixPath, ...]) -> None:
        found = sorted(self._matches(text, folder))
        if not found:
            wild = glob.has_magic(text)
            message = f"no file matches {shown(pattern)}" if wild else f"there is no file {shown(pattern)}"
            self._problem(
                pattern,
                "include",
                message,
                "paths are relative to the file that includes them",
                Severity.WARNING if wild else Severity.ERROR,
            )
        for path in found:
            if path in chain:
                self._problem(
                    pattern,
                    "include-cycle",
                    f"{path} includes itself by way of {' and '.join(map(str, chain[chain.index(path) :]))}",
                    "take the file out of one of the two, or name the files more narrowly",
                )
            elif str(path) in self.repository.contents:
                continue
            elif len(self.repository.files) >= self.bounds.files:
                self._problem(pattern, "size", f"more than {self.bounds.files:,} files are included")
                return
            elif self._is_inside(path, pattern):
                self.read(path, chain, pattern)

    def _matches(self, text: str, folder: PurePosixPath) -> Iterator[PurePosixPath]:
        base = self.main.parent / folder
        for match in glob.iglob(text, root_dir=base, recursive=True):  # noqa: PTH207 -- Path.glob raises on odd patterns
            if (base / match).is_file():
                yield folder / PurePosixPath(Path(match).as_posix())

    def _is_inside(self, path: PurePosixPath, pattern: Scalar) -> bool:
        root = self.main.parent.resolve()
        inside = (self.main.parent / path).resolve().is_relative_to(root)
        if not inside:
            self._problem(
                pattern, "include", f"{path} is a link that leads out of the folder", "put the file itself here"
            )
        return inside

    # -- findings

    def _problem(
        self, node: Node, code: str, message: str, hint: str | None = None, severity: Severity = Severity.ERROR
    ) -> None:
        self._add(node.source.problem(code, message, node.line, node.column, hint, severity))

    def _add(self, finding: Finding) -> None:
        self.repository.findings.append(finding)


def _no_mapping(source: SourceText, document: Node | None) -> Finding:
    if document is None or (isinstance(document, Scalar) and document.text is None):
        return Finding(
            Severity.ERROR, "empty", "the file is empty", where=Place(source.name), hint="begin with: reconciler init"
        )
    return source.problem(
        "type",
        f"the file expects keys such as 'customers:', not {shown(document)}",
        document.line,
        document.column,
        "begin it with: version: 1",
    )
