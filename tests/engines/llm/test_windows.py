"""Long calls in windows, and their marks merged."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.domain import Call
from analyzer.engines.llm.answers import MarkAnswer
from analyzer.engines.llm.windows import cut_windows, estimate_tokens, halve, merge_answers


def a_call(sizes):
    turns = [{"role": "agent", "text": "x" * size} for size in sizes]
    return Call.model_validate({"call_id": "x", "turns": turns})


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=60), st.integers(50, 3000))
def test_windows_cover_every_turn_and_fit(sizes, most):
    call = a_call(sizes)
    windows = cut_windows(call, most)
    assert windows[0].start == 0
    assert windows[-1].stop == len(sizes)
    for one, following in zip(windows, windows[1:], strict=False):
        assert one.start < following.start <= one.stop < following.stop
    for window in windows:
        size = sum(estimate_tokens(call.turns[t].text) + 12 for t in window)
        assert len(window) == 1 or size <= most


def test_a_call_that_fits_is_one_window_and_long_ones_overlap():
    assert cut_windows(a_call([40] * 40), 24_000) == [range(40)]
    windows = cut_windows(a_call([40] * 40), 440)
    assert len(windows) > 1
    assert windows[1].start == windows[0].stop - 10


@given(st.integers(0, 50), st.integers(1, 60))
def test_halves_cover_their_window(start, length):
    window = range(start, start + length)
    parts = halve(window)
    assert {t for part in parts for t in part} == set(window)
    assert length == 1 or all(len(part) < length for part in parts)


def a_mark(turn, quote, **more):
    return {"turn": turn, "quote": quote, "kind": "promise", "strength": "firm", **more}


def a_wall(start, end, severity=1, tactic="threat"):
    return {
        "start": start, "end": end, "tactics": [tactic], "severity": severity, "quote": "no",
    }  # fmt: skip


def an_answer(*marks, walls=()):
    return MarkAnswer.model_validate({"commitments": marks, "stonewalls": walls})


def test_marks_of_two_windows_are_merged_without_doubles():
    merged = merge_answers(
        [
            an_answer(
                a_mark(3, "I'll refund the fee"),
                a_mark(9, "you'll have it on Friday"),
                walls=[a_wall(5, 9)],
            ),
            an_answer(
                a_mark(9, "it on Friday by noon"),
                a_mark(9, "the postage is free"),
                a_mark(12, "I'll refund the fee"),
                walls=[a_wall(8, 13, 3, "dismissal"), a_wall(20, 22)],
            ),
        ]
    )
    assert [(m.turn, m.quote) for m in merged.commitments] == [
        (3, "I'll refund the fee"),
        (9, "you'll have it on Friday"),
        (9, "the postage is free"),
        (12, "I'll refund the fee"),
    ]
    spans = [(w.start, w.end, w.severity, w.tactics) for w in merged.stonewalls]
    assert spans == [(5, 13, 3, ("threat", "dismissal")), (20, 22, 1, ("threat",))]
