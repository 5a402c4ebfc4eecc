"""Scenario files: read with every number as a decimal, checked against the schema, refused with file, line and key."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from reconciler.domain.days import Month, Months

FOLDER = Path(__file__).parent
SCHEMA = json.loads((FOLDER / "scenario.schema.json").read_text(encoding="utf-8"))
REPRESENTATIONS = ("compact", "literal")
_VALIDATOR = Draft202012Validator(SCHEMA)

Row = dict[str, Any]


class ScenarioError(Exception):
    """A file that is no scenario: the message names the file, the line and the key."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story: what the PSA held, what was invoiced, and what must follow, month by month."""

    name: str
    before: Row
    invoices: list[Row]
    mapping: Row
    decisions: Row
    steps: list[Row]
    today: str | None

    @property
    def representations(self) -> tuple[str, ...]:
        """The representations to run it under: the one that the file fixes, else both; compact alone where nothing is
        written, and where no quantity moves inside a month, for there they are the same.
        """
        fixed = self.mapping.get("changes", {}).get("representation")
        if fixed:
            return (fixed,)
        lines = [line for invoice in self.invoices for line in invoice["lines"]]
        moves = len(lines) > 1 and any("from" in line for line in lines)
        blocked = all(step.get("blocked") for step in self.steps)
        return REPRESENTATIONS if moves and not blocked else REPRESENTATIONS[:1]


class _Loader(yaml.CSafeLoader):
    """Numbers with a fraction are decimals, days stay text, and a key that stands twice is refused."""


def _decimal(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(loader.construct_scalar(node))


def _mapping(loader: yaml.CSafeLoader, node: yaml.MappingNode) -> Row:
    keys = [key.value for key, _ in node.value]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise yaml.constructor.ConstructorError(None, None, f"the key '{twice}' stands twice", node.start_mark)
    return loader.construct_mapping(node, deep=True)


def _text(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_scenario(path: Path) -> Scenario:
    """The scenario in a file. Raises ScenarioError for anything that the schema does not know."""
    return parse_scenario(path.read_text(encoding="utf-8"), path.name)


def parse_scenario(text: str, file: str) -> Scenario:
    """The scenario in a text; `file` is what messages call it."""
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 -- a safe loader with decimals
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ScenarioError(f"{file}{line}: {getattr(error, 'problem', None) or error}") from None
    wrong = sorted(_VALIDATOR.iter_errors(data), key=lambda e: [str(part) for part in e.absolute_path])
    if wrong:
        raise ScenarioError("\n".join(_told(_deepest(error), text, file) for error in wrong))
    for step in data["expect"]:
        _check_step(step, file)
    return Scenario(
        name=file.removesuffix(".yaml"),
        before=data.get("before") or {},
        invoices=data.get("invoices") or [],
        mapping=data.get("mapping") or {},
        decisions=data.get("decisions") or {},
        steps=data["expect"],
        today=data.get("today"),
    )


def _check_step(step: Row, file: str) -> None:
    """A step that could not fail says nothing."""
    if not set(step) - {"month", "since", "meanwhile"}:
        raise ScenarioError(f"{file}: the step for {step['month']} expects nothing; say what must hold")


def _deepest(error: ValidationError) -> ValidationError:
    """Of the ways in which an alternative failed, the one that came furthest, and then the likeliest."""
    while error.context:
        error = max(error.context, key=lambda e: (len(e.absolute_path), _likelihood(e)))
    return error


def _likelihood(error: ValidationError) -> int:
    if error.validator == "anyOf":
        return max(map(_likelihood, error.context or ()))
    if error.validator != "additionalProperties":
        return 0
    unknown, known = _keys(error)
    return 2 if difflib.get_close_matches(unknown, known, 1) else 1


def _keys(error: ValidationError) -> tuple[str, list[str]]:
    """The first unknown key, and those that are known."""
    known = sorted(error.schema.get("properties", {}))
    return min(set(error.instance) - set(known)), known


def _told(error: ValidationError, text: str, file: str) -> str:
    path = list(error.absolute_path)
    shown = ".".join(str(part) for part in path) or "the file"
    message = error.message
    if error.validator == "additionalProperties":
        unknown, known = _keys(error)
        path = [*path, unknown]
        near = difflib.get_close_matches(unknown, known, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(known)}"
        message = f"unknown key '{unknown}'; {hint}"
    return f"{file}:{_line_of(text, path)}: {shown}: {message}"


def _line_of(text: str, path: Iterable[str | int]) -> int:
    """The line on which a member stands."""
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    line = 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
    return line


def chosen(value: Any, representation: str) -> Any:
    """A part of an expectation that may be given per representation."""
    if isinstance(value, Mapping) and set(value) == set(REPRESENTATIONS):
        return value[representation]
    return value


def months_of(step: Row) -> Months:
    """The months that a step plans: one, or all from `since` on."""
    return Months(Month.parse(step.get("since", step["month"])), Month.parse(step["month"]))


def as_day(text: str) -> date:
    """A day of a scenario file."""
    return date.fromisoformat(text)
