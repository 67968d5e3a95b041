"""A mark with the words around it."""

from __future__ import annotations

import pytest

from analyzer.domain import Call
from analyzer.engines.embedded.pairs import QUERY_NAMES, describe_promise
from analyzer.engines.embedded.pairs.promises import plain_words

CALL = Call.model_validate(
    {
        "turns": [
            {"role": "agent", "text": "Hello, how can I help?"},
            {"role": "customer", "text": "My order never came."},
            {"role": "system", "text": "[hold 90 min]"},
            {"role": "agent", "text": "That was £30."},
            {"role": "customer", "text": "Can I have it back?"},
            {"role": "agent", "text": "Sure, I'll refund it.", "position": "supervisor"},
            {"role": "agent", "text": "Within five days."},
            {"role": "customer", "text": "Great."},
        ]
    }
)


def promise(turn, quote):
    return describe_promise(CALL, turn, quote, "promise", "firm")


def test_what_was_asked_before_and_answered_after_is_the_customers():
    found = promise(5, "I'll refund it")
    assert found.asked == "Can I have it back?"
    assert found.answer == "Great."
    assert found.position == "supervisor"


def test_around_it_stand_two_questions_and_what_the_agent_said_last():
    assert promise(5, "I'll refund it").around == (
        "My order never came. That was £30. Can I have it back? Sure, I'll refund it."
    )


def test_quantities_named_near_are_kept_apart_from_its_own():
    found = promise(5, "I'll refund it")
    assert found.quantities == ()
    assert [q.value for q in found.context_quantities] == [30, 5], "the system's are left out"


def test_each_query_has_its_text():
    found = dict(zip(QUERY_NAMES, promise(5, "I'll refund it").queries, strict=True))
    assert found["quote"] == "I'll refund it"
    assert found["asked"] == "Can I have it back? I'll refund it"
    assert found["turn"] == "Sure, I'll refund it."


def test_a_first_word_has_nothing_around_it():
    found = promise(0, "Hello")
    assert (found.asked, found.around) == ("", "Hello, how can I help?")
    assert found.queries[1] == "Hello"
    assert promise(6, "Within five days").answer == "Great."


@pytest.mark.parametrize(
    ("text", "words"),
    [("I'll waive it, OK?", ["i'll", "waive", "it", "ok"]), ("", []), ('"Free!"', ["free"])],
)
def test_plain_words_are_bare_and_lower_case(text, words):
    assert plain_words(text) == words
