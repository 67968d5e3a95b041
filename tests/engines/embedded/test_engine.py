"""The embedded engine on calls written for these tests: what it marks, how it judges, what it refuses."""

from __future__ import annotations

import datetime as dt

import pytest

from analyzer.domain import Call
from analyzer.embedders import packaged_embedder
from analyzer.engines import Engine
from analyzer.engines.embedded.engine import EmbeddedEngine
from analyzer.errors import CallSetAside
from analyzer.pipeline import analyze_call
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies

POLICY = """---
company: Birchfield Broadband
effective_from: 2026-01-01
---

## GOO-1 Goodwill credits
| Role | Credit per account |
| --- | --- |
| representative | up to £20 |
| supervisor | up to £75 |

## REF-1 Refunds
Sums owed are returned to the card that was charged within five working days.

## CAN-1 Cooling off
A new contract may be withdrawn from within 14 days of the day on which it was made. Later withdrawal is charged.

## VIS-1 Engineer visits
An engineer visit is made free of charge where the fault lies in the network. A missed visit is credited with £25.
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("policies") / "birchfield"
    folder.mkdir()
    (folder / "terms.md").write_text(POLICY, encoding="utf-8")
    return PolicyBook.from_documents(read_policies(folder).documents, packaged_embedder())


@pytest.fixture(scope="module")
def engine():
    return EmbeddedEngine()


def call(*turns, **fields):
    spoken = [
        {"role": "agent", "position": "representative", "text": text} if i % 2 == 0 else {"role": "customer", "text": text}
        for i, text in enumerate(turns)
    ]  # fmt: skip
    return Call.model_validate({"call_id": "t", "date": "2026-03-04", "turns": spoken} | fields)


REFUND = call(
    "Birchfield, Sam speaking, how can I help?",
    "Hi, I was charged twice for March, can I have one of them back?",
    "Let me have a look. Yes, I can see both payments. I've refunded the second one, and it'll be back on your card within five working days.",
    "Lovely, thank you.",
    "You're welcome. Have a good day.",
)
OVER = call(
    "Birchfield, Sam speaking.",
    "My internet has been down for a week and nobody has done anything about it.",
    "I'm really sorry about that. Tell you what, I'm putting a sixty pound goodwill credit on your account for the trouble.",
    "Oh, brilliant, thank you.",
    "No problem at all.",
)
WALL = call(
    "Billing.",
    "You took a payment after I cancelled. I have the email that says it's cancelled.",
    "It's past the date, so it's payable.",
    "But I have the email here, can you look at it please?",
    "As I said, it's past the date, so it's payable.",
    "Can you look at the email? What can you do about it?",
    "There's nothing I can do. It's payable.",
    "Can I speak to a supervisor then?",
    "They'd only tell you the same thing.",
    "That is ridiculous. I'd still like to speak to one.",
    "You should have made sure it was cancelled. It's payable, and if you don't pay it goes to collections.",
    "Fine. I'm going to my bank.",
)


def test_it_is_an_engine(engine):
    assert isinstance(engine, Engine)
    assert engine.name == "embedded"


def test_a_promise_is_marked_with_its_words_and_its_clause(engine, book):
    analysis = analyze_call(REFUND, engine=engine, book=book)
    assert analysis.set_aside == ()
    marks = [m for m in analysis.commitments if m.turn == 2]
    assert marks
    assert all(m.quote in REFUND.turns[2].text for m in analysis.commitments)
    due = [m for m in marks if "five working days" in m.quote]
    assert due
    assert due[0].due.date == dt.date(2026, 3, 11)
    assert "REF-1" in due[0].retrieved[:2]
    assert {m.turn for m in analysis.commitments} == {2}, "call handling and courtesy are no marks"


def test_a_credit_beyond_the_roles_cap_exceeds_authority(engine, book):
    analysis = analyze_call(OVER, engine=engine, book=book)
    (mark,) = [m for m in analysis.commitments if m.verdict == "exceeds_authority"]
    assert mark.clauses[0] == "GOO-1"
    assert "up to £20" in mark.clause_quote
    assert "£20" in mark.why
    assert mark.amount.value == 60
    assert mark.resolution in {"escalate", "honour_with_disclosure"}
    assert any(c.met is False for c in mark.conditions)


def test_within_the_cap_it_is_no_conflict(engine, book):
    turns = [t.text.replace("sixty pound", "fifteen pound") for t in OVER.turns]
    analysis = analyze_call(call(*turns), engine=engine, book=book)
    assert analysis.commitments
    assert all(m.verdict != "exceeds_authority" for m in analysis.commitments)


def test_without_a_position_nothing_can_exceed_authority(engine, book):
    bare = OVER.model_copy(
        update={"turns": tuple(t.model_copy(update={"position": None}) for t in OVER.turns)}
    )
    analysis = analyze_call(bare, engine=engine, book=book)
    (mark,) = [m for m in analysis.commitments if m.turn == 2]
    assert mark.verdict != "exceeds_authority"


def test_a_wall_is_found_from_agent_turn_to_agent_turn(engine, book):
    (wall,) = analyze_call(WALL, engine=engine, book=book).stonewalls
    assert WALL.turns[wall.start].role == WALL.turns[wall.end].role == "agent"
    assert wall.start <= 6 <= wall.end
    assert wall.quote in " ".join(t.text for t in WALL.turns)
    assert wall.severity >= 2


def test_courtesy_alone_is_a_clean_call(engine, book):
    polite = call(
        "Good morning, how may I help?",
        "Just checking you're open.",
        "Thanks for calling, bye now.",
    )
    analysis = analyze_call(polite, engine=engine, book=book)
    assert (analysis.commitments, analysis.stonewalls, analysis.score) == ((), (), 100)


def test_the_same_call_gives_the_same_answer_whatever_came_before(engine, book):
    first = analyze_call(REFUND, engine=engine, book=book)
    for other in (WALL, OVER):
        analyze_call(other, engine=engine, book=book)
    assert analyze_call(REFUND, engine=EmbeddedEngine(), book=book) == first
    assert analyze_call(REFUND, engine=engine, book=book) == first


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"language": "de"}, ["Hallo"] * 3),
        ({}, ["Guten Tag, mein Name ist Schmidt, was kann ich heute für Sie tun, wie geht es Ihnen",
              "Ich möchte meinen Vertrag kündigen und mein Geld zurück haben, bitte sehr",
              "Das machen wir gerne, Sie bekommen das Geld innerhalb von fünf Werktagen zurück"]),
    ],
)  # fmt: skip
def test_a_call_in_another_language_is_set_aside_with_that_reason(engine, fields, words):
    with pytest.raises(CallSetAside, match="not in English"):
        engine.analyze(call(*words, **fields), None)


@pytest.mark.parametrize("text", ["", "   ", "...", "[silence]", "a" * 5000, "\u202e\x00<script>"])
def test_odd_turns_do_no_harm(engine, book, text):
    odd = call("Hello.", text, text, "Bye.")
    analysis = analyze_call(odd, engine=engine, book=book)
    assert all(m.quote in odd.turns[m.turn].text for m in analysis.commitments)


def test_a_call_of_one_customer_turn_is_empty(engine, book):
    only = Call.model_validate(
        {"date": "2026-03-04", "turns": [{"role": "customer", "text": "Hello?"}]}
    )
    assert analyze_call(only, engine=engine, book=book).commitments == ()
