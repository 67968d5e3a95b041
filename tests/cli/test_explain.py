"""``wordbond analyze --explain`` against a server: how each finding came about."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from analyzer.cli.commands import app
from tests.engines.llm.speaking import Plain
from tests.model_server.server import ModelServer

CALL = (
    "Date: 2026-03-18\nCompany: shop\n\n"
    "Agent (Ann, representative): Hello, this is Ann.\n"
    "Customer: The fee is wrong, my mail is jo.bloggs@example.org.\n"
    "Agent (Ann, representative): I'll refund the fee, jo.bloggs@example.org will get it.\n"
    "Customer: Thank you.\n"
)


@pytest.fixture
def files(tmp_path, monkeypatch):
    folder = tmp_path / "policies" / "shop"
    folder.mkdir(parents=True)
    (folder / "fees.md").write_text("## FEE-1 Fees\n\nA fee is never refunded.\n")
    (tmp_path / "call.txt").write_text(CALL)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("WORDBOND_MODEL", "test-model")
    return tmp_path


def run(files, *arguments):
    return CliRunner().invoke(
        app,
        ["analyze", str(files / "call.txt"), "--policies", str(files / "policies"), *arguments],
    )


def test_findings_are_explained_and_the_record_holds_the_same(files, monkeypatch):
    with ModelServer(Plain("contradicted")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        result = run(files, "--explain", "--json", str(files / "out.jsonl"))
        assert result.exit_code == 0, result.output
        sent = json.dumps([r.body for r in server.requests if r.body])
    shown = " ".join(result.stdout.split())
    for told in (
        "contradicted", "FEE-1", "a term: not met, turn 2", "contradicted: It says so.",
        "contradicted, from the conditions", "We are sorry.", "mark.v2:", "judge.v2:", "guide.v1:",
        "Model: 3 requests", "price not known",
    ):  # fmt: skip
        assert told in shown
    assert "jo.bloggs" not in sent
    record = json.loads((files / "out.jsonl").read_text())
    (mark,) = record["commitments"]
    assert mark["quote"] == "I'll refund the fee, jo.bloggs@example.org will get it."
    assert mark["explanation"]["derived"] == "contradicted"
    assert len(record["trace"]) == 3
    assert record["redacted"]["email"] == 2
    # The model's raw answers hold placeholders, not the customer's data.
    assert "jo.bloggs" not in json.dumps(record["trace"])


def test_without_explain_it_stays_short_and_the_result_is_stored(files, monkeypatch):
    with ModelServer(Plain("contradicted")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        result = run(files)
        again = run(files)
    assert "Stored in the database" in result.stdout
    assert "mark.v2:" not in result.stdout
    assert "Model: 3 requests" in result.stdout
    assert "Model: " not in again.stdout  # the same question is paid for once


def test_a_wrong_key_ends_the_run_in_one_sentence(files, monkeypatch):
    with ModelServer(Plain(), api_key="sk-other") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        result = run(files)
        told = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "OPENAI_API_KEY" in result.stderr
    assert "OPENAI_API_KEY" in told.stdout
    assert "sk-test" not in result.output + told.output


@pytest.mark.usefixtures("files")
def test_doctor_asks_a_model_that_is_not_listed_for_a_word(monkeypatch):
    with ModelServer(lambda _: "yes", models=("test-model", "a", "b")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("WORDBOND_MODEL", "zzzz")
        told = CliRunner().invoke(app, ["doctor"])
        assert told.exit_code == 1
        assert "WORDBOND_MODEL" in " ".join(told.stdout.split())
        monkeypatch.setenv("WORDBOND_MODEL", "test-model")
        assert CliRunner().invoke(app, ["doctor"]).exit_code == 0


def test_a_broken_cache_is_told_at_the_end_of_the_run(files, monkeypatch, tmp_path):
    home = tmp_path / "cache-home"
    home.mkdir()
    (home / "responses.db").write_text("not a database, at all, whatever it is called" * 50)
    monkeypatch.setenv("WORDBOND_HOME", str(home))
    with ModelServer(Plain("contradicted")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        result = run(files)
    assert result.exit_code == 0
    assert "renamed" in result.output
