"""The register of the API's kinds of records, and which rules each follows."""

from collections.abc import Callable
from types import MappingProxyType

from reconciler.sandbox.connectwise import additions, agreement_tables, company_tables, record_rules
from reconciler.sandbox.connectwise.errors import FieldError
from reconciler.sandbox.connectwise.tables import Entity
from reconciler.sandbox.connectwise.world import World
from reconciler.sandbox.store import Record

ENTITIES = MappingProxyType(
    {
        found.kind: found
        for module in (agreement_tables, company_tables)
        for found in vars(module).values()
        if isinstance(found, Entity)
    }
)
"""Every kind of record, by the name it is stored under."""

PARENTS = MappingProxyType({"addition": "agreementId", "agreement": "parentAgreement"})
"""The kinds that can stand under another record, with the member that holds its id."""

COMPUTERS = MappingProxyType({"addition": additions.computed, "agreement": additions.agreement_computed})

Completer = Callable[[World, Record, Record | None], None]
Rule = Callable[[World, Record, Record | None], list[FieldError]]

COMPLETERS: MappingProxyType[str, Completer] = MappingProxyType(
    {
        "addition": additions.complete,
        "agreement": record_rules.complete_agreement,
        "product": record_rules.complete_product,
        "company": record_rules.complete_company,
    }
)
RULES: MappingProxyType[str, Rule] = MappingProxyType(
    {
        "addition": additions.rules,
        "agreement": record_rules.agreement_rules,
        "product": record_rules.product_rules,
        "company": record_rules.company_rules,
        "callback": record_rules.callback_rules,
    }
)
