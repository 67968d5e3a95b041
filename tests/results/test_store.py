"""What a store does, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import argparse
import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config

import analyzer.results
from analyzer.domain import Amount, Analysis, Call, Commitment, Condition, Due, Stonewall, Usage
from analyzer.errors import StoreError
from analyzer.results import ResultStore

PROMISE = "I'll refund the fee today"
WALL = "There is nothing I can do"
NOON = dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)


@pytest.fixture
def store(database_url: str) -> Iterator[ResultStore]:
    with ResultStore.open(database_url) as opened:
        yield opened


def a_call(call_id: str = "k1", **fields: Any) -> Call:
    turns = (
        {"turn": 0, "role": "customer", "text": "I was billed again."},
        {"turn": 1, "role": "agent", "text": f"Right. {PROMISE}, sure.", "name": "Dana"},
        {"turn": 2, "role": "customer", "text": "What else can you do?"},
        {"turn": 3, "role": "agent", "text": f"{WALL}.", "name": "Dana"},
    )
    known = {"company": "acme", "date": "2026-03-04", "customer_id": "c-9", "turns": turns}
    return Call.model_validate({"call_id": call_id, **known, **fields})


def a_promise(**fields: Any) -> Commitment:
    known = {
        "id": "c1",
        "turn": 1,
        "quote": PROMISE,
        "kind": "promise",
        "strength": "firm",
        "verdict": "contradicted",
        "clauses": ("REF-2", "REF-1"),
        "clause_quote": "Fees are not refunded.",
        "conditions": (Condition(text="within 30 days", met=False, turn=0),),
        "due": Due(said="today", date=dt.date(2026, 3, 4)),
        "amount": Amount(value=25.0, currency="USD"),
        "confidence": 0.83,
        "resolution": "escalate",
        "needs_review": True,
    }
    return Commitment.model_validate({**known, **fields})


def a_wall(**fields: Any) -> Stonewall:
    known = {"start": 1, "end": 3, "tactics": ("flat_refusal",), "severity": 2, "quote": WALL}
    return Stonewall.model_validate({**known, **fields})


def an_analysis(call: Call | None = None, **fields: Any) -> Analysis:
    known = {
        "commitments": (a_promise(),),
        "stonewalls": (a_wall(),),
        "score": 55,
        "engine": "embedded",
        "model": "heads-1",
        "policy_version": "abc123",
        "usage": Usage(requests=1),
    }
    return Analysis.model_validate({"call": call or a_call(), **known, **fields})


def test_gives_back_what_was_saved(store: ResultStore) -> None:
    analysis = an_analysis()
    saved = store.save_analysis(analysis, source="calls/k1.json", format="native")
    assert saved.created
    assert store.get_analysis("acme", "k1") == analysis
    assert store.get_analysis("acme", "k1", result_id=saved.result_id) == analysis
    assert store.find_call("acme", "k1") == analysis.call


def test_keeps_what_other_programs_added(store: ResultStore) -> None:
    call = a_call(score="their own", engine="a car", ticket={"no": 7, "tags": ["a", None]})
    analysis = an_analysis(call, reviewed_elsewhere=True)
    store.save_analysis(analysis)
    loaded = store.get_analysis("acme", "k1")
    assert loaded == analysis
    assert loaded.call.content_hash == call.content_hash


def test_same_twice_changes_nothing(store: ResultStore) -> None:
    first = store.save_analysis(an_analysis(), source="a")
    row = store.find_call_row("acme", "k1")
    before = store.stats()
    second = store.save_analysis(an_analysis(usage=Usage(requests=9)), source="b")
    assert second.result_id == first.result_id
    assert not second.created
    assert store.stats() == before
    assert store.find_call_row("acme", "k1") == row
    assert not store.save_call(a_call()).created


@pytest.mark.parametrize(
    "change",
    [
        {"engine": "llm"},
        {"model": "heads-2"},
        {"prompt_version": "v3"},
        {"policy_version": "def456"},
        {"commitments": ()},
        {"commitments": (a_promise(verdict="supported"),)},
        {"stonewalls": (a_wall(severity=3),)},
        {"score": 54},
    ],
    ids=["engine", "model", "prompts", "policies", "no marks", "verdict", "severity", "score"],
)
def test_another_result_is_added_and_becomes_current(
    store: ResultStore, change: dict[str, Any]
) -> None:
    first = store.save_analysis(an_analysis())
    second = store.save_analysis(an_analysis(**change))
    assert second.created
    assert [(r.result_id, r.is_current) for r in store.list_results("acme", "k1")] == [
        (second.result_id, True),
        (first.result_id, False),
    ]
    assert store.get_analysis("acme", "k1") == an_analysis(**change)
    assert store.get_analysis("acme", "k1", result_id=first.result_id) == an_analysis()
    assert not store.save_analysis(an_analysis()).created
    assert store.list_results("acme", "k1")[0].is_current


def test_history_names_what_made_each_result(store: ResultStore) -> None:
    store.save_analysis(an_analysis(prompt_version="marks.v2"))
    (row,) = store.list_results("acme", "k1")
    assert (row.engine, row.model, row.prompt_version, row.policy_version) == (
        "embedded",
        "heads-1",
        "marks.v2",
        "abc123",
    )
    assert (row.version, row.score, row.n_commitments, row.n_conflicts, row.n_stonewalls) == (
        1, 55, 1, 1, 1,
    )  # fmt: skip
    assert row.saved_at.tzinfo is dt.UTC
    assert store.list_results("acme", "unknown") == []


def test_other_content_is_a_new_version(store: ResultStore) -> None:
    store.save_analysis(an_analysis())
    corrected = a_call(team="retention", agent_id="a7")
    saved = store.save_call(corrected, source="again.json", format="native")
    assert (saved.version, saved.created) == (2, True)
    assert store.find_call("acme", "k1") == corrected
    assert store.find_call("acme", "k1", version=1) == a_call()
    assert store.find_call("acme", "k1", version=3) is None
    row = store.find_call_row("acme", "k1")
    assert row is not None
    assert (row.version, row.n_versions, row.team, row.is_outdated) == (2, 2, "retention", True)
    assert store.get_analysis("acme", "k1") == an_analysis()

    assert store.save_analysis(an_analysis(corrected)).created
    row = store.find_call_row("acme", "k1")
    assert row is not None
    assert not row.is_outdated
    assert [r.version for r in store.list_results("acme", "k1")] == [2, 1]


def test_content_that_comes_back_is_its_earlier_version(store: ResultStore) -> None:
    store.save_analysis(an_analysis())
    store.save_analysis(an_analysis(a_call(team="retention"), score=10))
    before = store.stats()
    assert not store.save_analysis(an_analysis()).created
    row = store.find_call_row("acme", "k1")
    assert row is not None
    assert (row.version, row.n_versions, row.team, row.score) == (1, 2, None, 55)
    assert store.stats() == before


def test_one_id_in_two_companies_is_two_calls(store: ResultStore) -> None:
    for company in ("acme", "bolt", None):
        store.save_analysis(an_analysis(a_call(company=company)))
    assert store.count_calls() == 3
    assert store.companies() == ["acme", "bolt"]
    assert [row.company for row in store.list_calls(company="")] == [None]
    assert store.get_analysis(None, "k1") == store.get_analysis("", "k1")


def test_says_what_is_missing(store: ResultStore) -> None:
    store.save_call(a_call("read only"))
    saved = store.save_analysis(an_analysis())
    assert store.find_analysis("acme", "nobody") is None
    assert store.find_call("acme", "nobody") is None
    assert store.find_call_row("acme", "nobody") is None
    with pytest.raises(StoreError, match="'nobody' of company 'acme' is not stored"):
        store.get_analysis("acme", "nobody")
    with pytest.raises(StoreError, match=r"'read only' .* has not been analysed"):
        store.get_analysis("acme", "read only")
    with pytest.raises(StoreError, match=f"no result 9999; it has {saved.result_id}"):
        store.get_analysis("acme", "k1", result_id=9999)
    other = store.save_analysis(an_analysis(a_call("k2")))
    assert store.find_analysis("acme", "k1", result_id=other.result_id) is None


def test_lists_calls_with_their_counts(store: ResultStore) -> None:
    store.save_analysis(an_analysis())
    (row,) = store.list_calls()
    assert (row.company, row.call_id, row.date) == ("acme", "k1", dt.date(2026, 3, 4))
    assert row.agents == ("Dana",)
    assert (row.n_commitments, row.n_conflicts, row.n_stonewalls, row.n_marks) == (1, 1, 1, 2)
    assert (row.n_to_review, row.score, row.engine) == (1, 55, "embedded")
    assert store.list_results("acme", "k1")[0].result_id == row.result_id


def some_calls(store: ResultStore) -> None:
    clean: dict[str, Any] = {"commitments": (), "stonewalls": (), "score": 100}
    store.save_analysis(an_analysis(a_call("bad", date="2026-03-01"), score=10))
    store.save_analysis(an_analysis(a_call("clean", date="2026-03-03"), **clean))
    store.save_analysis(an_analysis(a_call("undated", date=None, company="bolt"), stonewalls=()))
    store.save_call(a_call("unread", date="2026-03-02", agent_id="a7"))


CALLS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["clean", "unread", "bad", "undated"]),
    ({"order": "worst"}, ["bad", "undated", "clean", "unread"]),
    ({"limit": 2}, ["clean", "unread"]),
    ({"limit": 2, "offset": 2}, ["bad", "undated"]),
    ({"limit": None, "offset": 3}, ["undated"]),
    ({"company": "bolt"}, ["undated"]),
    ({"has_conflict": True}, ["bad", "undated"]),
    ({"has_conflict": False}, ["clean"]),
    ({"has_stonewall": True}, ["bad"]),
    ({"has_stonewall": False, "has_conflict": True}, ["undated"]),
    ({"agent": "Dana"}, ["clean", "unread", "bad", "undated"]),
    ({"agent": "a7"}, ["unread"]),
    ({"agent": "Kim"}, []),
    ({"text": "BILLED again"}, ["clean", "unread", "bad", "undated"]),
    ({"text": "undat"}, ["undated"]),
    ({"text": "bolt"}, ["undated"]),
    ({"text": "100%"}, []),
    ({"text": "_"}, []),
    ({"text": ""}, ["clean", "unread", "bad", "undated"]),
]


def test_finds_calls(store: ResultStore) -> None:
    some_calls(store)
    found = [(wanted, [row.call_id for row in store.list_calls(**wanted)]) for wanted, _ in CALLS]
    assert found == CALLS
    for wanted, expected in CALLS:
        if not {"limit", "offset", "order"} & set(wanted):
            assert store.count_calls(**wanted) == len(expected), wanted


def test_search_folds_case_in_any_script(store: ResultStore) -> None:
    store.save_call(a_call(turns=[{"role": "agent", "text": "Das ist die STRAẞE nach ÉPERNAY"}]))
    assert store.count_calls(text="straße nach épernay") == 1


def test_names_of_agents(store: ResultStore) -> None:
    turns = [
        {"role": "agent", "text": "Hello", "name": "Kim"},
        {"role": "customer", "text": "Hi", "name": "Jo"},
        {"role": "agent", "text": "Hello again", "name": "Dana"},
        {"role": "agent", "text": "Yes", "name": "Kim"},
    ]
    store.save_call(a_call("two", turns=turns))
    nameless = [{"role": "agent", "text": "Hello"}]
    store.save_call(a_call("nameless", turns=nameless, agent_id="a7"))
    assert store.agents() == ["Dana", "Kim", "a7"]
    rows = {row.call_id: row.agents for row in store.list_calls()}
    assert rows == {"two": ("Kim", "Dana"), "nameless": ("a7",)}
    store.save_call(a_call("two", turns=nameless))
    assert store.agents() == ["a7"]


def test_lists_findings_of_current_results(store: ResultStore) -> None:
    first = store.save_analysis(an_analysis())
    store.save_analysis(an_analysis(engine="llm", stonewalls=()))
    (promise,) = store.list_findings()
    assert (promise.finding, promise.mark_id, promise.mark_kind) == ("commitment", "c1", "promise")
    assert (promise.turn, promise.quote_start, promise.quote) == (1, 7, PROMISE)
    assert (promise.verdict, promise.verdict_class, promise.clause) == (
        "contradicted",
        "conflict",
        "REF-2",
    )
    assert (promise.confidence, promise.needs_review, promise.resolution) == (
        0.83,
        True,
        "escalate",
    )
    assert (promise.status, promise.decisions) == ("open", ())
    earlier = store.list_findings(result_id=first.result_id)
    assert [row.finding for row in earlier] == ["commitment", "stonewall"]
    wall = earlier[1]
    assert (wall.mark_id, wall.mark_kind, wall.severity, wall.tactics) == (
        "s1",
        "stonewall",
        2,
        ("flat_refusal",),
    )
    assert (wall.first_turn, wall.last_turn, wall.turn, wall.quote_start) == (1, 3, 3, 0)


FINDINGS: list[tuple[dict[str, Any], int]] = [
    ({}, 3),
    ({"finding": "stonewall"}, 1),
    ({"verdict": "contradicted"}, 2),
    ({"verdict": "supported"}, 0),
    ({"clause": "REF-2"}, 2),
    ({"clause": "REF-1"}, 0),
    ({"company": "bolt"}, 1),
    ({"call_id": "bad"}, 2),
    ({"agent": "Dana"}, 3),
    ({"agent": "Kim"}, 0),
    ({"to_review": True}, 2),
    ({"to_review": False}, 1),
]


def test_finds_findings(store: ResultStore) -> None:
    some_calls(store)
    assert [(wanted, len(store.list_findings(**wanted))) for wanted, _ in FINDINGS] == FINDINGS
    assert [(wanted, store.count_findings(**wanted)) for wanted, _ in FINDINGS] == FINDINGS
    pages = [store.list_findings(limit=1, offset=n)[0].finding_id for n in range(3)]
    assert pages == [row.finding_id for row in store.list_findings()]


def test_a_decision_is_kept_with_who_and_when(store: ResultStore) -> None:
    store.save_analysis(an_analysis())
    (finding, _) = store.list_findings()
    zone = dt.timezone(dt.timedelta(hours=2))
    store.save_decision(
        finding.finding_id, decision="confirm", reviewer=" Ana ", when=NOON.astimezone(zone)
    )
    (decision,) = store.load_decisions(company="acme", call_id="k1")
    assert (decision.reviewer, decision.decision, decision.reason) == ("Ana", "confirm", None)
    assert decision.decided_at == NOON
    assert decision.decided_at.tzinfo is dt.UTC
    assert (decision.turn, decision.quote_start, decision.mark_kind) == (1, 7, "promise")
    (finding, wall) = store.list_findings()
    assert (finding.status, finding.decisions) == ("confirmed", (decision,))
    assert wall.status == "open"


def test_a_decision_takes_the_mark_off_the_queue(store: ResultStore) -> None:
    store.save_analysis(an_analysis())
    (finding,) = store.list_findings(to_review=True)
    store.save_decision(finding.finding_id, decision="note", reviewer="Ana", reason="Ask Tom.")
    assert store.list_calls()[0].n_to_review == 1
    store.save_decision(finding.finding_id, decision="dismiss", reviewer="Ana", reason="A joke.")
    assert store.list_findings(to_review=True) == []
    row = store.list_calls()[0]
    assert (row.n_to_review, row.n_conflicts) == (0, 1)


def test_a_decision_sticks_while_the_verdict_stays_in_its_class(store: ResultStore) -> None:
    store.save_analysis(an_analysis())
    finding = store.list_findings(finding="commitment")[0]
    made = store.save_decision(
        finding.finding_id, decision="dismiss", reviewer="Ana", reason="Taken back."
    )

    beyond = a_promise(id="c7", verdict="exceeds_authority", quote="I'll refund")
    store.save_analysis(an_analysis(engine="llm", commitments=(beyond,)))
    (again,) = store.list_findings(finding="commitment")
    assert (again.status, again.decisions) == ("dismissed", (made,))
    assert store.list_calls()[0].n_to_review == 0

    fine = a_promise(verdict="supported", needs_review=False)
    store.save_analysis(an_analysis(engine="cascade", commitments=(fine,)))
    (changed,) = store.list_findings(finding="commitment")
    assert (changed.status, changed.decisions) == ("reopened", (made,))
    assert store.list_calls()[0].n_to_review == 1
    assert [row.mark_id for row in store.list_findings(to_review=True)] == ["c1"]

    later = store.save_decision(changed.finding_id, decision="confirm", reviewer="Ben")
    (settled,) = store.list_findings(finding="commitment")
    assert (settled.status, settled.decisions) == ("confirmed", (made, later))
    first_result = store.list_results("acme", "k1")[-1].result_id
    (earlier,) = store.list_findings(result_id=first_result, finding="commitment")
    assert earlier.status == "dismissed"


@pytest.mark.parametrize(
    "moved",
    [{"turn": 3, "quote": WALL}, {"quote": "Right"}, {"kind": "assurance"}],
    ids=["turn", "place", "kind"],
)
def test_another_mark_is_not_decided(store: ResultStore, moved: dict[str, Any]) -> None:
    store.save_analysis(an_analysis())
    finding = store.list_findings(finding="commitment")[0]
    store.save_decision(finding.finding_id, decision="confirm", reviewer="Ana")
    store.save_analysis(an_analysis(engine="llm", commitments=(a_promise(**moved),)))
    (other,) = store.list_findings(finding="commitment")
    assert (other.status, other.decisions) == ("open", ())


def test_a_changed_mind_counts_and_both_are_kept(store: ResultStore) -> None:
    store.save_analysis(an_analysis())
    finding = store.list_findings(finding="stonewall")[0]
    store.save_decision(finding.finding_id, decision="confirm", reviewer="Ana")
    store.save_decision(finding.finding_id, decision="dismiss", reviewer="Ben", reason="Repaired.")
    (wall,) = store.list_findings(finding="stonewall")
    assert wall.status == "dismissed"
    assert [d.decision for d in wall.decisions] == ["confirm", "dismiss"]
    assert [d.reviewer for d in store.load_decisions()] == ["Ben", "Ana"]
    assert [d.decision for d in store.load_decisions(reviewer="Ana")] == ["confirm"]
    assert len(store.load_decisions(limit=1)) == 1
    assert store.load_decisions(company="acme", call_id="other") == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"decision": "dismiss"}, "needs its reason"),
        ({"decision": "dismiss", "reason": "  "}, "needs its reason"),
        ({"decision": "note"}, "needs words"),
        ({"decision": "confirm", "reviewer": " "}, "needs the name"),
    ],
)
def test_refuses_half_a_decision(store: ResultStore, wrong: dict[str, Any], message: str) -> None:
    store.save_analysis(an_analysis())
    finding_id = store.list_findings()[0].finding_id
    with pytest.raises(StoreError, match=message):
        store.save_decision(finding_id, **{"reviewer": "Ana", **wrong})
    with pytest.raises(StoreError, match="no finding 4711"):
        store.save_decision(4711, decision="confirm", reviewer="Ana")
    assert store.load_decisions() == []


def test_set_aside_inputs_are_counted(store: ResultStore) -> None:
    later = NOON + dt.timedelta(days=1)
    store.save_set_aside("a.txt", "It is empty.", NOON)
    store.save_set_aside("b.txt", "It is a picture.", NOON + dt.timedelta(hours=1))
    store.save_set_aside("a.txt", "It is empty.", later)
    first, second = store.list_set_aside()
    assert (first.source, first.times, first.first_at, first.last_at) == ("a.txt", 2, NOON, later)
    assert (second.source, second.reason, second.times) == ("b.txt", "It is a picture.", 1)
    assert [row.source for row in store.list_set_aside(1)] == ["a.txt"]
    assert [row.source for row in store.list_set_aside(since=later)] == ["a.txt"]


def test_times_need_their_zone(store: ResultStore) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        store.save_set_aside("a.txt", "It is empty.", naive)
    with pytest.raises(ValueError, match="zone"):
        store.list_set_aside(since=naive)
    with pytest.raises(ValueError, match="zone"):
        store.save_decision(1, decision="confirm", reviewer="Ana", when=naive)


def test_says_what_it_holds(store: ResultStore, database_url: str) -> None:
    some_calls(store)
    store.save_set_aside("a.txt", "It is empty.")
    store.save_decision(store.list_findings()[0].finding_id, decision="confirm", reviewer="Ana")
    stats = store.stats()
    assert (stats.n_calls, stats.n_versions, stats.n_results) == (4, 4, 3)
    assert (stats.n_findings, stats.n_decisions, stats.n_set_aside) == (3, 1, 1)
    assert stats.revision
    assert stats.database.endswith(database_url.rpartition("/")[2])


def test_migrations_build_what_the_tables_say(database_url: str, store: ResultStore) -> None:
    revision = store.stats().revision
    ini = Path(analyzer.results.__file__).parent / "migrations" / "alembic.ini"
    command.check(Config(str(ini), cmd_opts=argparse.Namespace(x=[f"url={database_url}"])))
    with ResultStore.open(database_url) as again:
        assert again.stats().revision == revision


def test_is_all_there_after_closing(database_url: str) -> None:
    with ResultStore.open(database_url) as first:
        first.save_analysis(an_analysis())
        before = (first.stats(), first.list_calls(), first.list_findings())
    with ResultStore.open(database_url) as second:
        assert (second.stats(), second.list_calls(), second.list_findings()) == before


def test_takes_text_that_databases_dislike(store: ResultStore) -> None:
    text = "nul \x00, \u202eright to left, 🦜, %_\\ and half \ud83d"
    store.save_call(a_call("half", turns=[{"role": "agent", "text": text}]))
    assert store.find_call("acme", "half").turns[0].text == text[:-1] + "\ufffd"
    whole = text[:-1]
    turns = [{"role": "agent", "text": whole, "name": "D\x00"}]
    mark = a_promise(turn=0, quote=whole, conditions=())
    analysis = an_analysis(a_call("k\x00", turns=turns), commitments=(mark,), stonewalls=())
    store.save_analysis(analysis)
    assert store.get_analysis("acme", "k\x00") == analysis
    assert store.count_calls(text="🦜, %_\\") == 2
    assert store.list_findings()[0].quote_start == 0


def test_a_mark_that_was_not_grounded_is_kept_without_a_place(store: ResultStore) -> None:
    marks = (a_promise(quote="never said"), a_promise(id="c2", turn=99))
    walls = (a_wall(quote=None), a_wall(start=50, end=51), a_wall(quote="I was billed again."))
    analysis = an_analysis(commitments=marks, stonewalls=walls)
    store.save_analysis(analysis)
    assert {row.quote_start for row in store.list_findings()} == {-1}
    assert store.get_analysis("acme", "k1") == analysis


def test_many_threads_save_one_call(database_url: str, store: ResultStore) -> None:
    gate = threading.Barrier(4)
    failures: list[Exception] = []

    def save(number: int) -> None:
        try:
            with ResultStore.open(database_url) as own:
                gate.wait(timeout=30)
                for score in range(5):
                    own.save_analysis(an_analysis(engine=f"e{number}", score=score))
                    own.save_analysis(an_analysis(engine="same", score=score))
                    own.save_set_aside("a.txt", "It is empty.", NOON)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    stats = store.stats()
    assert (stats.n_calls, stats.n_versions, stats.n_results) == (1, 1, 25)
    assert store.list_set_aside()[0].times == 20
    newest = max(row.result_id for row in store.list_results("acme", "k1"))
    assert store.list_calls()[0].result_id == newest
