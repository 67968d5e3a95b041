"""Passages, windows, words and how they are joined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.retrieval import (
    LexicalIndex,
    Passages,
    rank_clauses,
    split_passages,
    split_query,
)

WORDS = st.text(alphabet="abcdef .!?\n-()1", max_size=3000)


@given(WORDS)
def test_no_word_of_a_clause_is_lost_in_its_passages(text: str) -> None:
    joined = " ".join(split_passages(text))
    assert [w for w in text.split() if w not in joined.split()] == []


def test_each_passage_of_a_long_clause_begins_with_its_headings() -> None:
    text = "\n\n".join(f"Paragraph {i} " + "word " * 60 for i in range(6))
    passages = split_passages(text, head="Returns. Window")
    assert len(passages) > 1
    assert all(p.startswith("Returns. Window. ") for p in passages)
    assert split_passages("A short one.", head="Returns") == ("Returns. A short one.",)


@given(WORDS)
def test_any_query_gives_windows(text: str) -> None:
    windows = split_query(text)
    assert 1 <= len(windows) <= 40


def test_a_long_query_is_cut_at_sentences() -> None:
    text = " ".join(f"This is sentence number {i} of the long story." for i in range(40))
    windows = split_query(text)
    assert len(windows) > 3
    assert all(len(w.split()) <= 60 for w in windows)
    assert all(w.endswith(".") for w in windows)


def test_the_text_with_the_words_scores_most() -> None:
    index = LexicalIndex(["returns within thirty days", "parcels weigh less", "points and miles"])
    shares = index.shares("returning a parcel in thirty days")
    assert int(np.argmax(shares)) == 0
    assert float(shares.max()) == 1.0
    assert float(shares[2]) == 0.0


@pytest.mark.parametrize("texts", [[], [""], ["the of and"], ["", "returns"]])
def test_words_that_nobody_knows_score_nothing(texts: list[str]) -> None:
    index = LexicalIndex(texts)
    assert index.shares("zebra").tolist() == [0.0] * len(texts)
    assert index.shares("").tolist() == [0.0] * len(texts)


def test_an_index_is_the_same_from_its_files(tmp_path: Path) -> None:
    index = LexicalIndex(["returns within thirty days", "parcels weigh less"])
    index.save(tmp_path / "words")
    again = LexicalIndex.load(tmp_path / "words")
    for query in ("parcels", "thirty days", "nothing"):
        assert np.array_equal(index.scores(query), again.scores(query))


def unit(rows: list[list[float]]) -> np.ndarray:
    out = np.array(rows, dtype=np.float32)
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def test_a_clause_counts_by_its_best_passage_and_comes_once() -> None:
    vectors = unit([[1, 0, 0], [0, 1, 0], [0.9, 0.1, 0], [0, 0, 1]])
    passages = Passages(vectors, np.array([0, 0, 1, 2]))
    found = rank_clauses(unit([[0, 1, 0]]), passages, np.zeros(4, np.float32), k=3)
    assert found.rows.tolist() == [0, 1, 2]
    assert found.likeness[0] == pytest.approx(1.0)


@pytest.mark.parametrize("n_windows", [1, 3])
def test_what_is_not_allowed_is_never_found(n_windows: int) -> None:
    chance = np.random.default_rng(3)
    vectors = unit(chance.normal(size=(50, 8)).tolist())
    owner = np.arange(50)
    allowed = owner % 2 == 0
    windows = unit(chance.normal(size=(n_windows, 8)).tolist())
    found = rank_clauses(
        windows, Passages(vectors, owner), np.ones(50, np.float32), k=60, allowed=allowed
    )
    assert len(found.rows) == 25
    assert all(row % 2 == 0 for row in found.rows)
    nothing = rank_clauses(
        windows, Passages(vectors, owner), np.ones(50, np.float32), k=5, allowed=np.zeros(50, bool)
    )
    assert len(nothing.rows) == 0


@given(st.integers(1, 6), st.integers(1, 40), st.integers(1, 50))
def test_scores_fall_and_rows_are_distinct(n_windows: int, size: int, k: int) -> None:
    chance = np.random.default_rng(size)
    vectors = unit(chance.normal(size=(size, 6)).tolist())
    owner = np.sort(chance.integers(0, max(size // 2, 1), size))
    windows = unit(chance.normal(size=(n_windows, 6)).tolist())
    lexical = chance.random(size).astype(np.float32)
    found = rank_clauses(windows, Passages(vectors, owner), lexical, k=k)
    assert len(set(found.rows.tolist())) == len(found.rows) == min(k, len(set(owner.tolist())))
    assert all(a >= b for a, b in zip(found.scores, found.scores[1:], strict=False))
