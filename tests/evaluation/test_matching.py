"""Which predicted mark stands for which gold mark."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evaluation.matching import match_commitments, match_spans, shared_words

WORDS = ["refund", "fee", "friday", "send", "the"]
quotes = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
marks = st.builds(
    lambda turn, quote, strength, kind: {
        "turn": turn,
        "quote": quote,
        "strength": strength,
        "kind": kind,
    },
    st.integers(0, 2),
    quotes,
    st.sampled_from(["firm", "conditional", "hedged"]),
    st.sampled_from(["promise", "assurance"]),
)
spans = st.builds(
    lambda start, length: {"start": start, "end": start + length},
    st.integers(0, 8),
    st.integers(0, 6),
)


def mark(quote, *, turn=1, strength="firm", **more):
    return {"turn": turn, "quote": quote, "strength": strength, "kind": "promise", **more}


def span(start, end):
    return {"start": start, "end": end}


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("I'll refund the fee", "I'll refund the fee", 1.0),
        ("I'll refund the fee", "the FEE", 1.0),
        ("refund the fee", "send the form", 1 / 3),
        ("refund the fee today", "send the form today please", 1 / 2),
        ("the the the", "the", 1.0),
        ("the the the", "the fee please", 1 / 3),
        ("$25.50", "it is 25.50", 1.0),
        ("don't", "don’t", 1.0),
        ("refund", "send", 0.0),
        ("...", "...", 1.0),
        ("...", "?!", 0.0),
        ("...", "refund", 0.0),
    ],
)
def test_shared_words_are_counted_against_the_shorter_quote(one, other, share):
    assert shared_words(one, other) == pytest.approx(share)
    assert shared_words(other, one) == pytest.approx(share)


@pytest.mark.parametrize(
    ("gold", "predicted", "pairs"),
    [
        pytest.param([], [], (), id="nothing"),
        pytest.param([mark("a b c")], [mark("a b c")], ((0, 0),), id="the same"),
        pytest.param([mark("a b c")], [mark("a b c", turn=3)], (), id="another turn"),
        pytest.param([mark("a b c")], [mark("a x y")], ((0, 0),), id="a third is enough"),
        pytest.param([mark("a b c d")], [mark("a x y z")], (), id="a quarter is not"),
        pytest.param(
            [mark("a b c")], [mark("a b x"), mark("a b c")], ((0, 1),), id="the best of two"
        ),
        pytest.param(
            [mark("a b c"), mark("d e f")],
            [mark("d e f"), mark("a b c")],
            ((0, 1), (1, 0)),
            id="crosswise",
        ),
        pytest.param(
            [mark("a b c d")],
            [mark("a b"), mark("c d")],
            ((0, 0),),
            id="one to one",
        ),
        pytest.param(
            [mark("a b"), mark("c d e")],
            [mark("a b c d e")],
            ((1, 0),),
            id="one quote over two marks takes the longer",
        ),
        pytest.param(
            [mark("a b"), mark("c d e", strength="hedged")],
            [mark("a b c d e")],
            ((0, 0),),
            id="a firm one over both takes the firm one",
        ),
        pytest.param(
            [mark("a b c"), mark("c d e", strength="hedged")],
            [mark("c d e")],
            ((1, 0),),
            id="the hedged one where its words are nearer",
        ),
        pytest.param(
            [mark("a b c")],
            [mark("a b c", strength="hedged"), mark("a b")],
            ((0, 1),),
            id="a hedged prediction takes no firm mark from an equal firm one",
        ),
        pytest.param(
            [mark("a b c")],
            [mark("a b c", strength="hedged"), mark("a b x")],
            ((0, 0),),
            id="but it does from a worse one",
        ),
    ],
)
def test_commitments_match_on_turn_and_words(gold, predicted, pairs):
    assert match_commitments(gold, predicted) == pairs


@pytest.mark.parametrize(
    ("gold", "predicted", "pairs"),
    [
        pytest.param([span(3, 7)], [span(3, 7)], ((0, 0),), id="the same"),
        pytest.param([span(0, 3)], [span(2, 5)], (), id="2 of 6"),
        pytest.param([span(0, 3)], [span(1, 4)], ((0, 0),), id="3 of 5"),
        pytest.param([span(0, 3)], [span(0, 7)], ((0, 0),), id="4 of 8 is a half"),
        pytest.param([span(0, 3)], [span(0, 8)], (), id="4 of 9 is less"),
        pytest.param([span(0, 3)], [span(4, 7)], (), id="side by side"),
        pytest.param([span(0, 0)], [span(5, 5)], (), id="apart"),
        pytest.param([span(0, 3)], [span(0, 2), span(0, 3)], ((0, 1),), id="the best of two"),
        pytest.param(
            [span(0, 3), span(4, 7)],
            [span(4, 7), span(0, 3)],
            ((0, 1), (1, 0)),
            id="crosswise",
        ),
        pytest.param([span(0, 3)], [span(0, 1), span(2, 3)], ((0, 0),), id="one to one"),
    ],
)
def test_spans_match_at_half_of_their_union(gold, predicted, pairs):
    assert match_spans(gold, predicted) == pairs


@settings(deadline=None)
@given(st.lists(marks, max_size=6))
def test_the_same_marks_match_to_the_last_whatever_their_order(gold):
    backwards = gold[::-1]
    pairs = match_commitments(gold, backwards)
    assert len(pairs) == len(gold)
    assert all(gold[i] == backwards[j] for i, j in pairs)


@settings(deadline=None)
@given(st.lists(marks, max_size=5), st.lists(marks, max_size=5), st.randoms())
def test_commitments_match_alike_in_any_order_and_from_either_side(gold, predicted, random):
    def content(ours, theirs, pairs):
        return sorted((sorted(ours[i].items()), sorted(theirs[j].items())) for i, j in pairs)

    expected = content(gold, predicted, match_commitments(gold, predicted))
    shuffled = random.sample(gold, len(gold)), random.sample(predicted, len(predicted))
    assert content(*shuffled, match_commitments(*shuffled)) == expected
    swapped = [(i, j) for j, i in match_commitments(predicted, gold)]
    assert content(gold, predicted, swapped) == expected


@settings(deadline=None)
@given(st.lists(marks, max_size=5), st.lists(marks, max_size=5))
def test_a_match_is_one_to_one_and_leaves_nothing_that_could_match(gold, predicted):
    pairs = match_commitments(gold, predicted)
    used = [i for i, _ in pairs], [j for _, j in pairs]
    assert all(len(set(side)) == len(side) for side in used)
    for i, ours in enumerate(gold):
        for j, theirs in enumerate(predicted):
            if i not in used[0] and j not in used[1] and ours["turn"] == theirs["turn"]:
                assert shared_words(ours["quote"], theirs["quote"]) < 1 / 3


@settings(deadline=None)
@given(st.lists(spans, max_size=5), st.lists(spans, max_size=5), st.randoms())
def test_spans_match_alike_in_any_order_and_from_either_side(gold, predicted, random):
    n_pairs = len(match_spans(gold, predicted))
    assert len(match_spans(predicted, gold)) == n_pairs
    shuffled = random.sample(gold, len(gold)), random.sample(predicted, len(predicted))
    assert len(match_spans(*shuffled)) == n_pairs
