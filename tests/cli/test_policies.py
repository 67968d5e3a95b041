"""``wordbond policies``: documents in, listed, searched; what cannot be used is set aside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analyzer.cli import app
from analyzer.results import ResultStore

RUNNER = CliRunner()

SHOP = """---
company: The Shop
company_id: shop
document: House rules
effective_from: 2026-01-01
---

## RET-1 Returns

Goods may be returned within 30 days of delivery.

## SHP-1 Shipping

Orders are shipped within two working days. Express shipping costs USD 12.
"""
BANK = """---
document: Fees and charges
---

## FEE-1 Overdraft

An unarranged overdraft costs GBP 5 a day.
"""


def policies(*arguments: object):
    return RUNNER.invoke(app, ["policies", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for company, text in {"shop": SHOP, "bank": BANK}.items():
        (tmp_path / "policies" / company).mkdir(parents=True)
        (tmp_path / "policies" / company / "rules.md").write_text(text)
    return tmp_path / "policies"


@pytest.fixture
def library(folder: Path) -> Path:
    assert policies("add", folder).exit_code == 0
    return folder


def test_adding_says_what_was_added_and_again_that_nothing_was(folder):
    first = policies("add", folder)
    assert first.exit_code == 0
    assert "shop: House rules from 2026-01-01: 2 added" in first.stdout
    assert "2 documents: 3 clauses added" in first.stdout
    assert "The library holds 3 clauses." in first.stdout
    second = policies("add", folder, folder / "shop")
    assert "0 clauses added, 0 replaced, 0 removed, 3 unchanged" in second.stdout


def test_a_changed_clause_is_replaced_and_a_dropped_one_removed(library):
    (library / "shop" / "rules.md").write_text(SHOP.partition("## SHP-1")[0].replace("30", "60"))
    result = policies("add", library / "shop" / "rules.md")
    assert "shop: House rules from 2026-01-01: 1 replaced, 1 removed" in result.stdout
    assert "The library holds 2 clauses." in result.stdout


def test_what_cannot_be_read_is_set_aside_and_the_rest_added(folder, tmp_path):
    (folder / "shop" / "binary.md").write_bytes(b"\x00\x01" * 100)
    (tmp_path / "none").mkdir()
    result = policies("add", folder, tmp_path / "none", tmp_path / "gone")
    assert result.exit_code == 3
    assert "The library holds 3 clauses." in result.stdout
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    for name in ("binary.md", "none", "gone"):
        assert any(line.startswith("set aside: ") and name in line for line in lines)
    with ResultStore.open(f"sqlite:///{tmp_path / 'home' / 'wordbond.db'}") as store:
        assert len(store.list_set_aside()) == 3


def test_where_nothing_can_be_read_nothing_is_begun(tmp_path):
    (tmp_path / "none").mkdir()
    result = policies("add", tmp_path / "none")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "home").exists()


@pytest.mark.usefixtures("library")
def test_the_list_names_each_document_with_its_days():
    result = policies("list")
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert "shop (The Shop) House rules · from 2026-01-01 · 2 clauses · rules.md" in text
    assert "no dates · 1 clause" in text


@pytest.mark.usefixtures("library")
def test_the_list_for_programs():
    documents = json.loads(policies("list", "--json").stdout)
    assert [document["company"] for document in documents] == ["bank", "shop"]
    assert documents[1] == {
        "company": "shop",
        "company_name": "The Shop",
        "document": "House rules",
        "effective_from": "2026-01-01",
        "effective_to": None,
        "source": "rules.md",
        "clauses": 2,
        "complete": True,
    }


@pytest.mark.usefixtures("library")
def test_search_finds_the_clause_that_speaks_to_it():
    result = policies("search", "how long can I send goods back", "-k", "1")
    assert result.exit_code == 0
    assert "RET-1 Returns" in result.stdout
    assert "Goods may be returned within 30 days of delivery." in result.stdout
    assert "SHP-1" not in result.stdout


@pytest.mark.usefixtures("library")
def test_search_for_programs_within_a_company_and_a_day():
    arguments = ["search", "costs", "--company", "the shop", "--on", "2026-03-04", "--json"]
    found = json.loads(policies(*arguments).stdout)
    assert {clause["id"] for clause in found} == {"RET-1", "SHP-1"}
    scores = [clause["score"] for clause in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert found[0]["text"] in SHOP


@pytest.mark.usefixtures("library")
def test_search_before_the_first_day_finds_nothing_and_says_why():
    arguments = ["search", "returns", "--company", "shop", "--on", "2025-12-31"]
    result = policies(*arguments)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "No clause was in force on 2025-12-31" in result.stderr
    assert json.loads(policies(*arguments, "--json").stdout) == []


@pytest.mark.usefixtures("library")
def test_an_unknown_company_gets_the_nearest_key():
    result = policies("search", "returns", "--company", "shpo")
    assert result.exit_code == 1
    assert "did you mean 'shop'?" in result.stderr


@pytest.mark.usefixtures("library")
def test_a_blank_question_is_refused():
    result = policies("search", "  ")
    assert result.exit_code == 1
    assert "blank" in result.stderr


@pytest.mark.parametrize("arguments", [["list"], ["search", "returns"]])
def test_an_empty_library_says_how_to_fill_it(tmp_path, arguments):
    result = policies(*arguments)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "wordbond policies add" in result.stderr
    assert json.loads(policies(*arguments, "--json").stdout) == []
    assert not (tmp_path / "home").exists()


def test_control_codes_of_a_document_do_not_reach_the_terminal(tmp_path):
    path = tmp_path / "rules.txt"
    path.write_text("## A-1 Fees\n\nA fee of \u009b2J GBP 5 is due\u202e today.\n")
    result = policies("add", path)
    listed, found = policies("list"), policies("search", "fee")
    for stream in (result.output, listed.output, found.output):
        assert all(ch.isprintable() or ch == "\n" for ch in stream)


@pytest.mark.usefixtures("library")
def test_a_library_that_was_damaged_is_told(tmp_path):
    (tmp_path / "home" / "chroma" / "chroma.sqlite3").write_bytes(b"nonsense" * 1000)
    result = policies("list")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "chroma" in result.stderr
