"""Clauses taken apart: sentences, words, caps, and one vector for each sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.domain import Clause
from analyzer.engines.embedded.clause_index import ClauseIndex, split_clause
from analyzer.policy_book import PolicyView


class LetterEmbedder:
    """Counts letters; keeps what it was asked, batch by batch."""

    name, dimension = "letters", 26

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.batches.append(list(texts))
        rows = np.array(
            [[1 + t.lower().count(chr(97 + i)) for i in range(26)] for t in texts], dtype=np.float32
        )
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


TABLE = """Gestures of goodwill are capped by role.

| Role | Credit | Points |
| --- | --- | --- |
| representative | up to £20 | none |
| supervisor | up to £75 | 5,000 |

Only the duty manager may grant more."""


def clause(text, number=1, title=""):
    return Clause(id=f"C-{number}", company="a", document="d", text=text, title=title)


def index(*clauses):
    embedder = LetterEmbedder()
    vectors = np.concatenate([embedder.embed([c.embedded_text]) for c in clauses])
    embedder.batches.clear()
    return ClauseIndex(PolicyView("a", tuple(clauses), vectors, "letters"), embedder), embedder


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One rule. Another rule.", ["One rule.", "Another rule."]),
        ("A rule that is\nmerely wrapped.", ["A rule that is\nmerely wrapped."]),
        ("First.\n\nsecond", ["First.", "second"]),
        ("- one item\n- another item", ["- one item", "- another item"]),
        ("Within 1.5 days of 3 p.m. today", ["Within 1.5 days of 3 p.m. today"]),
        ("---", ["---"]),
        ("  padded.  ", ["padded."]),
    ],
)
def test_a_clause_is_cut_at_its_sentences_and_items(text, sentences):
    assert [s.text for s in split_clause(clause(text))] == sentences


def test_a_row_of_a_table_is_a_sentence_and_its_rule_is_none():
    rows = [s for s in split_clause(clause(TABLE)) if s.text.startswith("|")]
    assert [r.text.split("|")[1].strip() for r in rows] == ["Role", "representative", "supervisor"]
    assert [q.value for q in rows[1].quantities] == [20]


def test_a_sentence_knows_its_quantities_and_whom_it_keeps_things_for():
    last = split_clause(clause(TABLE))[-1]
    assert last.roles == ("duty manager",)
    assert last.quantities == ()
    assert any(last.cues)


def test_of_a_book_the_first_sentences_stand_by_themselves():
    assert len(split_clause(clause("A rule. " * 500))) == 40


@given(st.text(min_size=1, max_size=300))
def test_sentences_are_slices_in_order(text):
    found = split_clause(clause(text))
    assert found
    assert all(text[s.start : s.end] == s.text for s in found)
    assert all(a.end <= b.start for a, b in zip(found, found[1:], strict=False))


@given(st.lists(st.text("abc. |\n-1£", min_size=1, max_size=80), min_size=1, max_size=4))
def test_every_sentence_has_a_row_and_every_row_a_sentence(texts):
    found, embedder = index(*(clause(text, n) for n, text in enumerate(texts)))
    assert found.sentence_vectors.shape == (sum(len(i.sentences) for i in found.items), 26)
    assert [r for i in found.items for r in range(i.rows.start, i.rows.stop)] == list(
        range(len(found.sentence_vectors))
    )
    assert len(embedder.batches) == len(texts), (
        "a clause's vectors are made together, of no other's"
    )


def test_a_bare_row_is_embedded_with_its_headings_and_title():
    _, embedder = index(clause(TABLE, title="Goodwill"))
    assert "Goodwill. Role: supervisor, Credit: up to £75, Points: 5,000" in embedder.batches[0]
    assert "Goodwill. Only the duty manager may grant more." in embedder.batches[0]


def test_who_may_grant_what_stands_with_the_clause():
    found, _ = index(clause(TABLE))
    caps = {(c.role, c.about): c.text for c in found.items[0].caps}
    assert caps["representative", "Credit"] == "up to £20"
    assert caps["supervisor", "Points"] == "5,000"


def test_the_clause_with_the_words_ranks_first():
    found, _ = index(
        clause("Parcels are left with a neighbour.", 1, "Delivery"),
        clause("A refund of the fee is paid to the card.", 2, "Refunds"),
        clause("The engineer rings before a visit.", 3, "Visits"),
    )
    scores = found.lexical("can I have a refund on my card?")
    assert int(scores.argmax()) == 1
    assert found.lexical("").tolist() == found.lexical("zzz qqq").tolist() == [0, 0, 0]


@given(
    st.lists(
        st.sampled_from(["refund", "card", "fee", "parcel", "visit", "engineer", "zebra"]),
        max_size=8,
    )
)
def test_a_lexical_score_is_a_share_of_the_best_there_could_be(words):
    found, _ = index(
        clause("A refund of the fee is paid to the card.", 1), clause("The engineer's visit.", 2)
    )
    scores = found.lexical(" ".join(words))
    assert scores.dtype == np.float32
    assert np.all((scores >= 0) & (scores <= 1))
    assert np.allclose(found.lexical(" ".join([*words, *words])), scores, atol=1e-5)
