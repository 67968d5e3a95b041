"""Labels and sentences: complete, plain, and blaming nobody."""

from __future__ import annotations

import datetime as dt
import typing

import pytest

from analyzer.domain import Commitment, Resolution, Severity, Stonewall, Tactic, Verdict
from analyzer.pages import _wording as wording

MARK = {"id": "c1", "turn": 1, "quote": "you keep it", "kind": "assurance", "strength": "firm"}


def mark(**fields):
    return Commitment.model_validate(MARK | fields)


def test_every_label_of_the_guide_has_words():
    assert set(wording.TACTIC_WORDS) == set(typing.get_args(Tactic))
    assert set(wording.SEVERITY_WORDS) == set(typing.get_args(Severity))
    assert set(wording.RESOLUTION_WORDS) == set(typing.get_args(Resolution))


def test_every_kind_of_mark_has_a_word_and_signs_tell_verdicts_apart():
    judged = [wording.label_of(mark(verdict=v)) for v in typing.get_args(Verdict)]
    wall = wording.label_of(Stonewall(start=1, end=3, tactics=("threat",), severity=3))
    hedged = wording.label_of(mark(strength="hedged"))
    unjudged = wording.label_of(mark())
    labels = [*judged, wall, hedged, unjudged]
    assert len({label.word for label in labels}) == len(labels)
    assert len({label.sign for label in [*judged, wall]}) == len(judged) + 1
    assert all(label.tone in wording.LABEL_COLORS for label in labels)


def test_no_word_on_screen_accuses():
    labels = [wording.label_of(mark(verdict=v)) for v in typing.get_args(Verdict)]
    told = " ".join(f"{label.word} {label.sentence}" for label in labels).lower()
    said = wording.say_findings(n_conflicts=2, n_stonewalls=1, n_to_review=3, n_marks=5).lower()
    for accusing in ("violation", "offender", "guilty", "fault", "broke"):
        assert accusing not in told + said


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((0, 0, 0, 0), "No commitment and no stonewalling was found."),
        ((0, 0, 2, 3), "Nothing is marked as against policy or as stonewalling; 2 to review."),
        ((1, 0, 0, 1), "1 commitment is marked as against policy."),
        (
            (2, 1, 1, 4),
            (
                "2 commitments are marked as against policy and 1 stretch is marked as "
                "stonewalling; 1 to review."
            ),
        ),
    ],
)
def test_a_call_is_told_in_one_sentence(numbers, said):
    conflicts, walls, review, marks = numbers
    assert (
        wording.say_findings(
            n_conflicts=conflicts, n_stonewalls=walls, n_to_review=review, n_marks=marks
        )
        == said
    )


@pytest.mark.parametrize(
    ("confidence", "said"),
    [
        (None, ""),
        (0.9, "quite sure (0.90)"),
        (0.65, "fairly sure (0.65)"),
        (0.5, "unsure (0.50)"),
        (0.0, "little more than a guess (0.00)"),
    ],
)
def test_confidence_is_told_in_words_with_its_figure(confidence, said):
    assert wording.say_sureness(confidence) == said


def test_counts_lists_and_days_read_as_english():
    assert wording.say_count(0, "call") == "no calls"
    assert wording.say_count(1, "call") == "1 call"
    assert wording.say_count(2, "person", "people") == "2 people"
    assert wording.say_list(()) == ""
    assert wording.say_list(("a", "b", "c")) == "a, b and c"
    assert wording.say_day(dt.date(2026, 3, 4)) == "4 March 2026"
    assert wording.say_day(None) == "no date"
