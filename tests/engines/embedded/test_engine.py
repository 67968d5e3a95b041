"""The embedded engine on calls written for these tests: what it marks, how it judges, what it refuses."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.domain import Call
from analyzer.embedders import packaged_embedder
from analyzer.engines import Engine
from analyzer.engines.embedded.engine import EmbeddedEngine
from analyzer.engines.embedded.heads import load_heads, save_heads
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
    assert due[0].due is not None
    assert due[0].due.date == dt.date(2026, 3, 11)
    assert "REF-1" in due[0].retrieved[:2]
    assert {m.turn for m in analysis.commitments} == {2}, "call handling and courtesy are no marks"


def test_a_credit_beyond_the_roles_cap_exceeds_authority(engine, book):
    analysis = analyze_call(OVER, engine=engine, book=book)
    (mark,) = [m for m in analysis.commitments if m.verdict == "exceeds_authority"]
    assert mark.clauses[0] == "GOO-1"
    assert "up to £20" in (mark.clause_quote or "")
    assert "£20" in (mark.why or "")
    assert mark.amount is not None
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
    assert wall.quote
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


def test_a_promise_put_right_later_says_where_and_is_to_be_corrected(engine, book):
    spoken = [t.text for t in OVER.turns[:4]]
    spoken.append(
        "Sorry, I told you wrong about that sixty pound goodwill credit on your account: I can't do that."
    )
    analysis = analyze_call(call(*spoken, "Oh. Okay then."), engine=engine, book=book)
    (mark,) = [m for m in analysis.commitments if m.turn == 2 and m.is_conflict]
    assert (mark.withdrawn_at, mark.resolution) == (4, "correct")


def test_a_promise_said_again_is_one_mark(engine, book):
    said = "I've refunded the second payment to your card today."
    analysis = analyze_call(
        call("Hello.", "Where is my money?", said, "Really?", said), engine=engine, book=book
    )
    assert [m.turn for m in analysis.commitments] == [2]


def test_a_view_of_another_embedder_is_embedded_again(engine, book):
    vectors = np.full((len(book.clauses), 3), 3**-0.5, dtype=np.float32)
    other = PolicyBook("other", book.clauses, vectors)
    assert analyze_call(REFUND, engine=EmbeddedEngine(), book=other) == analyze_call(
        REFUND, engine=engine, book=book
    )


def test_many_editions_make_no_difference_to_the_first(engine, book):
    short = call("You can have it back within five working days.", "Thanks.")
    first = analyze_call(short, engine=engine, book=book)
    for number in range(70):
        clause = book.clauses[0].model_copy(update={"id": f"X-{number}", "text": f"Rule {number}."})
        analyze_call(
            short, engine=engine, book=PolicyBook(book.embedder_name, (clause,), book.vectors[:1])
        )
    assert analyze_call(short, engine=engine, book=book) == first


def test_engines_of_other_heads_have_another_name(tmp_path):
    heads = load_heads()
    save_heads(tmp_path / "heads.npz", heads.heads, {"thresholds": {"mark": 1.1, "wall_peak": 1.1}})
    strict = EmbeddedEngine(heads=load_heads(tmp_path / "heads.npz"))
    assert strict.model != EmbeddedEngine().model
    assert strict.analyze(REFUND, None).commitments == ()
    assert strict.analyze(WALL, None).stonewalls == ()


@settings(max_examples=25)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=60),
            st.sampled_from([t.text for c in (REFUND, OVER, WALL) for t in c.turns]),
            st.text(" I'll refund you £$0123456789,.?days by Friday", max_size=80),
        ),
        min_size=1, max_size=6,
    ),
    st.sampled_from(["2026-03-04", "9999-12-31", "0001-01-01", None]),
)  # fmt: skip
def test_any_call_gives_grounded_marks(engine, book, texts, day):
    spoken = call(*texts, date=day, language="en")
    analysis = analyze_call(spoken, engine=engine, book=book)
    assert analysis.set_aside == ()
    for mark in analysis.commitments:
        assert spoken.turns[mark.turn].role == "agent"
        assert mark.quote in spoken.turns[mark.turn].text
        if mark.clauses:
            clause = next(c for c in book.clauses if c.id == mark.clauses[0])
            assert mark.clause_quote
            assert mark.clause_quote in clause.text
    assert json.loads(json.dumps(analysis.to_record(), allow_nan=False))
