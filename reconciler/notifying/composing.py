"""Facts into subject and body, by a template: the one that comes with the program, or the partner's own of its name.

A template is text with values filled in, and no program: it runs in a sandbox without functions of its own, without
other files, with a few filters, and sees plain values that were made harmless before. It can name neither a secret nor
a file. One that fails is told, and the message is composed by the one that comes with the program: a typing error in a
template must not keep anybody from hearing of an error in the billing.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reconciler.domain.alert import Kind
from reconciler.domain.canonical import canonical
from reconciler.domain.finding import Finding, Place, Severity
from reconciler.notifying.facts import Facts

FOLDER = Path("templates") / "notify"
"""Where the partner's own templates lie, beside the mapping file."""

SUFFIX = ".txt.j2"
_LARGEST_TEMPLATE = 64 * 1024
_LONGEST_BODY = 20_000
_LONGEST_SUBJECT = 150
_SUBJECT = "Subject: "
# No filter that makes much text of little, or calls an attribute of its argument.
_FILTERS = frozenset(
    {"capitalize", "count", "default", "first", "join", "last", "length", "list", "lower", "replace"}
    | {"reverse", "round", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper", "wordwrap"}
)
# What chat services read as a call to everybody.
_CALLS = re.compile(r"@(?=(?:everyone|here|channel|all)\b)|<(?=[!@#])")

Clean = Callable[[str], str]


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Numbers alone may be multiplied: a text times a number, or a width in a format, fills the memory."""
        numbers = isinstance(left, int) and isinstance(right, int)
        if operator == "**" or not numbers:
            raise SecurityError(f"'{operator}' is for two whole numbers, and ** is not there")
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> None:
        """Leaves formats to `is_safe_attribute`, which refuses them: a width in one fills the memory too."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        # Methods of text and lists are not needed: there are filters.
        return super().is_safe_attribute(obj, attr, value) and not (isinstance(obj, str) and callable(value))


def _environment() -> _Sandbox:
    made = _Sandbox(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in _FILTERS}
    return made


@dataclass(frozen=True, slots=True)
class Composed:
    """A message's two parts; `problem` is what was wrong with the partner's own template."""

    subject: str
    body: str
    problem: Finding | None = None


@dataclass(frozen=True, slots=True)
class OwnTemplates:
    """The partner's own templates: the file and its text, by kind; and what is wrong with the folder."""

    texts: Mapping[Kind, tuple[str, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def content_of(facts: Facts) -> str:
    """The hash of facts: that of a message which tells the same is the same."""
    return f"sha256:{sha256(canonical(facts).encode()).hexdigest()}"


def composed(kind: Kind, facts: Facts, message_id: str, own: OwnTemplates, clean: Clean) -> Composed:
    """Subject and body. `clean` makes text from elsewhere harmless; the message's id ends the body."""
    values = _cleaned(facts, clean)
    problem = None
    if kind in own.texts:
        name, text = own.texts[kind]
        found = _rendered(text, name, values)
        if not isinstance(found, Finding):
            return _whole(*found, message_id, clean)
        problem = found
    shipped = _rendered(_shipped(kind), f"{kind.value}{SUFFIX}", values)
    if isinstance(shipped, Finding):
        raise ValueError(str(shipped))
    made = _whole(*shipped, message_id, clean)
    return Composed(made.subject, made.body, problem)


def own_templates(folder: Path) -> OwnTemplates:
    """The templates beside a mapping file; `folder` is where that lies. A file of another name is a warning."""
    texts: dict[Kind, tuple[str, str]] = {}
    findings = []
    where = folder / FOLDER
    if not where.is_dir():
        return OwnTemplates()
    for path in sorted(where.iterdir()):
        name = str(path)
        if path.name.removesuffix(SUFFIX) not in _NAMES or not path.name.endswith(SUFFIX):
            findings.append(_finding(name, f"no message has a template of the name {path.name}", Severity.WARNING))
            continue
        text = _read(path)
        if isinstance(text, Finding):
            findings.append(text)
        else:
            texts[Kind(path.name.removesuffix(SUFFIX))] = (name, text)
    return OwnTemplates(texts, tuple(findings))


def checked(own: OwnTemplates, samples: Mapping[Kind, Facts]) -> tuple[Finding, ...]:
    """What is wrong with own templates, found by filling each of them in with a sample of every value."""
    found = [_rendered(text, name, samples[kind]) for kind, (name, text) in own.texts.items()]
    return (*own.findings, *(each for each in found if isinstance(each, Finding)))


def _rendered(text: str, name: str, values: Facts) -> tuple[str, str] | Finding:
    try:
        page = _environment().from_string(text).render(values)
    except TemplateSyntaxError as error:
        return _finding(name, f"the template cannot be read: {error.message}", line=error.lineno)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        return _finding(name, f"the template cannot be filled in: {error}")
    first, _, body = page.partition("\n")
    if not first.startswith(_SUBJECT) or not first.removeprefix(_SUBJECT).strip():
        return _finding(name, f"the template's first line must be '{_SUBJECT}…'", line=1)
    if not body.strip():
        return _finding(name, "the template has no text after its subject")
    return first.removeprefix(_SUBJECT).strip(), body.strip()


def _whole(subject: str, body: str, message_id: str, clean: Clean) -> Composed:
    if len(subject) > _LONGEST_SUBJECT:
        subject = subject[: _LONGEST_SUBJECT - 1] + "…"
    if len(body) > _LONGEST_BODY:
        body = (
            body[:_LONGEST_BODY].rpartition("\n")[0] + "\n… cut here; the rest: reconciler history, reconciler status"
        )
    return Composed(clean(subject), f"{body}\n\n-- \nreconciler, message {message_id}\n")


def _cleaned(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        return _CALLS.sub(lambda found: {"@": "＠", "<": "‹"}[found[0]], clean(value))
    if isinstance(value, Mapping):
        return {name: _cleaned(each, clean) for name, each in value.items()}
    if isinstance(value, list):
        return [_cleaned(each, clean) for each in value]
    return value


def _shipped(kind: Kind) -> str:
    return resources.files("reconciler.notifying").joinpath("templates", f"{kind.value}{SUFFIX}").read_text("utf-8")


def _read(path: Path) -> str | Finding:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_TEMPLATE + 1)
        if len(content) > _LARGEST_TEMPLATE:
            return _finding(str(path), "the template is larger than 64 KB")
        return content.decode("utf-8")
    except OSError as error:
        return _finding(str(path), f"the template cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return _finding(str(path), "the template is not UTF-8")


def _finding(name: str, message: str, severity: Severity = Severity.ERROR, line: int | None = None) -> Finding:
    kinds = ", ".join(f"{kind}{SUFFIX}" for kind in sorted(_NAMES))
    hint = "what a template may say: docs/notifications.md" if severity is Severity.ERROR else f"there are {kinds}"
    return Finding(severity, "template", message, where=Place(name, line), hint=hint)


_NAMES = frozenset(kind.value for kind in Kind)
