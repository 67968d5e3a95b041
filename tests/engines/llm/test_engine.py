"""The chain against a strict server: what is asked, what comes of it, what a fault costs."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path

import pytest

from analyzer.domain import Call
from analyzer.engines.llm.chat import MOST_TOKENS_OUT
from analyzer.errors import BadAnswer, CallDeferred, ConfigError, EngineRefused, EngineUnavailable
from analyzer.pipeline import analyze_call, analyze_many
from tests.engines.llm.conftest import a_call
from tests.engines.llm.speaking import (
    Plain,
    asked_for,
    chats,
    last_part,
    read_call,
    texts_of,
)
from tests.model_server.answers import Answer, Script
from tests.model_server.faults import ALL_KINDS, BEFORE_THE_MODEL, FaultPlan
from tests.model_server.server import ModelServer


def a_mark(**more):
    return {
        "turn": 2, "quote": "I'll refund the fee of nine dollars", "kind": "promise",
        "strength": "firm", "summary": "A refund.", "query": "late fee refund",
        "due_said": None, "amount": 9, "currency": "USD", "condition": None,
        "fulfilled_in_call": False, "withdrawn_at": None, **more,
    }  # fmt: skip


def marks(*commitments, walls=()):
    return {"commitments": list(commitments), "stonewalls": list(walls)}


def a_judgement(verdict="supported", status="met", **more):
    return {
        "commitment": "c1", "clauses": ["FEE-1"], "policy_conflict": [], "verdict": verdict,
        "clause_quote": "A late fee is refunded once a year", "why": "The clause allows it.",
        "conditions": [{"text": "asked for", "kind": "terms", "status": status, "turn": 1,
                        "compare": None}], **more,
    }  # fmt: skip


def judgements(*found):
    return {"judgements": list(found)}


ADVICE = {
    "guidance": [
        {"commitment": "c1", "resolution": "honour", "reason": "Small.",
         "customer_words": "We are sorry.", "coach_words": "What else could be said?"}
    ]
}  # fmt: skip


# --- what a call costs -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "prompts"),
    [
        ([marks()], ["mark.v2"]),
        ([marks(a_mark()), judgements(a_judgement())], ["mark.v2", "judge.v2"]),
        (
            [marks(a_mark()), judgements(a_judgement("contradicted", "not_met")), ADVICE],
            ["mark.v2", "judge.v2", "guide.v1"],
        ),
        # A hedged mark is not judged.
        ([marks(a_mark(strength="hedged"))], ["mark.v2"]),
    ],
)
def test_one_two_or_three_requests(engine_for, view, answers, prompts):
    with ModelServer(Script(answers)) as server:
        analysis = engine_for(server).analyze(a_call(), view)
    assert [step["prompt"] for step in analysis.trace] == prompts
    assert analysis.usage.requests == len(chats(server)) == len(prompts)
    assert analysis.usage.tokens_in > 0
    assert analysis.usage.cost_usd is None
    assert server.errors == []


def test_a_conflict_has_all_that_a_reviewer_needs(engine_for, view):
    answers = [marks(a_mark()), judgements(a_judgement("contradicted", "not_met")), ADVICE]
    with ModelServer(Script(answers)) as server:
        (mark,) = engine_for(server).analyze(a_call(), view).commitments
    assert mark.verdict == "contradicted"
    assert mark.clauses == ("FEE-1",)
    assert mark.clause_quote == "A late fee is refunded once a year"
    assert mark.conditions[0].met is False
    assert mark.retrieved[0] == "FEE-1"
    assert mark.resolution == "honour"
    assert mark.guidance["customer"] == "We are sorry."
    assert mark.explanation["model"]["verdict"] == "contradicted"
    assert mark.explanation["derived"] == "contradicted"
    assert mark.amount.value == 9
    assert not mark.needs_review


def test_the_static_part_is_the_same_from_call_to_call(engine_for, view):
    with ModelServer(Plain()) as server:
        engine = engine_for(server)
        for n in range(3):
            engine.analyze(a_call(f"I'll send it {n}.", call_id=f"c{n}"), view)
    systems = {(asked_for(r), texts_of(r)[0]) for r in chats(server)}
    assert len(systems) == 2
    judged = next(s for name, s in systems if name == "JudgeAnswer")
    assert "FEE-1" in judged  # a small library goes along whole, where the provider caches it
    assert all(r.body["max_completion_tokens"] == MOST_TOKENS_OUT for r in chats(server))


def test_the_same_question_is_paid_for_once(engine_for, view):
    with ModelServer(Plain()) as server:
        first = engine_for(server).analyze(a_call(), view)
        again = engine_for(server).analyze(a_call(), view)
        assert len(chats(server)) == 2
        engine_for(server, response_cache=False).analyze(a_call(), view)
        assert len(chats(server)) == 4
    assert again.usage.requests == 0
    assert again.commitments == first.commitments


# --- grounding and repair --------------------------------------------------------------------


def test_marks_that_were_never_said_go_back_once_and_are_then_set_aside(engine_for, view):
    false = a_mark(quote="I'll give you a car")
    wall = {"start": 0, "end": 2, "tactics": ["threat"], "severity": 1, "quote": "no", "why": None}
    answers = [
        marks(a_mark(), false, a_mark(turn=77, quote="nor this"), walls=[wall]),
        marks(false),
        judgements(a_judgement()),
    ]
    with ModelServer(Script(answers)) as server:
        analysis = engine_for(server).analyze(a_call(), view)
    assert len(analysis.commitments) == 1
    assert [s.reason for s in analysis.set_aside] == ["the quote was not said in turn 2"]
    sent_back = last_part(chats(server)[1], "<<<MARKS", "MARKS>>>").split("\n")
    assert len(sent_back) == 3
    assert len(chats(server)) == 3


def test_a_mark_that_is_put_right_counts(engine_for, view):
    answers = [
        marks(a_mark(quote="refund nine")), marks(a_mark()), judgements(a_judgement()),
    ]  # fmt: skip
    with ModelServer(Script(answers)) as server:
        analysis = engine_for(server).analyze(a_call(), view)
    assert [m.quote for m in analysis.commitments] == ["I'll refund the fee of nine dollars"]
    assert analysis.set_aside == ()


def test_a_clause_that_is_not_there_is_sent_back_and_then_reviewed(engine_for, view):
    wrong = a_judgement(clauses=["NO-1"])
    misquoted = a_judgement(clause_quote="fees are never refunded")
    with ModelServer(Script([marks(a_mark()), judgements(wrong), judgements(misquoted)])) as server:
        analysis = analyze_call_with(engine_for(server), view)
    (mark,) = analysis.commitments
    assert mark.clauses == ("FEE-1",)
    assert mark.clause_quote in view.find_clause("FEE-1").text
    assert mark.needs_review
    assert "do not stand there" in mark.why


def analyze_call_with(engine, view):
    from analyzer.evidence import ground

    return ground(engine.analyze(a_call(), view), view)


def test_a_judgement_that_is_missing_twice_leaves_the_mark_for_review(engine_for, view):
    with ModelServer(Script([marks(a_mark()), judgements(), judgements()])) as server:
        (mark,) = engine_for(server).analyze(a_call(), view).commitments
    assert mark.verdict is None
    assert mark.needs_review


def test_where_code_and_model_differ_the_mark_goes_to_review_with_both(engine_for, view):
    answers = [marks(a_mark()), judgements(a_judgement("supported", "not_met")), ADVICE]
    with ModelServer(Script(answers)) as server:
        (mark,) = engine_for(server).analyze(a_call(), view).commitments
    assert mark.verdict == "contradicted"
    assert mark.needs_review
    assert "the model says supported" in mark.why


def test_without_a_position_nothing_exceeds_it(engine_for, view):
    beyond = a_judgement("exceeds_authority", clauses=["AUT-1"], clause_quote="up to $25",
        conditions=[{"text": "cap", "kind": "authority", "status": "not_met", "turn": None,
                     "compare": None}])  # fmt: skip
    with ModelServer(Script([marks(a_mark()), judgements(beyond)])) as server:
        (mark,) = engine_for(server).analyze(a_call(position=None), view).commitments
    assert mark.verdict == "conditions_unverified"
    assert mark.needs_review


# --- long calls ------------------------------------------------------------------------------


def test_a_long_call_is_read_in_windows_and_each_mark_counts_once(engine_for, view):
    lines = [f"I'll see to number {n} for you." for n in range(60)]
    with ModelServer(Plain()) as server:
        analysis = engine_for(server, window_tokens=700).analyze(a_call(*lines), view)
    asked = [r for r in chats(server) if asked_for(r) == "MarkAnswer"]
    assert len(asked) > 2
    assert [m.turn for m in analysis.commitments] == list(range(0, 120, 2))
    assert all(m.verdict == "supported" for m in analysis.commitments)


def test_an_answer_that_is_cut_off_is_asked_for_in_halves(engine_for, view):
    lines = [f"I'll see to number {n} for you." for n in range(12)]

    def answer(request):
        call = read_call(request)
        n = sum(t.role == "agent" for t in call.turns)
        whole = Plain()(request)
        if asked_for(request) == "MarkAnswer" and n > 6:
            return Answer(whole[:50], "length")
        listed = last_part(request, "<<<COMMITMENTS", "COMMITMENTS>>>").split("\n")
        if asked_for(request) == "JudgeAnswer" and len(listed) > 6:
            return Answer(whole[:50], "length")
        return whole

    with ModelServer(answer) as server:
        analysis = engine_for(server).analyze(a_call(*lines), view)
    assert [m.turn for m in analysis.commitments] == list(range(0, 24, 2))
    assert all(m.verdict == "supported" for m in analysis.commitments)
    assert any("cut off" in note for note in analysis.notes)


# --- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*(k for k in BEFORE_THE_MODEL if k != "quota"), "slow"])
def test_a_fault_of_the_service_is_got_over(engine_for, view, kind):
    with ModelServer(Plain(), faults=FaultPlan.script({0: kind, 2: kind})) as server:
        analysis = engine_for(server).analyze(a_call(), view)
    assert len(analysis.commitments) == 1
    assert analysis.usage.requests == 2
    assert server.faults.by_kind_counts()[kind] == (1 if kind == "slow" else 2)
    assert len(chats(server)) == (2 if kind == "slow" else 4)


@pytest.mark.parametrize("kind", ["invalid_json", "wrong_enum", "huge"])
def test_an_answer_that_cannot_be_read_is_asked_for_once_more(engine_for, view, kind):
    with ModelServer(Plain(), faults=FaultPlan.script({0: kind})) as server:
        engine = engine_for(server)
        analysis = engine.analyze(a_call(), view)
    assert len(analysis.commitments) == 1
    assert len(chats(server)) == 3
    assert [m["role"] for m in chats(server)[1].body["messages"]][-2:] == ["assistant", "user"]
    assert analysis.trace[0]["tokens_out"] > 0  # what could not be used was paid for, and is kept
    with ModelServer(Plain(), faults=FaultPlan.script({0: kind, 1: kind})) as server:
        with pytest.raises(BadAnswer) as caught:
            engine_for(server, response_cache=False).analyze(a_call(), view)
        assert caught.value.raw
        assert len(chats(server)) == 2


@pytest.mark.parametrize(("kind", "told"), [("refusal", "declined"), ("content_filter", "filter")])
def test_a_refusal_is_recorded_as_such(engine_for, view, kind, told):
    with ModelServer(Plain(), faults=FaultPlan.script({0: kind})) as server:
        with pytest.raises(EngineRefused, match=told):
            engine_for(server).analyze(a_call(), view)
        assert len(chats(server)) == 1
    # In the second stage the marks stay, without a verdict.
    with ModelServer(Plain(), faults=FaultPlan.script({1: kind})) as server:
        (mark,) = engine_for(server, response_cache=False).analyze(a_call(), view).commitments
    assert mark.verdict is None
    assert mark.needs_review


def test_a_server_that_stays_away_defers_the_call(engine_for, view):
    with ModelServer(Plain(), faults=FaultPlan(rate=1.0, kinds=["500"])) as server:
        with pytest.raises(EngineUnavailable, match="deferred"):
            engine_for(server).analyze(a_call(), view)
        assert len(chats(server)) == 8


def test_faults_mixed_at_random_lose_and_double_nothing(engine_for, book):
    calls = [
        a_call("Hello there.", f"I'll refund fee number {n}.", call_id=f"c{n}") for n in range(200)
    ]
    plan = FaultPlan(rate=0.2, kinds=[k for k in ALL_KINDS if k != "quota"], seed=7, hold_s=0.3)
    with ModelServer(Plain(), faults=plan) as server:
        engine = engine_for(server, concurrency=32, timeout_s=1.0)
        outcomes = list(analyze_many(calls, engine=engine, book=book))
        again = list(analyze_many(calls, engine=engine, book=book))
    assert [o.call.call_id for o in outcomes] == [c.call_id for c in calls]
    done = [o for o in outcomes if o.analysis]
    assert len(done) > 160
    for outcome in outcomes:
        assert outcome.analysis or outcome.reason
        if outcome.analysis:
            for mark in outcome.analysis.commitments:
                assert mark.quote in outcome.call.turns[mark.turn].text
    assert server.errors == []
    # 2 requests a call without faults; a fault forces at most one more try of what it spoilt.
    forced = sum(plan.by_kind_counts().values())
    assert len(chats(server)) <= 1.3 * 400 + forced
    # What was finished is not asked for again.
    assert sum(o.analysis is not None for o in again) >= len(done)


# --- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"openai_api_key": "sk-wrong"}, "OPENAI_API_KEY"),
        ({"model": "test-modle"}, "test-model"),
        ({"openai_base_url": "http://127.0.0.1:9/v1"}, "cannot be reached"),
        ({"openai_base_url": "nonsense"}, "OPENAI_BASE_URL"),
    ],
)
def test_bad_settings_are_one_sentence_before_any_call(engine_for, view, settings, told):
    with ModelServer(Plain()) as server:
        with pytest.raises(ConfigError, match=told) as caught:
            engine_for(server, **settings).analyze(a_call(), view)
        assert chats(server) == []
    assert "sk-" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_that_is_like_none_is_told_by_the_first_request(engine_for, view):
    with (
        ModelServer(Plain()) as server,
        pytest.raises(ConfigError, match="WORDBOND_MODEL"),
    ):
        engine_for(server, model="qqq").analyze(a_call(), view)


@pytest.mark.parametrize("modes", ["json_object", "tools", "json_object tools", ""])
def test_an_endpoint_without_json_schema_is_asked_otherwise_and_remembered(engine_for, view, modes):
    with ModelServer(Plain(), modes={*modes.split(), "plain"}) as server:
        first = engine_for(server, response_cache=False).analyze(a_call(), view)
        asked = len(chats(server))
        again = engine_for(server, response_cache=False).analyze(a_call(), view)
    assert len(first.commitments) == 1
    assert first.commitments[0].verdict == "supported"
    assert again.commitments == first.commitments
    assert asked > 2
    assert len(chats(server)) == asked + 2


def test_a_temperature_is_sent_where_it_is_set(engine_for, view):
    with ModelServer(Plain()) as server:
        engine_for(server).analyze(a_call(), view)
        assert "temperature" not in chats(server)[-1].body
        engine_for(server, temperature=0.0).analyze(a_call(), view)
        assert chats(server)[-1].body["temperature"] == 0.0


def test_the_cost_cap_defers_what_is_left_and_the_next_run_takes_it_up(engine_for, book, tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text(
        'as_of = 2026-11-01\n[models."test-model"]\ninput = 1.0\ncached_input = 0.1\noutput = 5.0\n'
    )
    calls = [a_call(f"I'll do {n}.", call_id=f"c{n}") for n in range(6)]
    with ModelServer(Plain()) as server:
        engine = engine_for(server, max_cost=0.03, prices=prices, concurrency=1)
        outcomes = list(analyze_many(calls, engine=engine, book=book))
        assert 0 < sum(o.analysis is not None for o in outcomes) < 6
        assert "deferred" in outcomes[-1].reason
        assert engine.chat.budget.spent_usd <= 0.03
        asked = len(chats(server))
        rest = engine_for(server, max_cost=1.0, prices=prices)
        assert all(o.analysis for o in analyze_many(calls, engine=rest, book=book))
        assert len(chats(server)) <= 12
        assert asked < 12
    with ModelServer(Plain()) as server, pytest.raises(ConfigError, match="WORDBOND_PRICES"):
        engine_for(server, max_cost=1.0)
    assert issubclass(CallDeferred, Exception)


# --- personal data, attacks, the second reader -----------------------------------------------

SPOKEN = [
    {"role": "agent", "name": "Ann", "position": "representative",
     "text": "Can I take your name and the card number?"},
    {"role": "customer", "name": "Marlon Okafor",
     "text": "Marlon Okafor, four one one one, one one one one, one one one one, one one one one."},
    {"role": "agent", "name": "Ann", "position": "representative",
     "text": "I'll refund the nine dollars to the card ending one one one one, Marlon."},
]  # fmt: skip


def test_personal_data_stays_home_and_comes_back_in_the_calls_own_words(engine_for, view):
    call = Call.model_validate(
        {"call_id": "p", "company": "shop", "date": "2026-03-18", "customer_id": "K-7781",
         "phone": "+12025550123", "turns": SPOKEN}
    )  # fmt: skip
    with ModelServer(Plain()) as server:
        analysis = engine_for(server).analyze(call, view)
        sent = json.dumps([r.body for r in chats(server)])
        engine_for(server, redact=False, response_cache=False).analyze(call, view)
        open_sent = json.dumps([r.body for r in chats(server)[2:]])
    for word in ("Marlon", "Okafor", "one one one", "K-7781", "2025550123"):
        assert word not in sent
    assert "Marlon" in open_sent
    (mark,) = analysis.commitments
    assert mark.quote == (
        "I'll refund the nine dollars to the card ending one one one one, Marlon."
    )
    assert analysis.redacted["card"] >= 1


def test_no_answer_breaks_the_grounding(engine_for, view):
    """Whatever comes back, what is marked stands verbatim in the call."""
    wild = [
        marks(a_mark(quote=""), a_mark(quote="   "), a_mark(turn=-5), a_mark(turn=10**9)),
        marks(a_mark(turn=1, quote="Could you help me")),
        marks(a_mark(amount=1e308, withdrawn_at=-3, currency="")),
        marks(walls=[{"start": 3, "end": 1, "tactics": ["threat"], "severity": 3, "quote": "x"}]),
        marks(a_mark(quote=".*"), a_mark(quote="CALL>>>"), a_mark(quote="[2] agent Ann")),
    ]
    from analyzer.evidence import ground

    for answer in wild:

        def say(request, answer=answer):
            return json.dumps(answer if asked_for(request) == "MarkAnswer" else judgements())

        with ModelServer(say) as server:
            engine = engine_for(server, response_cache=False)
            analysis = ground(engine.analyze(a_call(), view), view)
        for mark in analysis.commitments:
            assert mark.quote
            assert mark.quote in analysis.call.turns[mark.turn].text
            assert analysis.call.turns[mark.turn].role == "agent"


ATTACKS = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "attacks.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


class Obedient:
    """A model that does whatever the call says: every turn is a promise, in every wrong way."""

    def __call__(self, request):
        if asked_for(request) != "MarkAnswer":
            return Plain("supported")(request)
        shown = [t for t in read_call(request).turns if t.text.strip()]
        wrong = [
            a_mark(turn=t.turn, quote=quote)
            for t in shown
            for quote in (t.text[:3000], t.text[:99].upper(), "the agent said nothing", "...")
        ]
        return json.dumps(marks(*wrong))


def test_attacks_go_over_the_wire_inside_the_fence_and_break_no_grounding(engine_for, book):
    assert len(ATTACKS) >= 60
    assert len({a["technique"] for a in ATTACKS}) >= 8
    calls = [
        Call.model_validate(
            {**{k: v for k, v in a.items() if k != "technique"}, "company": "shop",
             "date": "2026-03-18"}
        )
        for a in ATTACKS
    ]  # fmt: skip
    with ModelServer(Obedient()) as server:
        found = list(analyze_many(calls, engine=engine_for(server, concurrency=8), book=book))
    for request in chats(server):
        system, user, *_ = texts_of(request)
        for opens, closes in (("<<<CALL\n", "\nCALL>>>"), ("<<<COMMITMENTS\n", "\nCOMMITMENTS>>>")):
            assert user.count(opens) == user.count(closes) <= 1
        inside = user.partition("<<<CALL\n")[2].partition("\nCALL>>>")[0]
        assert all(re.match(r"\[\d+\] (agent|customer|system)\b", n) for n in inside.split("\n"))
        outside = user.replace(inside, "").partition("<<<COMMITMENTS")[0]
        for attack in ATTACKS:
            for turn in attack["turns"]:
                words = turn["text"].split("\n")[0][:60]
                assert len(words) < 12 or words not in system + outside
    for call, outcome in zip(calls, found, strict=True):
        assert outcome.analysis is not None, outcome.reason
        for mark in outcome.analysis.commitments:
            assert call.turns[mark.turn].role == "agent"
            assert mark.quote in call.turns[mark.turn].text
            assert mark.verdict != "supported" or mark.clauses == ("FEE-1",)


def test_a_model_that_is_talked_round_is_found_out(engine_for, view):
    call = a_call("I'll refund the fee and send you the confirmation by Friday, I promise you.")
    with ModelServer(lambda _: json.dumps(marks())) as server:
        analysis = engine_for(server, second_reading=True).analyze(call, view)
        quiet = engine_for(server, second_reading=True).analyze(a_call("Hello, Ann here."), view)
    assert analysis.needs_review
    assert any("the embedded engine sees" in note for note in analysis.notes)
    assert not quiet.needs_review


def test_many_threads_share_one_engine(engine_for, view):
    with ModelServer(Plain(), latency_s=0.05) as server:
        engine = engine_for(server, response_cache=False)
        found = []
        threads = [
            threading.Thread(
                target=lambda n=n: found.append(
                    engine.analyze(a_call(f"I'll do {n}.", call_id=f"c{n}"), view)
                )
            )
            for n in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {a.call.call_id for a in found} == {f"c{n}" for n in range(12)}


def test_a_run_that_is_ended_early_waits_for_no_answer(engine_for, book):
    calls = [a_call(call_id=f"c-{n}") for n in range(20)]

    def slow_but_for_the_first(_request):
        return 0.0 if len(chats(server)) <= 2 else 600.0

    with ModelServer(Plain(), latency_s=slow_but_for_the_first) as server:
        engine = engine_for(server, concurrency=4, timeout_s=900, response_cache=False)
        found = analyze_many(calls[:1], engine=engine, book=book)
        assert next(found).analysis is not None
        rest = analyze_many(calls, engine=engine, book=book)
        ended = threading.Thread(target=lambda: next(rest, None))
        ended.start()
        while server.in_flight < 4:
            time.sleep(0.01)
        engine.stop()  # as the pipeline does when the user ends the run
        ended.join(20)
        assert not ended.is_alive()
        rest.close()  # type: ignore[attr-defined]


def test_through_the_pipeline_a_record_names_its_makers(engine_for, book):
    with ModelServer(Plain()) as server:
        analysis = analyze_call(a_call(), engine=engine_for(server), book=book)
    record = json.loads(json.dumps(analysis.to_record()))
    assert record["engine"] == "llm"
    assert record["model"] == "test-model"
    assert record["prompt_version"].startswith("mark.v2+judge.v2+guide.v1@")
    assert record["usage"]["requests"] == 2
    assert record["commitments"][0]["clause_versions"]
