"""An LLM engine against a server of our own, and a policy to judge by."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import numpy as np
import pytest

from analyzer.config import Settings
from analyzer.domain import Call, Clause
from analyzer.embedders import packaged_embedder
from analyzer.engines.llm.building import build_llm_engine
from analyzer.engines.llm.rate_limits import Backoff
from analyzer.policy_book import PolicyBook

CLAUSES = (
    ("FEE-1", "Fees", "A late fee is refunded once a year when the customer asks for it."),
    ("AUT-1", "Who may grant what", "A representative may credit up to $25 of goodwill."),
)


def a_call(*agent_lines: str, call_id: str = "c-1", position: str | None = "representative"):
    turns = []
    for line in agent_lines or ("Hello, this is Ann.", "I'll refund the fee of nine dollars."):
        turns += [
            {"role": "agent", "name": "Ann", "position": position, "text": line},
            {"role": "customer", "text": "Could you help me with that, please?"},
        ]
    return Call.model_validate(
        {"call_id": call_id, "company": "shop", "date": "2026-03-18", "turns": turns}
    )


def a_view(clauses=CLAUSES):
    made = [
        Clause(id=i, company="shop", document="Rules", title=t, text=x, line=n)
        for n, (i, t, x) in enumerate(clauses)
    ]
    embedder = packaged_embedder()
    vectors = np.concatenate([embedder.embed([c.embedded_text]) for c in made])
    return PolicyBook(embedder.name, tuple(made), vectors)


@pytest.fixture(scope="session")
def book():
    return a_view()


@pytest.fixture
def view(book):
    return book.view("shop", dt.date(2026, 3, 18))


@pytest.fixture
def engine_for(tmp_path: Path):
    """Builds engines against a server; closes them."""
    built = []

    def build(server, **settings):
        chosen = {
            "openai_base_url": server.base_url, "openai_api_key": "sk-test",
            "model": "test-model", "home": tmp_path / "home", "timeout_s": 2.0,
            "second_reading": False, **settings,
        }  # fmt: skip
        quick = Backoff(attempts=8, total_s=20, base_s=0.001, cap_s=0.01, rng=random.Random(1))
        engine = build_llm_engine(Settings.model_validate(chosen), backoff=quick)
        built.append(engine)
        return engine

    yield build
    for engine in built:
        engine.close()
