"""Words as features see them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.language.tokens import content_words, feature_tokens, ngrams, stem, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I'll call you.", ["i'll", "call", "you"]),
        ("Ill youll dont", ["ill", "you'll", "don't"]),
        ("it’s gonna be £40?", ["it's", "going", "to", "be", "£", "40", "?"]),
        ("1,200.50 at 7:30", ["1,200.50", "at", "7:30"]),
        ("", []),
        ("¡…!", []),
    ],
)
def test_words_are_lower_case_with_contractions_mended(text, found):
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("eighty-eight twenty", ["<n>"]),
        ("on the fourteenth of March", ["on", "the", "<n>", "of", "<date>"]),
        ("by Friday", ["by", "<date>"]),
        ("£25 back in five days", ["<money>", "<n>", "back", "in", "<n>", "<period>"]),
        ("may I", ["may", "i"]),
    ],
)
def test_numbers_sums_dates_and_periods_are_alike(text, found):
    assert feature_tokens(text) == found


def test_runs_of_words_know_the_edges():
    assert ngrams(["a", "b"], 2) == ["a", "b", "^ a", "a b", "b $"]
    assert ngrams(["a"], 1, prefix="x:") == ["x:a"]
    assert ngrams([], 2) == ["^ $"]
    assert ngrams([], 1) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("refunds", "refunded"),
        ("cancellation", "cancelled"),
        ("policies", "policy"),
        ("charges", "charged"),
        ("payments", "payment"),
        ("repairs", "repairing"),
    ],
)
def test_forms_of_a_word_share_their_stem(one, other):
    assert stem(one)[:6] == stem(other)[:6]


@pytest.mark.parametrize("word", ["fee", "gas", "bed", "ring", "yes", "tie"])
def test_short_words_are_left_alone(word):
    assert stem(word) == word


def test_words_without_content_are_left_out():
    assert content_words("The refunds that you will have been charged, okay? A 5 % gas fee") == [
        "refund", "charg", "gas", "fee",
    ]  # fmt: skip


@given(st.text(max_size=200))
def test_any_text_gives_tokens(text):
    tokens = feature_tokens(text)
    assert all(tokens)
    assert all(a != "<n>" or b != "<n>" for a, b in zip(tokens, tokens[1:], strict=False))
    assert len(ngrams(tokens, 3)) == len(tokens) + (len(tokens) + 1) + max(len(tokens), 0)
    assert all(len(w) > 0 for w in content_words(text))


@given(st.from_regex(r"[a-z]{1,20}", fullmatch=True))
def test_a_stem_keeps_how_a_word_begins(word):
    base = stem(word)
    assert base
    assert word.startswith(base.rstrip("y")[:2])
