"""What results tell of the policies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from analyzer.policy_feed import read_feed
from analyzer.results.rows import FindingRow


class TopicEmbedder:
    """One axis a topic: the first word of a text."""

    name, dimension = "topics", 8

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        out = np.zeros((len(texts), 8), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            row[sum(map(ord, text.split()[0])) % 8] = 1
        return out


def finding(number: int, **fields: Any) -> FindingRow:
    known: dict[str, Any] = {
        "finding_id": number, "result_id": number, "company": "acme", "call_id": f"call-{number}",
        "date": dt.date(2026, 5, 4), "agents": [f"agent-{number}"], "finding": "commitment",
        "mark_id": "c1", "turn": 1, "quote_start": 0, "first_turn": 1, "last_turn": 1,
        "mark_kind": "assurance", "quote": "thirty days", "strength": "firm", "verdict": "supported",
        "verdict_class": "supported", "clause": "RET-1", "resolution": None, "severity": None,
        "tactics": (), "confidence": 0.9, "needs_review": False, "status": "open", "decisions": (),
    }  # fmt: skip
    return FindingRow(**{**known, **fields})


def test_a_clause_that_several_agents_get_wrong_is_misread() -> None:
    wrong = [finding(n, verdict="contradicted") for n in (1, 2, 3)]
    feed = read_feed([*wrong, finding(4), finding(5, clause="FEE-1")], TopicEmbedder())
    (record,) = feed.clauses
    assert (record.clause, record.n_judged, record.n_contradicted, record.n_agents) == (
        "RET-1",
        4,
        3,
        3,
    )
    assert record.is_misread
    assert len(record.examples) == 3


def test_one_agent_alone_does_not_make_a_clause_misread() -> None:
    wrong = [finding(n, verdict="contradicted", agents=["Dana"]) for n in range(5)]
    (record,) = read_feed(wrong, TopicEmbedder()).clauses
    assert not record.is_misread


def test_what_a_reviewer_dismissed_does_not_count() -> None:
    dismissed = [finding(n, verdict="contradicted", status="dismissed") for n in range(3)]
    assert read_feed(dismissed, TopicEmbedder()).clauses == ()


def test_promises_that_no_clause_speaks_to_are_grouped() -> None:
    open_ones = [
        finding(n, verdict="not_addressed", clause=None, quote=quote)
        for n, quote in enumerate(["parking is free", "parking costs nothing", "breakfast at ten"])
    ]
    gaps = read_feed(open_ones, TopicEmbedder()).gaps
    assert [(g.n_promises, g.n_agents) for g in gaps] == [(2, 2), (1, 1)]
    assert {e.quote for e in gaps[0].examples} == {"parking is free", "parking costs nothing"}


def test_no_results_give_an_empty_feed() -> None:
    feed = read_feed([], TopicEmbedder())
    assert (feed.clauses, feed.gaps) == ((), ())
