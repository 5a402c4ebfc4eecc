"""The summary of a plan file, without the changes before it: found by the layout that plan files are written in.

Keys are sorted, so that `changes`, which may be nearly all of the file, come first; a line that begins with two spaces
and a quotation mark begins a member of the plan, for text holds no bare line end. The file is searched from its end,
and only what is searched is loaded. The digest covers the changes, so it is told and not checked.
"""

import json
import mmap
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

from reconciler.domain.plan import Action
from reconciler.domain.plan_summary import PlanSummary
from reconciler.planning.plan_file import PlanFileError
from reconciler.planning.plan_members import FORMAT
from reconciler.planning.plan_values import impact_of

_COUNTED = ("unchanged", "errors", "warnings")


def read_summary(file: Path) -> PlanSummary:
    """The summary that a plan file states. Nothing says that it fits the changes: `plan_file.read_plan` checks that.

    Raises PlanFileError where the file is not laid out as `write_plan` does it, and OSError where it cannot be read.
    """
    try:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _summary(_End(content))
    except (KeyError, TypeError, ValueError, InvalidOperation, AttributeError):
        raise PlanFileError(
            f"the summary of {file} cannot be found: it is not a plan as this version writes it",
            f"reconciler show {file} reads all of it, and says what is wrong",
        ) from None


class _End:
    """The members of a plan file from `created` on."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._begin = max(content.rfind(b'\n  "created": '), 0)

    def get(self, name: str) -> Any:
        """A member's value, None where it is not there. Raises ValueError where it is no JSON."""
        key = f'\n  "{name}": '.encode()
        found = self._content.rfind(key, self._begin)
        if found < 0:
            return None
        value = found + len(key)
        end = self._content.find(b'\n  "', value)
        end = end if end >= 0 else self._content.rfind(b"\n}")
        return json.loads(self._content[value:end].removesuffix(b","))

    def __getitem__(self, name: str) -> Any:
        """A member's value. Raises KeyError where it is not there, ValueError where it is no JSON."""
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value


def _summary(members: _End) -> PlanSummary:
    if members["format"] != FORMAT:
        raise ValueError("another format")
    counts, documents = members["summary"], members["inputs"]["documents"]
    return PlanSummary(
        month=members["month"],
        target=members["target"],
        created=members["created"],
        version=members["reconciler"],
        digest=members["digest"],
        counts={action: counts[action.value] for action in Action},
        impact=tuple(map(impact_of, members["impact"])),
        refused_by=tuple(members["refused_by"]),
        documents=len(documents),
        lines=sum(used["lines"] for used in documents),
        months=tuple(members.get("months") or ()),
        undoes=members.get("undoes"),
        **{name: counts[name] for name in _COUNTED},
    )
