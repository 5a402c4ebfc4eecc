"""The PSA's state as its parts use it: records, switches, the clock, and how records show in one another."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from reconciler.sandbox.connectwise.tables import Entity, Field
from reconciler.sandbox.store import Record, Store
from reconciler.sandbox.switches import Switches

FIRST_DAY = date(2026, 10, 3)
"""The clock of a sandbox that was never seeded."""

ACTOR = "sandbox-api"
"""The member that changes are recorded under."""

Computer = Callable[["World", Record], Record]


class World:
    """The store with its meaning.

    `computers` give the computed members of the kinds that have any. The clock stands at the seed's `today`;
    within that day every write has a second of its own, so that `_info.lastUpdated` tells versions apart.
    """

    def __init__(self, store: Store, computers: Mapping[str, Computer]) -> None:
        self.store = store
        self._computers = computers
        self._known_switches: tuple[Any, Switches] = (None, Switches())

    @property
    def today(self) -> date:
        """The sandbox's calendar day."""
        found = self.store.fact("today")
        return date.fromisoformat(found) if found else FIRST_DAY

    @property
    def switches(self) -> Switches:
        """The switches in force."""
        stored = self.store.fact("switches")
        if self._known_switches[0] is not stored:
            self._known_switches = (stored, Switches().changed(stored or {}))
        return self._known_switches[1]

    def stamp(self) -> str:
        """The moment of a write, later than every one before it on the same day of the clock."""
        count = (self.store.fact("writes") or 0) + 1
        self.store.set_fact("writes", count)
        midnight = datetime.combine(self.today, datetime.min.time())
        moment = midnight + timedelta(hours=9, seconds=count)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def computed(self, entity: Entity, record: Record) -> Record:
        """The members of a record that the PSA works out."""
        computer = self._computers.get(entity.kind)
        return computer(self, record) if computer else {}

    def reference(self, field: Field, value: Any) -> Record:
        """What a reference shows of the record it points to: {} when unset, the bare id when that is gone."""
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        target = self.store.get(field.target, value) if field.target else None
        if target is None:
            return {"id": value}
        shown = {member: self._member(str(field.target), target, member) for member in field.members}
        return {member: found for member, found in shown.items() if found is not None}

    def _member(self, kind: str, target: Record, member: str) -> Any:
        if kind == "contact" and member == "name":
            return " ".join(part for part in (target.get("firstName"), target.get("lastName")) if part)
        if kind == "agreement" and member == "type":
            return (self.store.get("agreement_type", target.get("type")) or {}).get("name")
        if member == "isClosed":
            return bool(target.get("closedFlag"))
        return target.get(member)
