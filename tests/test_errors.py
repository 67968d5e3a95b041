"""Messages name the place; the tree in the module's own words is the tree there is."""

from __future__ import annotations

import inspect
import re

import pytest

from analyzer import errors
from analyzer.errors import AnalyzerError, BadAnswer, InputError, PolicyError, TranscriptError

CLASSES = {
    name: found
    for name, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, AnalyzerError)
}


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({}, "no turns"),
        ({"path": "a.txt"}, "a.txt: no turns"),
        ({"path": "a.txt", "line": 7}, "a.txt, line 7: no turns"),
        ({"line": 7}, "no turns"),
    ],
)
@pytest.mark.parametrize("kind", [InputError, TranscriptError, PolicyError])
def test_a_file_and_its_line_stand_before_what_was_found(kind, place, text):
    error = kind("no turns", **place)
    assert str(error) == text
    assert error.message == "no turns"
    assert (error.path, error.line) == (place.get("path"), place.get("line"))


def test_a_bad_answer_keeps_what_the_model_said():
    assert BadAnswer("no JSON", raw="Sure!").raw == "Sure!"
    assert str(BadAnswer("no JSON", raw="Sure!")) == "no JSON"


def test_the_drawn_tree_is_the_tree_there_is():
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line)
        if found:
            del path[len(found.group(1)) // 4 :]
            drawn[found.group(2)] = path[-1] if path else "Exception"
            path.append(found.group(2))
    assert drawn == {name: found.__mro__[1].__name__ for name, found in CLASSES.items()}
