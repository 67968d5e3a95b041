"""What comes back is read, and refused with the place and none of its words."""

from __future__ import annotations

import json

import pytest

from analyzer.engines.llm.answers import (
    LONGEST_ANSWER,
    GuideAnswer,
    JudgeAnswer,
    MarkAnswer,
    read_answer,
    schema_of,
)
from analyzer.errors import BadAnswer

MARK = {"turn": 1, "quote": "secret words", "kind": "promise", "strength": "firm"}
GOOD = json.dumps({"commitments": [MARK], "stonewalls": []})


def closed(node):
    """Every object of a schema, and whether it is closed and asks for all it names."""
    if node.get("type") == "object":
        yield node["additionalProperties"] is False and set(node["required"]) == set(
            node["properties"]
        )
    for value in (*node.get("properties", {}).values(), *node.get("anyOf", ())):
        yield from closed(value)
    if "items" in node:
        yield from closed(node["items"])


@pytest.mark.parametrize("answer", [MarkAnswer, JudgeAnswer, GuideAnswer])
def test_schemas_are_strict_and_hold_no_reference(answer):
    schema = schema_of(answer)
    found = list(closed(schema.schema))
    assert found
    assert all(found)
    assert "$ref" not in schema.text
    assert "default" not in schema.text
    assert json.loads(schema.text) == schema.schema


def test_what_was_left_out_or_added_does_no_harm():
    wordy = json.dumps({"thought": "hm", "commitments": [{**MARK, "note": 1}], "stonewalls": []})
    for text in (GOOD, f"  {GOOD}\n", f"```json\n{GOOD}\n```", wordy):
        assert read_answer(text, MarkAnswer).commitments[0].quote == "secret words"


@pytest.mark.parametrize(
    "text",
    [
        "", "no", GOOD[:-5], "[]", "null", '{"commitments": []}',
        GOOD.replace('"firm"', '"secret words"'),
        GOOD.replace('"turn": 1', '"turn": "secret words"'),
        GOOD.replace("secret words", "secret words" * 500),
        "x" * (LONGEST_ANSWER + 1),
        '{"commitments": ' + "[" * 3000,
    ],
)  # fmt: skip
def test_a_bad_answer_is_refused_without_its_words(text):
    with pytest.raises(BadAnswer) as caught:
        read_answer(text, MarkAnswer)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert caught.value.raw == text[:LONGEST_ANSWER]
