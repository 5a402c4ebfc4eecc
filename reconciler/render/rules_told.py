"""What each rule says, in one sentence that a customer can read. The numbers are those of plans, findings and tests."""

from reconciler.domain.rule_catalogue import CATALOGUE

RULES: dict[str, str] = {number: rule.says for number, rule in CATALOGUE.items()}
"""The sentences by rule number."""
