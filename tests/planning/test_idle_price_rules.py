"""A price rule that decides nothing is named by the plan, as a note; one that is kept for other months is not."""

from pathlib import Path

from click.testing import CliRunner

from reconciler.cli.main import main
from reconciler.config.loading import load
from reconciler.domain.days import Month
from reconciler.domain.finding import Severity
from reconciler.planning.making import read_sources
from reconciler.planning.price_trial import idle_in


def noted(folder: Path, prices: str, *months: str) -> list[str]:
    """The rules that a plan of these months would name, in a repository as `init` writes it."""
    done = CliRunner().invoke(main, ["init", str(folder)])
    assert done.exit_code == 0, done.output
    file = folder / "mappings.yaml"
    file.write_text(file.read_text().replace("prices: []", f"prices:\n{prices}"))
    mappings = load(file, {}).mappings
    assert mappings is not None
    found = tuple(idle_in(mappings, read_sources(mappings), map(Month.parse, months)))
    assert {finding.severity for finding in found} <= {Severity.INFO}
    assert all(str(finding.where).startswith(str(file)) for finding in found)
    return [finding.message.split("'")[1] for finding in found]


def test_a_rule_whose_conditions_nothing_meets_and_one_that_always_comes_second_are_named(tmp_path: Path) -> None:
    prices = (
        "  - {name: Other product, when: {sku: 'CFQ7TTC0ZZZZ:0001'}, price: cost}\n"
        "  - {name: Everything, price: retail}\n"
        "  - {name: Too late, when: {customer: Contoso}, price: retail - 5%}\n"
    )
    assert noted(tmp_path, prices, "2026-09") == ["Other product", "Too late"]


def test_a_rule_that_is_kept_for_other_months_is_not_named(tmp_path: Path) -> None:
    prices = "  - {name: Next year, price: cost, from: 2027-01-01, to: 2027-12-31}\n"
    assert noted(tmp_path, prices, "2026-09") == []
    assert noted(tmp_path / "again", prices, "2026-09", "2027-01") == ["Next year"]
