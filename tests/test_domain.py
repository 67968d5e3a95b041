"""The record goes in and comes out without loss; what breaks a rule is refused with the field's name."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.domain import Analysis, Call, Clause, Commitment, Stonewall, call_id_of

GUIDE_RECORD: dict[str, Any] = {
    "call_id": "k-1",
    "company": "acme",
    "date": "2026-03-04",
    "customer_id": "C1",
    "channel": "phone",
    "turns": [
        {"turn": 0, "role": "agent", "name": "Dana", "position": "representative", "text": "I'll refund the fee."},
        {"turn": 1, "role": "customer", "text": "Thanks."},
    ],
    "commitments": [
        {
            "id": "c1", "turn": 0, "quote": "I'll refund the fee", "kind": "promise", "strength": "firm",
            "summary": "Refund of the fee.", "due": {"said": "by Friday", "date": "2026-03-06"},
            "amount": {"value": 25.0, "currency": "USD"}, "condition": None, "fulfilled_in_call": False,
            "withdrawn_at": None, "policy_conflict": [], "verdict": "contradicted", "clauses": ["RET-2"],
            "resolution": "honour_with_disclosure", "why": "no fee is refunded",
        }
    ],
    "stonewalls": [
        {"start": 0, "end": 0, "tactics": ["flat_refusal"], "severity": 2, "quote": "I'll refund", "why": "x"}
    ],
    "links": [{"turn": 1, "to_call": "k-0", "to_commitment": "c1", "relation": "repeats"}],
}  # fmt: skip


def test_the_guides_record_survives_a_round_trip():
    analysis = Analysis.from_record(GUIDE_RECORD)
    record = analysis.to_record()
    assert Analysis.from_record(json.loads(json.dumps(record))) == analysis
    for name, value in GUIDE_RECORD.items():
        if name in {"commitments", "stonewalls"}:
            for mine, theirs in zip(record[name], value, strict=True):
                assert {k: mine[k] for k in theirs} == theirs
        else:
            assert record[name] == value


def test_fields_of_other_programs_are_kept():
    record = GUIDE_RECORD | {"crm_ticket": "T-9"}
    record["turns"] = [dict(t, sentiment=-0.5) for t in GUIDE_RECORD["turns"]]
    again = Analysis.from_record(record).to_record()
    assert again["crm_ticket"] == "T-9"
    assert again["turns"][0]["sentiment"] == -0.5


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"turns": []}, "turns"),
        ({"turns": [{"role": "agnet", "text": "hi"}]}, "turns.0.role"),
        ({"date": "4 March"}, "date"),
        (
            {
                "commitments": [
                    {"id": "c1", "turn": 0, "quote": "x", "kind": "vow", "strength": "firm"}
                ]
            },
            "kind",
        ),
        (
            {"stonewalls": [{"start": 3, "end": 1, "tactics": ["threat"], "severity": 2}]},
            "stonewalls.0",
        ),
        ({"stonewalls": [{"start": 0, "end": 0, "tactics": [], "severity": 2}]}, "tactics"),
    ],
)
def test_a_broken_record_is_refused_and_names_the_field(change, named):
    with pytest.raises(ValueError, match=named):
        Analysis.from_record(GUIDE_RECORD | change)


def test_turns_out_of_order_are_refused():
    turns = [{"turn": 1, "role": "agent", "text": "b"}, {"turn": 0, "role": "agent", "text": "a"}]
    with pytest.raises(ValueError, match="number turns from 0"):
        Call.model_validate({"call_id": "x", "turns": turns})


def test_a_call_without_an_id_is_known_by_its_texts():
    turns = [{"role": "agent", "text": "hello"}, {"role": "customer", "text": "hi"}]
    one = Call.model_validate({"turns": turns})
    other = Call.model_validate({"turns": turns, "company": "acme"})
    assert one.call_id == other.call_id == call_id_of(["hello", "hi"])
    assert one.content_hash != other.content_hash


def test_a_clause_is_in_force_from_its_first_to_its_last_day():
    clause = Clause(
        id="A-1", company="a", document="d", text="t",
        effective_from=dt.date(2026, 1, 1), effective_to=dt.date(2026, 1, 31),
    )  # fmt: skip
    days = [dt.date(2025, 12, 31), dt.date(2026, 1, 1), dt.date(2026, 1, 31), dt.date(2026, 2, 1)]
    assert [clause.is_in_force(d) for d in days] == [False, True, True, False]
    assert clause.version != clause.model_copy(update={"text": "u"}).version


def test_only_two_verdicts_are_conflicts():
    def mark(verdict):
        return Commitment(
            id="c", turn=0, quote="q", kind="promise", strength="firm", verdict=verdict
        )

    conflicts = [
        v
        for v in (
            "contradicted",
            "exceeds_authority",
            "conditions_unverified",
            "supported",
            "not_addressed",
            None,
        )
        if mark(v).is_conflict
    ]
    assert conflicts == ["contradicted", "exceeds_authority"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["agent", "customer", "system"]), st.text(max_size=40)),
        min_size=1,
        max_size=6,
    ),
    st.one_of(st.none(), st.dates()),
)
def test_any_call_round_trips(turns, day):
    record = {"call_id": "x", "date": day.isoformat() if day else None,
              "turns": [{"role": r, "text": t} for r, t in turns]}  # fmt: skip
    analysis = Analysis.from_record(record)
    assert Analysis.from_record(json.loads(json.dumps(analysis.to_record()))) == analysis
    assert [t.text for t in analysis.call.turns] == [t for _, t in turns]


def test_a_stonewall_may_be_one_turn():
    assert Stonewall(start=4, end=4, tactics=("threat",), severity=3).end == 4
