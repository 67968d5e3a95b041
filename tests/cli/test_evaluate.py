"""``wordbond eval`` on a small gold file: scores for people and for programs, and what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from analyzer.cli import app

RUNNER = CliRunner()

POLICY = """---
company_id: shop
effective_from: 2026-01-01
---

## RET-1 Returns

Goods may be returned within 30 days of delivery.
"""
TURNS = [
    {"role": "agent", "position": "representative",
     "text": "Thank you for calling the shop, how can I help?"},
    {"role": "customer", "text": "My kettle leaks and I want to return it."},
    {"role": "agent", "position": "representative", "text": "You have ninety days to send it back."},
    {"role": "customer", "text": "Lovely, thank you."},
]  # fmt: skip
MARK = {
    "id": "c1", "turn": 2, "quote": "You have ninety days to send it back", "kind": "assurance",
    "strength": "firm", "verdict": "contradicted", "clauses": ["RET-1"],
    "resolution": "honour_with_disclosure", "why": "Thirty days.",
}  # fmt: skip


def record(call_id: str) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "company": "shop",
        "date": "2026-03-04",
        "turns": TURNS,
        "commitments": [MARK],
        "stonewalls": [],
        "links": [],
    }


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return path


def evaluate(*arguments: object):
    return RUNNER.invoke(app, ["eval", *map(str, arguments)])


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    return write(tmp_path / "gold.jsonl", record("c-1"), record("c-2"))


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    folder = tmp_path / "policies" / "shop"
    folder.mkdir(parents=True)
    (folder / "rules.md").write_text(POLICY)
    return tmp_path / "policies"


def test_an_engine_is_scored_and_named_first(gold, policies, tmp_path):
    out = tmp_path / "scores.json"
    result = evaluate(gold, "--policies", policies, "--json", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Engine: embedded (")
    assert "commitment F1" in result.stdout
    scores = json.loads(out.read_text())
    assert scores["engine"] == "embedded"
    assert scores["scores"]["quotes verbatim"]["value"] in {1.0, None}
    assert scores["gold"]["calls"] == 2
    assert not (tmp_path / "home").exists()


def test_a_file_of_records_is_scored(gold):
    result = evaluate(gold, "--predictions", gold, "--json", "-", "--misses", "3")
    assert result.exit_code == 0, result.output
    scores = json.loads(result.stdout)["scores"]
    assert scores["commitment F1"]["value"] == 1.0
    assert scores["flag F1"]["value"] == 1.0
    assert "Engine: none" in result.stderr
    assert "Nothing was missed" in result.stderr


def test_policies_may_be_named_beside_records(gold, policies):
    result = evaluate(gold, "--policies", policies, "--predictions", gold)
    assert result.exit_code == 0


def test_what_analyze_writes_can_be_scored(gold, policies, tmp_path):
    out = tmp_path / "out.jsonl"
    plain = [
        {key: value for key, value in record(call_id).items() if key != "commitments"}
        for call_id in ("c-1", "c-2")
    ]
    calls = write(tmp_path / "calls.jsonl", *plain)
    arguments = [calls, "--policies", policies, "--no-store", "--json", out]
    assert RUNNER.invoke(app, ["analyze", *map(str, arguments)]).exit_code == 0
    by_file = evaluate(gold, "--predictions", out, "--json", "-")
    by_engine = evaluate(gold, "--policies", policies, "--json", "-")
    assert json.loads(by_file.stdout)["scores"] == json.loads(by_engine.stdout)["scores"]


def test_a_gold_call_without_a_record_is_told_and_ends_with_3(gold, tmp_path):
    predictions = write(tmp_path / "p.jsonl", record("c-1"))
    result = evaluate(gold, "--predictions", predictions)
    assert result.exit_code == 3
    assert "c-2" in result.stderr
    assert result.stderr.startswith("set aside: ")


def test_misses_are_shown_on_request(gold, tmp_path):
    empty = write(tmp_path / "p.jsonl", *({**record(c), "commitments": []} for c in ("c-1", "c-2")))
    quiet = evaluate(gold, "--predictions", empty)
    told = evaluate(gold, "--predictions", empty, "--misses", "1")
    assert "missed flag" not in quiet.stdout
    assert "2 missed flags, the worst 1:" in told.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "no record"), ("{", "line 1"), ('{"call_id": "x"}', "labels"), (None, "cannot be read")],
)
def test_a_gold_file_that_cannot_be_used_is_told(tmp_path, text, told):
    path = tmp_path / "gold.jsonl"
    if text is not None:
        path.write_text(text)
    result = evaluate(path, "--predictions", path)
    assert result.exit_code == 1
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_policy_document_that_is_broken_is_told(gold, policies):
    (policies / "shop" / "broken.md").write_bytes(b"\x00\x01" * 100)
    result = evaluate(gold, "--policies", policies)
    assert result.exit_code == 3
    assert "broken.md" in result.stderr


def test_an_engine_without_a_model_is_one_sentence(gold, policies):
    result = evaluate(gold, "--policies", policies, "--engine", "llm")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
