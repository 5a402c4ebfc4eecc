"""Every billing rule by its number: what it says, how it stands, where it is decided.

The numbers are those of plans, findings, scenarios and tests, and never change. `reconciler explain` tells a rule by
its sentence here, and `docs/rulebook.md` is made from it.
"""

from reconciler.domain.rule_catalogue.agreements_and_records import AGREEMENTS_AND_RECORDS
from reconciler.domain.rule_catalogue.messages import MESSAGES
from reconciler.domain.rule_catalogue.open_questions import OPEN_QUESTIONS
from reconciler.domain.rule_catalogue.rule import Rule, Standing
from reconciler.domain.rule_catalogue.scope_and_products import SCOPE_AND_PRODUCTS
from reconciler.domain.rule_catalogue.worked_examples import WORKED_EXAMPLES

__all__ = ["CATALOGUE", "CHAPTERS", "Rule", "Standing"]

CHAPTERS: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    ("What is synced, and the products", SCOPE_AND_PRODUCTS),
    ("Agreements, records and prices", AGREEMENTS_AND_RECORDS),
    ("How the rules are read where they leave a choice", OPEN_QUESTIONS),
    ("Messages", MESSAGES),
    ("Worked examples", WORKED_EXAMPLES),
)
"""The rules in the order in which they are told, under their titles."""

CATALOGUE: dict[str, Rule] = {rule.number: rule for _, rules in CHAPTERS for rule in rules}
"""The rules by number."""
