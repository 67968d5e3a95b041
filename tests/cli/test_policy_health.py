"""``wordbond policies show | authority | conflicts | health | impact``, run as a user does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analyzer.cli import app

RUNNER = CliRunner()

RULES_2025 = """---
company: The Shop
company_id: shop
document: House rules
effective_from: 2025-01-01
---

## RET-1 Returns

Goods may be returned within 30 days of delivery for a full refund, see PAY-2.

## PAY-2 Refund method

Refunds go to the card that paid, within 10 business days.

## AUT-1 Goodwill

A representative may credit up to USD 20. A supervisor may credit up to USD 100.
"""
RULES_2026 = RULES_2025.replace("2025-01-01", "2026-02-01").replace("30 days", "14 days")
HELP = """---
company: The Shop
company_id: shop
document: Help pages
---

## FAQ-1 Returns

Goods may be returned within 60 days of delivery for a full refund.
"""
CALL = """Agent: The Shop, Ines speaking.
Customer: Hi, I bought a coat and it came on Monday. How long do I have to send it back?
Agent: You have 30 days from delivery to return it, and you get a full refund.
Customer: Great, thank you.
Agent: You're welcome. Bye.
"""


def run(*arguments: object):
    return RUNNER.invoke(app, [str(a) for a in arguments])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "shop" / "rules.md"
    path.parent.mkdir()
    path.write_text(RULES_2025)
    assert run("policies", "add", path).exit_code == 0
    return path


@pytest.fixture
def call(tmp_path: Path) -> Path:
    path = tmp_path / "call.txt"
    path.write_text(CALL)
    done = run("analyze", path, "--company", "shop", "--date", "2026-03-02", "--agent", "Ines")
    assert done.exit_code == 0
    return path


def test_a_clause_is_shown_with_its_place_references_and_versions(rules: Path) -> None:
    rules.write_text(RULES_2026)
    assert run("policies", "add", rules).exit_code == 0
    shown = run("policies", "show", "RET-1", "--on", "2026-03-01")
    assert shown.exit_code == 0
    assert "Goods may be returned within 14 days of delivery" in shown.stdout
    assert "read with PAY-2 Refund method" in shown.stdout
    assert "[-30-]" in shown.stdout
    assert "{+14+}" in shown.stdout
    before = run("policies", "show", "RET-1", "--on", "2025-03-01")
    assert "Goods may be returned within 30 days of delivery" in before.stdout


@pytest.mark.usefixtures("rules")
def test_a_clause_that_is_not_there_is_told() -> None:
    result = run("policies", "show", "RET-9")
    assert result.exit_code == 1
    assert "no clause 'RET-9'" in result.stderr
    assert "policies search" in result.stderr


@pytest.mark.usefixtures("rules")
def test_authority_is_a_table_for_people_and_records_for_programs() -> None:
    shown = run("policies", "authority")
    assert shown.exit_code == 0
    assert "supervisor" in shown.stdout
    assert "AUT-1" in shown.stdout
    rows = json.loads(run("policies", "authority", "--json").stdout)
    limits = {row["role"]: row["limit"] for row in rows if row["clause"] == "AUT-1"}
    assert set(limits) == {"representative", "supervisor"}
    assert not any(row["corrected"] for row in rows)


def test_conflicts_name_both_clauses_and_what_each_says(rules: Path) -> None:
    (rules.parent / "help.md").write_text(HELP)
    assert run("policies", "add", rules.parent).exit_code == 0
    shown = run("policies", "conflicts", "--company", "shop")
    assert shown.exit_code == 0
    assert "RET-1" in shown.stdout
    assert "FAQ-1" in shown.stdout
    assert "1 pair of clauses in force together" in shown.stdout
    (row,) = json.loads(run("policies", "conflicts", "--json").stdout)
    assert set(row["clauses"]) == {"RET-1", "FAQ-1"}
    assert row["kind"] == "window"
    assert "30 days" in row["why"]
    assert "60 days" in row["why"]


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("command", ["authority", "conflicts", "health"])
def test_a_company_that_is_not_there_or_an_empty_library_is_told(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command != "health":
        result = run("policies", command, "--company", "nobody")
        assert result.exit_code == 1
        assert "nobody" in result.stderr
        assert "shop" in result.stderr
    monkeypatch.setenv("WORDBOND_HOME", str(tmp_path / "empty"))
    empty = run("policies", command)
    assert empty.exit_code == 0
    assert "wordbond policies add" in empty.stderr or "wordbond analyze" in empty.stderr


@pytest.mark.usefixtures("call")
def test_health_counts_promises_by_clause(rules: Path) -> None:
    rules.write_text(RULES_2026)
    assert run("policies", "add", rules).exit_code == 0
    assert run("policies", "impact", "--apply").exit_code == 0
    (feed,) = json.loads(run("policies", "health", "--json").stdout)
    judged = {row["clause"]: row for row in feed["clauses"]}
    assert judged["RET-1"]["contradicted"] == 1
    (example,) = judged["RET-1"]["examples"]
    assert "30 days" in example["quote"]
    shown = run("policies", "health")
    assert "RET-1: 1 of 1 promise" in shown.stdout


@pytest.mark.usefixtures("rules", "call")
def test_impact_says_before_and_after_which_calls_change(tmp_path: Path) -> None:
    draft = tmp_path / "draft.md"
    draft.write_text(RULES_2026)
    preview = run("policies", "impact", draft)
    assert preview.exit_code == 0
    assert "call" in preview.stdout
    assert "contradicted" in preview.stdout
    (before,) = json.loads(run("policies", "impact", draft, "--json").stdout)
    assert before["touched"] == before["changed"] == 1
    assert "14 days" not in run("policies", "show", "RET-1").stdout  # nothing was adopted
    assert run("policies", "add", draft).exit_code == 0
    (after,) = json.loads(run("policies", "impact", "--apply", "--json").stdout)
    assert after["calls"] == before["calls"]
    (again,) = json.loads(run("policies", "impact", "--apply", "--json").stdout)
    assert again["touched"] == 0


def test_impact_wants_either_a_draft_or_apply(rules: Path) -> None:
    for arguments in ((), (rules, "--apply")):
        result = run("policies", "impact", *arguments)
        assert result.exit_code == 1
        assert "--apply" in result.stderr
