"""Settings that go before what the files say, for a trial: `changes.decrease=none`, and what else rules are made of.

A setting is put into the entries as if it stood in the file, so that the same models judge it and the same findings say
what is wrong with it. Where a customer has a setting of its own, that one goes before its program's, as in the file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.config.files import Repository
from reconciler.config.model_findings import did_you_mean
from reconciler.config.source_text import SourceText
from reconciler.config.yaml_nodes import Mapping, Node, Scalar
from reconciler.domain.finding import Finding, Place, Severity

_PROGRAM_PARTS = ("changes", "guards")
_PRICE_PARTS = ("price", "from", "to")
FORMS = (
    "changes.KEY and guards.KEY (of all programs), programs.NAME.changes.KEY, programs.NAME.guards.KEY, "
    "customers.NAME.changes.KEY, prices.NAME.price, prices.NAME.from, prices.NAME.to"
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: the path of the key, and its value as the file would have it."""

    path: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Setting":
        """The setting written `changes.decrease=none`. Raises ValueError for anything else."""
        path, sign, value = text.partition("=")
        if not sign or not path.strip():
            raise ValueError(f"'{text}' is not a setting; write it as changes.decrease=none")
        return cls(path.strip(), value.strip())

    def __str__(self) -> str:
        return f"{self.path}={self.value}"


def set_over(repository: Repository, settings: Iterable[Setting]) -> list[Finding]:
    """Puts settings into the entries of a repository; a finding for each whose path leads nowhere."""
    return [finding for setting in settings for finding in _set(repository, setting)]


def _set(repository: Repository, setting: Setting) -> Iterator[Finding]:
    section, _, rest = setting.path.partition(".")
    if section in _PROGRAM_PARTS:
        for _, program in repository.named["programs"].values():
            _put(program, (section, rest), setting)
        yield from _own(repository, section, rest, setting)
        return
    entries = _entries(repository, section)
    if entries is None:
        known = (*_PROGRAM_PARTS, "programs", "customers", "prices")
        yield _unknown(setting, f"'{section}' is nothing that can be set", did_you_mean(section, known))
        return
    name = max((name for name in entries if rest.startswith(f"{name}.")), key=len, default=None)
    if name is None:
        meant = rest.split(".")[0]
        yield _unknown(setting, f"there is no '{meant}' under '{section}'", did_you_mean(meant, tuple(entries)))
        return
    keys = tuple(rest[len(name) + 1 :].split("."))
    allowed = {"programs": _PROGRAM_PARTS, "customers": ("changes",), "prices": _PRICE_PARTS}[section]
    deep = 1 if section == "prices" else 2
    if keys[0] not in allowed or len(keys) != deep:
        hint = did_you_mean(keys[0], allowed) if keys[0] not in allowed else f"what can be set: {FORMS}"
        yield _unknown(setting, f"'{'.'.join(keys)}' is nothing that can be set of {name}", hint)
        return
    for node in entries[name]:
        _put(node, keys, setting)


def _entries(repository: Repository, section: str) -> dict[str, list[Node]] | None:
    if section == "programs":
        return {name: [node] for name, (_, node) in repository.named["programs"].items()}
    if section not in ("customers", "prices"):
        return None
    found: dict[str, list[Node]] = {}
    for node in repository.listed[section]:
        name = node.get("name") if isinstance(node, Mapping) else None
        if isinstance(name, Scalar) and name.text:
            found.setdefault(name.text, []).append(node)
    return found


def _put(node: Node, keys: tuple[str, ...], setting: Setting) -> None:
    if not isinstance(node, Mapping):
        return
    source = SourceText(f"--set {setting}", str(setting))
    *outer, last = keys
    for key in outer:
        inner = node.get(key)
        if not isinstance(inner, Mapping):
            inner = Mapping(source, 1, 1, 1)
            node.members[key] = _scalar(source, key), inner
        node = inner
    node.members[last] = _scalar(source, last), _scalar(source, setting.value or None)


def _scalar(source: SourceText, text: str | None) -> Scalar:
    return Scalar(source, 1, 1, 1, text)


def _own(repository: Repository, section: str, key: str, setting: Setting) -> Iterator[Finding]:
    """What is to be said of customers whose own setting goes before the program's."""
    parts = [node.get(section) for node in repository.listed["customers"] if isinstance(node, Mapping)]
    own = sum(isinstance(part, Mapping) and key in part.members for part in parts)
    if own:
        yield Finding(
            Severity.WARNING,
            "own-setting",
            f"{own} customer{'s have' if own > 1 else ' has'} a '{section}.{key}' of {'their' if own > 1 else 'its'} "
            "own, which goes before the program's",
            where=Place(f"--set {setting}"),
            hint=f"set it too: customers.NAME.{section}.{key}",
        )


def _unknown(setting: Setting, message: str, hint: str | None) -> Finding:
    hint = hint or f"what can be set: {FORMS}"
    return Finding(Severity.ERROR, "unknown-setting", message, where=Place(f"--set {setting}"), hint=hint)
