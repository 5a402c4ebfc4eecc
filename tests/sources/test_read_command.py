"""`reconciler read`: what documents say, as text and as JSON."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from normalised_story import as_yaml

from reconciler.cli.main import main

DATA = Path(__file__).parent / "data"
MICROSOFT = DATA / "seat-changes-in-one-cycle.csv"


def read(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["read", *map(str, arguments)])


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "story.yaml").write_text(as_yaml())
    return Path("story.yaml")


def test_json_gives_the_seats_by_day_per_subscription() -> None:
    result = read(MICROSOFT, "--format", "json")
    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert set(told) == {"documents", "subscriptions", "findings"}
    assert told["subscriptions"] == [
        {
            "tenant": "196e2273-9651-43a3-ba7e-7cbcd918fc40",
            "subscription": "284b0ff0-0e74-4f65-cb23-f8ad95867994",
            "sku": "CFQ7TTC0LDPB:0001",
            "product": "Microsoft 365 Business Standard",
            "seats": [
                {"from": "2022-03-05", "quantity": "10"},
                {"from": "2022-03-07", "quantity": "15"},
                {"from": "2022-03-10", "quantity": "25"},
                {"from": "2022-03-12", "quantity": "23"},
                {"from": "2022-03-14", "quantity": "20"},
                {"from": "2022-03-25", "quantity": "30"},
                {"from": "2022-04-05", "quantity": "0"},
            ],
        }
    ]
    (document,) = told["documents"]
    assert document["invoice"] == "G016907411"
    assert document["period"] == {"from": "2022-03-01", "to": "2022-03-31"}
    assert (document["lines"], document["total"], document["currency"]) == (11, "275.23", "EUR")


def test_a_month_shows_its_days_alone() -> None:
    seats = json.loads(read(MICROSOFT, "--format", "json", "--month", "2022-04").stdout)["subscriptions"][0]["seats"]
    assert seats == [{"from": "2022-04-01", "quantity": "30"}, {"from": "2022-04-05", "quantity": "0"}]
    assert json.loads(read(MICROSOFT, "--format", "json", "--month", "2022-06").stdout)["subscriptions"] == []


def test_text_shows_documents_then_seats_by_day(story: Path) -> None:
    result = read(story)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "story.yaml (normalized)",
        "  invoice INV-2026-10-0001, 2026-09-01 to 2026-09-30",
        "  4 lines, 591.04 AUD before tax",
        "",
        "Contoso · tenant 8a7c-0001",
        "  5f1b · CFQ7TTC0LH18:0001",
        '    Microsoft 365 Business Basic, "no Teams"',
        "    2026-09-01 to 2026-09-11        10",
        "    2026-09-12 to 2026-09-19        13",
        "    2026-09-20 to 2026-09-30        11",
    ]


def test_an_error_is_told_on_standard_error_and_the_rest_is_shown_all_the_same(story: Path) -> None:
    result = read(story, "gone.csv")
    assert result.exit_code == 1
    assert "10" in result.stdout
    assert "gone.csv: error[missing-file]: there is no such file" in result.stderr


def test_errors_stand_in_the_json_too(story: Path) -> None:
    story.write_text(as_yaml().replace("quantity: 3\n", "quantity: ten\n"))
    result = read(story, "--format", "json")
    (finding,) = json.loads(result.stdout)["findings"]
    assert result.exit_code == 1
    assert (finding["severity"], finding["customer"], finding["where"]) == ("error", "8a7c-0001", "story.yaml:36:5")


def test_a_price_list_says_what_it_is() -> None:
    sheet = DATA / "licence-price-sheet.csv"
    result = read(sheet)
    assert result.exit_code == 0
    assert "(price list)" in " ".join(result.stdout.split())
    assert "1 row, USD" in result.stdout
    (document,) = json.loads(read(sheet, "--format", "json").stdout)["documents"]
    assert (document["format"], document["rows"]) == ("partner-center-price-sheet", 1)
    assert document["currencies"] == ["USD"]


def test_a_file_named_twice_is_read_once(story: Path) -> None:
    assert read(story, story).stderr == ""


def test_lines_fit_a_terminal_of_80_columns() -> None:
    assert max(len(line) for line in read(MICROSOFT).stdout.splitlines()) <= 80


@pytest.mark.security(27)
def test_control_characters_of_a_document_do_not_reach_the_terminal(story: Path) -> None:
    story.write_text(as_yaml().replace("name: Contoso", 'name: "\\e[31mContoso"'))
    output = read(story).stdout
    assert "\x1b" not in output
    assert "\\u001b[31mContoso" in output


def test_what_is_no_month_ends_with_a_sentence(story: Path) -> None:
    result = read(story, "--month", "September")
    assert result.exit_code == 1
    assert "'September' is not a month" in result.stderr
