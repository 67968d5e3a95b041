"""The whole chain with a model that is the embedded engine: nothing on the way changes its word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.engine import EmbeddedEngine
from analyzer.evaluation.run import strip_labels
from analyzer.pipeline import analyze_call
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies
from tests.engines.llm.speaking import chats
from tests.model_server.embedded import EmbeddedAnswers
from tests.model_server.server import ModelServer

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def calls():
    lines = (ROOT / "eval/gold/corpus.jsonl").read_text(encoding="utf-8").splitlines()
    by_id = {(r := json.loads(line))["call_id"]: strip_labels(r) for line in lines}
    return [by_id[i] for i in ("ag-04", "ag-06", "sb-02", "vt-03")]


@pytest.fixture(scope="module")
def corpus_book():
    documents = read_policies(ROOT / "corpus").documents
    return PolicyBook.from_documents(documents, packaged_embedder())


def test_the_chain_says_what_the_small_engine_says(calls, corpus_book, engine_for):
    with ModelServer(EmbeddedAnswers()) as server:
        engine = engine_for(server, redact=False)
        for call in calls:
            own = EmbeddedEngine().analyze(call, None)
            found = analyze_call(call, engine=engine, book=corpus_book)
            assert {(m.turn, m.quote) for m in found.commitments} == {
                (m.turn, m.quote) for m in own.commitments
            }
            assert [(w.start, w.end, w.severity) for w in found.stonewalls] == [
                (w.start, w.end, w.severity) for w in own.stonewalls
            ]
            assert not found.set_aside
            judged = [m for m in found.commitments if m.strength != "hedged"]
            assert all(m.verdict for m in judged)
    assert 4 <= len(chats(server)) <= 12
