"""The simulated PSA as the server runs it: the API in front, and the handles behind its back."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from reconciler.sandbox import exact_json
from reconciler.sandbox.connectwise import invoicing, seeding
from reconciler.sandbox.connectwise.api import Api
from reconciler.sandbox.connectwise.credentials import BUILT_IN, Credentials
from reconciler.sandbox.connectwise.entities import COMPUTERS, ENTITIES, PARENTS
from reconciler.sandbox.connectwise.errors import Refusal
from reconciler.sandbox.connectwise.world import World
from reconciler.sandbox.seed_text import SeedError, SeedText, read_seed
from reconciler.sandbox.store import Record, Store
from reconciler.sandbox.switches import SwitchError, Switches
from reconciler.sandbox.web import Answer, Call, ControlError


class ConnectWiseSandbox:
    """A ConnectWise PSA in one data file.

    `data` is the SQLite file (None: memory alone); `environment` may carry further credentials that are
    accepted, under the names of `credentials`.
    """

    credentials: Mapping[str, str] = BUILT_IN

    def __init__(self, data: Path | None, environment: Mapping[str, str]) -> None:
        self._base = Switches()
        self._store = Store(data, PARENTS)
        self._world = World(self._store, COMPUTERS)
        self._api = Api(self._world, Credentials.accepted(environment))
        if self.is_new:
            self.seed(SeedText({}))

    @property
    def is_new(self) -> bool:
        """Whether the data file has never held a world."""
        return self._store.fact("today") is None

    @property
    def is_empty(self) -> bool:
        """Whether no company was ever put in."""
        return not self._store.all("company")

    def answer(self, call: Call) -> Answer:
        """The answer to one request of a client."""
        return self._api.answer(call)

    def seed(self, seed: SeedText) -> dict[str, int]:
        """Puts the seed in the place of everything; returns the number of records by list. Raises SeedError."""
        with self._store.writing():
            counts = seeding.plant(self._world, seed, self._base)
            self._store.set_fact("seed", {"name": seed.name, "text": exact_json.dumps(seed.value)})
        return counts

    def reset(self) -> dict[str, int]:
        """Goes back to the last seed."""
        kept = self._store.fact("seed")
        return self.seed(read_seed(kept["text"], kept["name"]))

    def bill(self, month: date) -> list[Record]:
        """Invoices everything up to the month that begins on the given day; returns the new invoices, with lines.

        Raises ControlError, and makes none, when an agreement cannot be invoiced.
        """
        try:
            made = set(invoicing.bill_through(self._world, month))
        except Refusal as refusal:
            reasons = [error["message"] for error in refusal.errors or ()]
            raise ControlError(" ".join(reasons) or refusal.message) from None
        return [invoice for invoice in self.invoices() if invoice["id"] in made]

    def set_switches(self, values: Mapping[str, Any]) -> None:
        """Sets some switches anew, now and under every later seed; raises SeedError for one that does not exist."""
        try:
            self._base = self._base.changed(values)
            switches = self._world.switches.changed(values)
        except (SwitchError, TypeError) as error:
            raise SeedError(f"switches: {error}.") from None
        with self._store.writing():
            self._store.set_fact("switches", switches.as_mapping())

    def set_today(self, today: date) -> None:
        """Moves the clock."""
        with self._store.writing():
            self._store.set_fact("today", today.isoformat())

    def invoices(self) -> list[Record]:
        """Every invoice with its lines."""
        return [self._told(invoice) for invoice in self._store.all("invoice")]

    def _told(self, invoice: Record) -> Record:
        kept = self._store.get("invoice_lines", invoice["id"]) or {"lines": [], "month": None}
        company = self._store.get("company", invoice["company"]) or {}
        names = ("id", "invoiceNumber", "date", "agreementAmount", "productTotal", "total")
        return {
            **{name: invoice[name] for name in names},
            "month": kept["month"],
            "agreement": invoice["applyToId"],
            "company": company.get("identifier"),
            "lines": kept["lines"],
        }

    def state(self) -> dict[str, Any]:
        """Everything the sandbox keeps, as it keeps it: references are ids, dates are days."""
        lists = {kind: list(self._store.all(kind)) for kind in ENTITIES}
        return {
            "psa": "connectwise",
            "today": self._world.today.isoformat(),
            "switches": self._world.switches.as_mapping(),
            "companies": lists["company"],
            "products": lists["product"],
            "agreements": lists["agreement"],
            "additions": lists["addition"],
            "ledgers": self._store.all("ledger"),
            "invoices": self.invoices(),
            "audit": lists["audit"],
        }

    def close(self) -> None:
        """Closes the data file."""
        self._store.close()
