"""What a change of policies does to stored calls: previewed, and judged again afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzer.config import Settings
from analyzer.domain import Analysis, Call, Clause, Commitment, PolicyDocument
from analyzer.embedders import packaged_embedder
from analyzer.errors import ConfigError
from analyzer.impact import compare_verdicts, preview_impact, rejudge_touched
from analyzer.pipeline import analyze_call
from analyzer.policy_book import PolicyView
from analyzer.policy_library import PolicyLibrary
from analyzer.results import ResultStore

NEW_YEAR = dt.date(2026, 1, 1)
WINDOW = "Goods may be sent back within thirty days of delivery."
RULES = {
    "RET-1": WINDOW,
    "SHP-1": "Parcels leave the warehouse within two working days.",
    "FEE-1": "The late fee is twelve dollars.",
}


class LiteralEngine:
    """Marks "you have N days" and "the fee is"; supported if the clause has the very number."""

    name, model = "literal", "1"
    prompt_version: str | None = None

    def __init__(self) -> None:
        self.judged: list[str] = []

    def close(self) -> None: ...

    def analyze(self, call: Call, view: PolicyView | None) -> Analysis:
        self.judged.append(call.call_id)
        marks: list[Commitment] = []
        for turn in call.turns:
            for words, clause_id in (("thirty days", "RET-1"), ("twelve dollars", "FEE-1")):
                clause = view.find_clause(clause_id) if view else None
                if turn.role != "agent" or words not in turn.text or clause is None:
                    continue
                agrees = words in clause.text
                marks.append(
                    Commitment(
                        id=f"c{len(marks)}", turn=turn.turn, quote=turn.text, kind="assurance",
                        strength="firm", verdict="supported" if agrees else "contradicted",
                        clauses=(clause_id,), retrieved=(clause_id,),
                        clause_quote=clause.text.split()[0],
                    )
                )  # fmt: skip
        return Analysis(call=call, commitments=tuple(marks))


def document(clauses: dict[str, str], since: dt.date | None = NEW_YEAR) -> PolicyDocument:
    head: dict[str, Any] = {"company": "acme", "document": "Rules", "effective_from": since}
    made = tuple(Clause(**head, id=key, title=key, text=text) for key, text in clauses.items())
    return PolicyDocument(**head, clauses=made)


def call(call_id: str, said: str, day: dt.date = dt.date(2026, 5, 4)) -> Call:
    return Call.model_validate(
        {
            "call_id": call_id, "company": "acme", "date": day,
            "turns": [{"role": "customer", "text": "What are the rules?"},
                      {"role": "agent", "text": said, "position": "representative"}],
        }
    )  # fmt: skip


@pytest.fixture
def library(tmp_path: Path) -> Iterator[PolicyLibrary]:
    where = Settings(home=tmp_path / "home", chroma_url=None)
    with PolicyLibrary.open(where, packaged_embedder()) as opened:
        opened.add([document(RULES)])
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    with ResultStore.open(f"sqlite:///{tmp_path / 'results.db'}") as opened:
        yield opened


@pytest.fixture
def engine() -> LiteralEngine:
    return LiteralEngine()


@pytest.fixture
def judged(library: PolicyLibrary, store: ResultStore, engine: LiteralEngine) -> None:
    for one in (
        call("returns", "You have thirty days to send it back."),
        call("fees", "The late fee is twelve dollars."),
        call("old", "You have thirty days to send it back.", dt.date(2026, 1, 5)),
        call("quiet", "Good morning."),
    ):
        store.save_analysis(analyze_call(one, engine=engine, book=library.book()))
    engine.judged.clear()


@pytest.mark.usefixtures("judged")
def test_a_preview_names_the_calls_that_would_get_another_verdict(library, store, engine) -> None:
    report = preview_impact(
        store, library.book(), [document(RULES | {"RET-1": "Ten days."}, dt.date(2027, 1, 1))],
        engine=engine, embedder=packaged_embedder(),
    )  # fmt: skip
    assert report.n_considered == 4
    assert [one.call.call_id for one in report.changed] == ["old", "returns"]
    (change,) = report.changed[0].changes
    assert (change.before, change.after) == ("supported", "contradicted")
    assert report.changed[0].touched_by == ("RET-1",)
    assert "fees" not in engine.judged
    assert library.book().view("acme", NEW_YEAR).find_clause("RET-1").text == WINDOW


@pytest.mark.usefixtures("judged")
def test_a_preview_can_begin_on_a_day(library, store, engine) -> None:
    report = preview_impact(
        store, library.book(), [document(RULES | {"RET-1": "Ten days."})],
        engine=engine, embedder=packaged_embedder(), since=dt.date(2026, 3, 1),
    )  # fmt: skip
    assert [one.call.call_id for one in report.changed] == ["returns"]


@pytest.mark.usefixtures("judged")
def test_a_version_that_says_the_same_is_told(library, store, engine) -> None:
    with pytest.raises(ConfigError, match="nothing would change"):
        preview_impact(
            store, library.book(), [document(RULES, dt.date(2027, 1, 1))],
            engine=engine, embedder=packaged_embedder(),
        )  # fmt: skip


@pytest.mark.usefixtures("judged")
def test_after_adoption_only_touched_calls_are_judged_again(library, store, engine) -> None:
    library.add([document(RULES | {"RET-1": "Goods go back in ten days."}, dt.date(2026, 4, 1))])

    def run() -> Any:
        return rejudge_touched(
            store, library.book(), library.list_adoptions(),
            engine=engine, embedder=packaged_embedder(), save=store.save_analysis,
        )  # fmt: skip

    report = run()
    assert engine.judged == ["returns"]  # the old call is of the version before
    assert [one.call.call_id for one in report.changed] == ["returns"]
    current = store.find_analysis("acme", "returns")
    assert current.commitments[0].verdict == "contradicted"
    assert len(store.list_results("acme", "returns")) == 2
    engine.judged.clear()
    assert run().touched == ()
    assert engine.judged == []


@pytest.mark.usefixtures("judged")
def test_a_new_clause_touches_the_promise_it_speaks_to(library, store, engine) -> None:
    library.add([document(RULES | {"RET-9": "Whoever sends goods back has thirty days."})])
    report = rejudge_touched(
        store, library.book(), library.list_adoptions(),
        engine=engine, embedder=packaged_embedder(), save=store.save_analysis,
    )  # fmt: skip
    assert {one.call.call_id for one in report.touched} >= {"returns", "old"}
    assert "quiet" not in engine.judged


def test_verdicts_are_compared_mark_by_mark() -> None:
    one = call("x", "You have thirty days to send it back, and shipping is free.")

    def mark(quote: str, verdict: str | None) -> Commitment:
        return Commitment(
            id=quote[:4], turn=1, quote=quote, kind="assurance", strength="firm", verdict=verdict,
            clauses=("RET-1",) if verdict else (),
        )  # fmt: skip

    before = Analysis(
        call=one,
        commitments=(mark("thirty days to send", "supported"), mark("shipping is free", None)),
    )
    after = Analysis(
        call=one, commitments=(mark("You have thirty days to send it back", "contradicted"),)
    )
    (change,) = compare_verdicts(before, after)
    assert (change.before, change.after) == ("supported", "contradicted")
    assert compare_verdicts(before, before) == ()
