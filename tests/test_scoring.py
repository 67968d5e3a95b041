"""One number for a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.domain import VERDICTS, Analysis, Call, Commitment, Stonewall
from analyzer.scoring import score_call

CALL = Call.model_validate(
    {"turns": [{"role": "agent", "text": "a"}, {"role": "agent", "text": "b"}]}
)


def mark(verdict, withdrawn_at=None):
    return Commitment(id="c", turn=0, quote="a", kind="promise", strength="firm", verdict=verdict,
                      withdrawn_at=withdrawn_at)  # fmt: skip


def wall(severity):
    return Stonewall(start=0, end=1, tactics=("threat",), severity=severity)


def score(*marks, walls=()):
    return score_call(Analysis(call=CALL, commitments=marks, stonewalls=walls))


@pytest.mark.parametrize(
    ("verdict", "firm", "withdrawn"),
    [
        ("contradicted", 75, 90),
        ("exceeds_authority", 80, 92),
        ("conditions_unverified", 95, 98),
        ("supported", 100, 100),
        ("not_addressed", 100, 100),
        (None, 100, 100),
    ],
)
def test_a_verdict_costs_less_when_it_was_put_right(verdict, firm, withdrawn):
    assert score(mark(verdict)) == firm
    assert score(mark(verdict, withdrawn_at=1)) == withdrawn


def test_costs_add_up_and_end_at_nothing():
    assert score(mark("contradicted"), mark("exceeds_authority"), walls=(wall(1),)) == 45
    assert score(*[mark("contradicted")] * 5, walls=(wall(3),)) == 0


@given(
    st.lists(st.sampled_from([*VERDICTS, None]), max_size=8),
    st.lists(st.sampled_from([1, 2, 3]), max_size=4),
)
def test_a_score_lies_between_0_and_100_and_more_never_raises_it(verdicts, severities):
    marks, walls = [mark(v) for v in verdicts], [wall(s) for s in severities]
    found = score(*marks, walls=tuple(walls))
    assert 0 <= found <= 100
    assert score(*marks, mark("contradicted"), walls=tuple(walls)) <= found
