"""`changes.align`: one word for monthly seats, or one for each motion (C27)."""

from pathlib import Path

import pytest
from mapping_texts import VALID, loaded, told, with_line

from reconciler.domain.mapping import Align

OF_PROGRAM = "align: calendar}"


def written(align: str) -> str:
    assert OF_PROGRAM in VALID
    return VALID.replace(OF_PROGRAM, f"align: {align}}}")


@pytest.mark.parametrize(
    ("text", "align"),
    [
        ("charge-cycle", Align.CHARGE_CYCLE),
        ("calendar", Align.CALENDAR),
        ("{seat-monthly: charge-cycle}", Align.CHARGE_CYCLE),
        ("{seat-monthly: charge-cycle, seat-annual: charge-cycle, azure: calendar}", Align.CHARGE_CYCLE),
        ("{azure: calendar}", Align.CALENDAR),
        ("{}", Align.CALENDAR),
    ],
)
def test_a_word_and_a_word_per_motion_say_the_same(tmp_path: Path, text: str, align: Align) -> None:
    result = loaded(tmp_path, written(text))
    assert result.mappings, told(result, tmp_path)
    assert result.mappings.programs["microsoft-csp"].changes.align is align


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("charge-cyle", "'changes.align' of program 'microsoft-csp' expects calendar or charge-cycle", "charge-cycle"),
        ("[calendar]", "expects calendar, charge-cycle, or one of them per motion, not a list", "align: charge-cycle"),
        ("{seat-monthy: calendar}", "'seat-monthy' is not a key of changes.align", "seat-monthly"),
        ("{azure: charge-cycle}", "'changes.align.azure' of program 'microsoft-csp' expects calendar", "one record"),
        ("{seat-annual: calendar}", "'changes.align.seat-annual' of program 'microsoft-csp' expects", "billed once"),
        ("{seat-monthly: daily}", "'changes.align.seat-monthly' of program 'microsoft-csp' expects", ""),
    ],
)
def test_what_does_not_fit_is_told_with_what_to_do(tmp_path: Path, text: str, says: str, hint: str) -> None:
    result = loaded(tmp_path, written(text))
    assert result.mappings is None
    (finding,) = result.findings
    assert says in finding.message
    assert hint in (finding.hint or "")


def test_a_customers_own_word_goes_before_the_programs(tmp_path: Path) -> None:
    result = loaded(tmp_path, with_line("changes: {decrease: none}", "changes: {align: charge-cycle}"))
    assert result.mappings, told(result, tmp_path)
    chosen = {customer.name: customer.changes.align for customer in result.mappings.customers}
    assert chosen == {"Contoso": Align.CHARGE_CYCLE, "Fabrikam": Align.CALENDAR}
