"""The cascade: what is asked of the model, what is not, and what its curve says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analyzer.cli.commands import app
from analyzer.config import Settings
from analyzer.embedders import packaged_embedder
from analyzer.engines.cascade import CascadeEngine
from analyzer.engines.llm.building import build_llm_engine
from analyzer.errors import ConfigError
from analyzer.evaluation.curve import cascade_curve
from analyzer.evaluation.run import strip_labels
from analyzer.pipeline import analyze_call
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies
from tests.engines.llm.speaking import chats, read_call
from tests.model_server.labels import LabelAnswers
from tests.model_server.server import ModelServer

ROOT = Path(__file__).parents[2]
GOLD = ROOT / "eval" / "gold" / "corpus.jsonl"


@pytest.fixture(scope="module")
def records():
    return [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def book():
    return PolicyBook.from_documents(read_policies(ROOT / "corpus").documents, packaged_embedder())


@pytest.fixture
def server(records):
    with ModelServer(LabelAnswers(records)) as server:
        yield server


@pytest.fixture
def make(server, tmp_path):
    built = []

    def make(least, **more):
        settings = Settings.model_validate(
            {
                "openai_base_url": server.base_url, "openai_api_key": "sk-test",
                "model": "test-model", "home": tmp_path, "redact": False, "cascade": least,
                "response_cache": False, **more,
            }
        )  # fmt: skip
        built.append(CascadeEngine(settings, build_llm_engine(settings)))
        return built[-1]

    yield make
    for engine in built:
        engine.close()


def call_of(records, call_id):
    return strip_labels(next(r for r in records if r["call_id"] == call_id))


def test_a_quiet_call_is_not_sent_anywhere(records, book, server, make):
    analysis = analyze_call(call_of(records, "vt-03"), engine=make(0.3), book=book)
    assert chats(server) == []
    assert analysis.read_by == "embedded"
    assert analysis.usage.requests == 0
    assert any("embedded engine alone" in note for note in analysis.notes)


def test_a_call_that_may_hold_a_conflict_is_read_by_the_model(records, book, server, make):
    analysis = analyze_call(call_of(records, "ag-06"), engine=make(0.3), book=book)
    assert analysis.read_by == "llm"
    assert 2 <= len(chats(server)) <= 3
    assert analysis.conflicts


def test_at_zero_every_call_is_asked_about_and_at_one_hardly_any(records, book, server, make):
    some = [strip_labels(r) for r in records[:6]]
    for call in some:
        analyze_call(call, engine=make(0.0), book=book)
    n_all = len(chats(server))
    assert n_all >= len(some)
    for call in some:
        analyze_call(call, engine=make(1.0), book=book)
    assert len(chats(server)) == n_all


def test_of_a_long_call_the_model_sees_what_could_hold_a_mark(records, book, server, make):
    call = call_of(records, "ag-06")
    idle = [
        {
            "role": ("agent", "customer")[n % 2],
            "text": ("Let me pull that up, one moment.", "Sure, thank you.")[n % 2],
        }
        for n in range(60)
    ]
    turns = [t.model_dump(mode="json", exclude={"turn"}) for t in call.turns]
    long = type(call).model_validate(
        {**call.model_dump(mode="json", exclude={"turns"}), "turns": turns + idle}
    )
    analyze_call(long, engine=make(0.2), book=book)
    shown = [t for t in read_call(chats(server)[0]).turns if t.text.strip()]
    assert len(call.turns) // 2 <= len(shown) < 0.7 * len(long.turns)
    # Numbered as in the whole call, so that marks stand where they were said.
    assert all(_squeezed(t.text) == _squeezed(long.turns[t.turn].text) for t in shown)


def _squeezed(text):
    return " ".join(text.split())


def test_wrong_settings_are_told_before_any_call(records, book, make):
    engine = make(1.0, openai_api_key="sk-wrong")
    with pytest.raises(ConfigError, match="key"):
        analyze_call(call_of(records, "vt-03"), engine=engine, book=book)


def test_the_curve_falls_in_cost_and_never_rises_in_recall_by_asking_less(records, book, make):
    points = cascade_curve(records, engine=make(0.5), book=book, thresholds=(0, 0.3, 0.6, 1.01))
    tokens = [p.tokens for p in points]
    assert tokens == sorted(tokens, reverse=True)
    assert points[0].n_asked == len(records)
    assert points[0].flag_recall == 1.0
    assert points[0].wall_recall == 1.0
    assert points[-1].tokens == points[-1].n_asked == 0
    assert points[-1].flag_recall < 1.0


def test_the_mix_saves_most_of_the_tokens_and_keeps_the_recall(make, book):
    sys.path[:0] = [str(ROOT / "eval" / "bench")]
    try:
        from cascade import is_clean, read_mix
    finally:
        del sys.path[0]
    mix = read_mix()
    assert sum(map(is_clean, mix)) >= 0.8 * len(mix)
    with ModelServer(LabelAnswers(mix)) as server:
        engine = make(0.4, openai_base_url=server.base_url)
        whole, point = cascade_curve(mix, engine=engine, book=book, thresholds=(0, 0.4))
    assert point.tokens <= 0.45 * whole.tokens
    # The benchmark measures 0.97; a call near the threshold may fall either way on another make of
    # processor, as the int8 encoder differs a little.
    assert point.flag_recall >= 0.9 * whole.flag_recall
    assert point.wall_recall >= 0.85 * whole.wall_recall


def test_the_command_shows_the_curve(server, tmp_path, monkeypatch, records):
    gold = tmp_path / "gold.jsonl"
    gold.write_text("".join(json.dumps(r) + "\n" for r in records[:4]), encoding="utf-8")
    for name, value in {
        "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.base_url,
        "WORDBOND_MODEL": "test-model", "WORDBOND_REDACT": "false",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    arguments = ["eval", str(gold), "--policies", str(ROOT / "corpus")]
    result = CliRunner().invoke(app, [*arguments, "--engine", "cascade", "--curve"])
    assert result.exit_code == 0, result.output
    assert "asked from" in result.stdout
    assert "never" in result.stdout
    assert "WORDBOND_CASCADE, now 0.25" in " ".join(result.stdout.split())
    refused = CliRunner().invoke(app, [*arguments, "--engine", "llm", "--curve"])
    assert refused.exit_code == 2
