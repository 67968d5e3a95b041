"""One number for a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import scoring
from analyzer.domain import VERDICTS, Analysis, Call, Commitment, Stonewall
from analyzer.errors import ConfigError
from analyzer.scoring import load_scorecard, score_call

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


CARD = """
name: ours
version: 3
verdicts: {contradicted: 10}
stonewalls: {3: 5}
tactics: {threat: 7}
knock_outs:
  - {name: a threat, tactic: threat, severity: 3, score: 30}
  - {name: a broken word, verdict: contradicted, score: 50}
"""


def card(tmp_path, text=CARD):
    path = tmp_path / f"card-{abs(hash(text))}.yaml"
    path.write_text(text)
    return load_scorecard(path)


def test_a_company_s_own_scorecard_counts_and_says_what_each_mark_took(tmp_path):
    ours = card(tmp_path)
    assert ours.key == "ours@3"
    analysis = Analysis(call=CALL, commitments=(mark("contradicted"),), stonewalls=(wall(3),))
    found = scoring.score(analysis, ours)
    assert found.total == 30
    assert [(p.mark, p.points, p.ceiling) for p in found.parts] == [
        ("c", 10, None), ("c", 0, 50), ("turns 0 to 1", 5, None), ("turns 0 to 1", 7, None),
        ("turns 0 to 1", 0, 30),
    ]  # fmt: skip
    taken_back = Analysis(call=CALL, commitments=(mark("contradicted", withdrawn_at=1),))
    assert scoring.score(taken_back, ours).total == 90


@given(
    st.lists(st.sampled_from([*VERDICTS, None]), max_size=6),
    st.lists(st.sampled_from([1, 2, 3]), max_size=3),
)
def test_a_score_is_what_its_parts_leave(verdicts, severities):
    analysis = Analysis(
        call=CALL,
        commitments=tuple(mark(v) for v in verdicts),
        stonewalls=tuple(wall(s) for s in severities),
    )
    found = scoring.score(analysis)
    assert found.total == max(0, round(found.start - sum(p.points for p in found.parts)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x\nversion: 1\nverdicts: {contradicted: -4}", "verdicts"),
        ("name: x\nversion: 1\nverdicts: {rude: 4}", "verdicts"),
        ("name: x\nversion: 0", "version"),
        ("name: x\nversion: 1\nbonus: 4", "bonus"),
        ("name: [x\nversion", "no YAML"),
        ("- 1", "cannot be used"),
    ],
)
def test_a_scorecard_that_cannot_be_used_names_what_is_wrong(text, told, tmp_path):
    with pytest.raises(ConfigError, match=told):
        card(tmp_path, text)


def test_a_scorecard_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="WORDBOND_SCORECARD"):
        load_scorecard(tmp_path / "none.yaml")
