"""Where the parts meet: companies, days and policies that are missing, and engines that say wrong things."""

from __future__ import annotations

import time

import numpy as np
import pytest

from analyzer.config import Settings
from analyzer.domain import Analysis, Call, Clause, Commitment, Stonewall
from analyzer.errors import BadAnswer, CallSetAside, ConfigError
from analyzer.pipeline import analyze_call, analyze_many, build_engine
from analyzer.policy_book import PolicyBook

CALL = Call.model_validate(
    {
        "call_id": "k1", "company": "acme", "date": "2026-03-04",
        "turns": [{"role": "agent", "text": "You have sixty days."}, {"role": "customer", "text": "Thanks."}],
    }
)  # fmt: skip


class ScriptedEngine:
    """Answers from a queue and keeps what it was asked."""

    name, model = "scripted", "script-1"
    prompt_version: str | None = None

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def close(self) -> None: ...

    def analyze(self, call, view):
        self.asked.append((call, view))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Analysis(call=call, **answer)


def clause(company="acme", **fields):
    return Clause(
        **(
            {
                "id": "RET-1",
                "company": company,
                "company_name": f"{company.title()} Ltd",
                "document": "d",
                "text": "Back within 45 days.",
            }
            | fields
        )
    )


def book_of(*clauses):
    return PolicyBook("none", clauses, np.zeros((len(clauses), 2), dtype=np.float32))


GOOD = Commitment(id="c1", turn=0, quote="sixty days", kind="assurance", strength="firm",
                  verdict="contradicted", clauses=("RET-1",), clause_quote="45 days")  # fmt: skip
BARE = GOOD.model_copy(update={"verdict": None, "clauses": (), "clause_quote": None})


def test_versions_score_and_engine_stand_on_the_result():
    analysis = analyze_call(
        CALL, engine=ScriptedEngine({"commitments": (GOOD,)}), book=book_of(clause())
    )
    assert analysis.commitments[0].clause_versions == (clause().version,)
    assert (analysis.engine, analysis.model) == ("scripted", "script-1")
    assert analysis.policy_version
    assert analysis.score == 75


def test_what_an_engine_makes_up_never_becomes_a_finding():
    liar = GOOD.model_copy(update={"id": "c2", "quote": "ninety days"})
    analysis = analyze_call(
        CALL, engine=ScriptedEngine({"commitments": (GOOD, liar)}), book=book_of(clause())
    )
    assert [m.id for m in analysis.commitments] == ["c1"]
    assert analysis.set_aside[0].reason == "the quote was not said in turn 0"


@pytest.mark.parametrize(
    ("call", "book", "words"),
    [
        (CALL, None, "No policies are loaded"),
        (CALL.model_copy(update={"date": None}), book_of(clause()), "no date"),
        (CALL, book_of(clause(effective_from="2026-04-01")), "was in force on 2026-03-04"),
    ],
)
def test_where_no_clause_can_be_named_verdicts_are_null_and_marks_go_to_review(call, book, words):
    engine = ScriptedEngine({"commitments": (BARE,)})
    analysis = analyze_call(call, engine=engine, book=book)
    assert engine.asked[0][1] is None
    assert analysis.commitments[0].verdict is None
    assert analysis.commitments[0].needs_review
    assert words in " ".join(analysis.notes)
    assert analysis.policy_version is None


def test_the_shown_name_is_the_company_too():
    engine = ScriptedEngine({})
    analyze_call(
        CALL.model_copy(update={"company": "ACME ltd"}),
        engine=engine,
        book=book_of(clause(), clause("other")),
    )
    assert engine.asked[0][1].company == "acme"


def test_the_only_company_there_is_judges_a_call_of_an_unknown_one_and_says_so():
    analysis = analyze_call(
        CALL.model_copy(update={"company": "zzz"}),
        engine=ScriptedEngine({}),
        book=book_of(clause()),
    )
    assert "'zzz' is unknown" in analysis.notes[0]


@pytest.mark.parametrize(
    ("company", "words"), [("acmee", "did you mean 'acme'"), (None, "names no company")]
)
def test_among_several_companies_an_unknown_one_is_set_aside(company, words):
    book = book_of(clause(), clause("other"))
    with pytest.raises(CallSetAside, match=words):
        analyze_call(
            CALL.model_copy(update={"company": company}), engine=ScriptedEngine({}), book=book
        )


def test_one_call_that_fails_does_not_stop_the_others():
    calls = [CALL.model_copy(update={"call_id": f"k{i}"}) for i in range(4)]
    engine = ScriptedEngine({}, BadAnswer("no JSON"), CallSetAside("not in English"), {})
    outcomes = list(analyze_many(calls, engine=engine, book=None))
    assert [o.reason for o in outcomes] == [None, "no JSON", "not in English", None]
    assert [o.analysis is not None for o in outcomes] == [True, False, False, True]


def test_an_error_nobody_foresaw_costs_its_own_call_and_tells_no_word_of_it():
    calls = [CALL.model_copy(update={"call_id": f"k{i}"}) for i in range(2)]
    engine = ScriptedEngine(RuntimeError("You have sixty days."), {})
    first, second = analyze_many(calls, engine=engine, book=None)
    assert first.reason is not None
    assert "RuntimeError" in first.reason
    assert "sixty" not in first.reason
    assert second.analysis is not None


def test_what_was_promised_but_not_judged_has_no_score():
    engine = ScriptedEngine({"commitments": (BARE,)}, {})
    assert analyze_call(CALL, engine=engine, book=None).score is None
    assert analyze_call(CALL, engine=engine, book=None).score == 100


def test_stonewalls_cost_by_severity():
    def wall(severity):
        return Stonewall(start=0, end=0, tactics=("threat",), severity=severity, quote="sixty")

    scores = [
        analyze_call(CALL, engine=ScriptedEngine({"stonewalls": (wall(s),)}), book=None).score
        for s in (1, 2, 3)
    ]
    assert scores == [90, 80, 65]


def test_engines_that_cannot_be_had_are_refused_in_a_sentence():
    assert build_engine(Settings(), name="auto").name == "embedded"
    for name, told in (("llm", "KEY"), ("cascade", "KEY"), ("magic", "magic")):
        with pytest.raises(ConfigError, match=told):
            build_engine(Settings(), name=name)


def test_auto_is_the_llm_engine_where_a_model_is_set():
    engine = build_engine(Settings(openai_base_url="http://127.0.0.1:9/v1"))
    assert engine.name == "llm"
    assert engine.prompt_version is not None


class Slow(ScriptedEngine):
    """Works on three calls together, the earlier ones slower."""

    concurrency = 3

    def close(self) -> None: ...

    def analyze(self, call, _view):
        time.sleep(0.03 if call.call_id == "c0" else 0)
        return Analysis(call=call)


def test_calls_under_way_together_come_back_in_their_order():
    calls = [CALL.model_copy(update={"call_id": f"c{n}"}) for n in range(7)]
    found = [o.call.call_id for o in analyze_many(calls, engine=Slow(), book=None)]
    assert found == [c.call_id for c in calls]


def test_wrong_settings_end_the_run():
    engine = ScriptedEngine(ConfigError("The key is wrong."), {})
    with pytest.raises(ConfigError):
        list(analyze_many([CALL, CALL], engine=engine, book=None))
