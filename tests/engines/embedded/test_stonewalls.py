"""Agent turns scored one by one, then read as spans; with heads made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.domain import Call
from analyzer.embedders import packaged_embedder
from analyzer.engines.embedded.heads import Head, Heads
from analyzer.engines.embedded.reading import TURN_HAND, read_call
from analyzer.engines.embedded.stonewalls import find_stonewalls, turn_dense

WIDTH = len(TURN_HAND) + 3 * 384
TACTICS = ("flat_refusal", "repeated_position", "threat")


def head(classes, words, bias):
    weights = np.zeros((len(words), len(classes)), dtype=np.float32)
    for row, (wanted, weight) in enumerate(words.values()):
        weights[row, classes.index(wanted)] = weight
    dense = np.zeros((WIDTH, len(classes)), dtype=np.float32)
    return Head(classes, {w: i for i, w in enumerate(words)}, weights, dense,
                np.array(bias, dtype=np.float32))  # fmt: skip


HEADS = Heads(
    {
        "wall": head(("no", "yes"), {"no": ("yes", 8), "perhaps": ("yes", 4.2)}, [4, 0]),
        "tactic": head(
            TACTICS,
            {"no": ("flat_refusal", 6), "again": ("repeated_position", 6), "court": ("threat", 6)},
            [0, 0, 0],
        ),
    },
    {},
    "made-by-hand",
)


def call(*lines, names=()):
    """``A:`` an agent's turn, ``C:`` a customer's; ``names`` are the agents' in order."""
    left = list(names)
    turns = []
    for line in lines:
        turn = {"role": "agent" if line[0] == "A" else "customer", "text": line[2:]}
        if line[0] == "A" and left:
            turn["name"] = left.pop(0)
        turns.append(turn)
    return Call.model_validate({"turns": turns})


def found(spoken, *, least=0.4, peak=0.6):
    reading = read_call(spoken, packaged_embedder())
    return find_stonewalls(reading, HEADS, {}, least=least, peak=peak)


def spans(*lines, **limits):
    return [(w.start, w.end) for w in found(call(*lines), **limits)]


CALM = ("A:Hello.", "C:Hi.", "A:Sure.", "C:Thanks.")


def test_a_calm_call_has_none():
    assert spans(*CALM) == []


def test_a_span_runs_from_agent_turn_to_agent_turn():
    assert spans(*CALM, "A:No.", "C:Why?", "A:No.", "C:Please!", "A:Goodbye then.") == [(4, 6)]


def test_one_softer_turn_does_not_end_it():
    assert spans("A:No.", "C:Why?", "A:Perhaps.", "C:When?", "A:No.") == [(0, 4)]


def test_two_matters_apart_are_two_spans():
    quiet = ("A:Sure.", "C:And the other?") * 4
    assert spans("A:No.", "C:Oh.", "A:No.", "C:Well.", *quiet, "A:No.", "C:Oh.", "A:No.") == [
        (0, 2), (12, 14),
    ]  # fmt: skip


def test_a_span_has_to_reach_the_peak_somewhere():
    lines = ("A:Perhaps.", "C:When?", "A:Perhaps.", "C:When?", "A:Perhaps.")
    assert spans(*lines, least=0.2) == []
    assert spans(*lines, least=0.2, peak=0.5) == [(0, 4)]


def test_the_quote_is_the_turn_that_speaks_most_for_it():
    (wall,) = found(call("A:Perhaps.", "C:When?", "A:  No, it is not. ", "C:Why?", "A:Perhaps."),
                    least=0.2)  # fmt: skip
    assert wall.quote == "No, it is not."


def test_tactics_are_those_of_its_turns_the_commonest_first():
    (wall,) = found(call("A:No.", "C:Why?", "A:No.", "C:But!", "A:No, again."))
    assert wall.tactics[0] == "flat_refusal"
    assert set(wall.tactics) == {"flat_refusal", "repeated_position"}
    assert wall.why == (
        "Turns 0 to 4: a refusal with no reason, alternative or way forward; the same line is given "
        "again with nothing taken in of what the customer adds."
    )


def test_where_no_tactic_stands_out_the_likeliest_is_named():
    many = ("dismissal", "non_answer", "runaround", "denied_escalation", "blame_shifting")
    unsure = Heads(
        {"wall": HEADS["wall"], "tactic": head((*TACTICS, *many), {}, [0] * 6 + [0.1, 0])}, {}, "x"
    )
    reading = read_call(call("A:No.", "C:Why?", "A:No."), packaged_embedder())
    (wall,) = find_stonewalls(reading, unsure, {}, least=0.4, peak=0.6)
    assert wall.tactics == ("denied_escalation",)


@pytest.mark.parametrize(
    ("lines", "names", "severity"),
    [
        (("A:No.", "C:Why?", "A:No."), (), 2),
        (("A:No.", "C:Why?", "A:No, see you in court."), (), 3),
        (("A:No.", "C:I'm begging you.", "A:No."), (), 3),
        (("A:No.", "C:I'll call my lawyer.", "A:No.", "C:Bye."), (), 3),
        (("A:No.", "C:Why?", *CALM, *CALM), (), 1),
        (
            ("A:No.", "C:Why?", "A:No.", "C:A manager!", *CALM, *CALM),
            ("Ann", "Ann", "Bo", "Bo", "Bo", "Bo"),
            1,
        ),
        (("A:No.", "C:Why?", "A:No.", "C:A manager!", "A:Sure."), ("Ann", "Ann", "Bo"), 2),
    ],
    ids=["refused", "threatened", "in distress", "lost", "a moment", "taken on", "not taken on"],
)
def test_severity_says_how_it_ended(lines, names, severity):
    (wall,) = found(call(*lines, names=names))
    assert wall.severity == severity


def test_a_doubtful_span_goes_to_review():
    (wall,) = found(
        call("A:Perhaps.", "C:?", "A:Perhaps.", "C:?", "A:Perhaps."), least=0.1, peak=0.3
    )
    assert wall.confidence is not None
    assert wall.needs_review is (wall.confidence < 0.5)
    (sure,) = found(call("A:No.", "C:?", "A:No."))
    assert not sure.needs_review


@pytest.mark.parametrize("lines", [("C:Hello?",), ("A:...", "C:?"), ("C:No.", "C:No.")])
def test_without_an_agents_words_there_is_none(lines):
    assert spans(*lines) == []


def test_the_features_of_a_turn_are_as_many_as_the_head_has():
    reading = read_call(call("A:No.", "C:Why?"), packaged_embedder())
    assert turn_dense(reading, 0, {0: 0.5}).shape == (WIDTH,)


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(["A:No.", "A:Perhaps.", "A:Sure.", "A:..", "C:Why?"]), min_size=1, max_size=14),
    st.floats(0.05, 0.95),
    st.floats(0.05, 0.95),
)  # fmt: skip
def test_spans_are_in_order_apart_and_end_at_agents_turns(lines, least, peak):
    spoken = call(*lines)
    walls = found(spoken, least=least, peak=peak)
    for wall in walls:
        assert spoken.turns[wall.start].role == spoken.turns[wall.end].role == "agent"
        assert wall.quote in {t.text for t in spoken.turns[wall.start : wall.end + 1]}
        assert 1 <= len(wall.tactics) <= 4
    assert all(a.end < b.start for a, b in zip(walls, walls[1:], strict=False))
