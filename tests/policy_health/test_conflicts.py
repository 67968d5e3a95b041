"""Clauses that disagree, found in a real view; and what the labelled pairs say of it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from analyzer.domain import Clause, PolicyDocument
from analyzer.embedders import packaged_embedder
from analyzer.policy_book import PolicyBook, PolicyView
from analyzer.policy_health import ClausePair, find_conflicts

PAIRS = Path(__file__).parents[2] / "eval" / "gold" / "clause_pairs_held_out.jsonl"


def view_of(*clauses: dict[str, str]) -> PolicyView:
    made = [Clause.model_validate({"company": "acme", "document": "Rules", **c}) for c in clauses]
    documents = [PolicyDocument(company="acme", document=c.document, clauses=(c,)) for c in made]
    book = PolicyBook.from_documents(documents, packaged_embedder())
    return book.view("acme", dt.date(2026, 6, 1))


def pairs_of(view: PolicyView) -> tuple[ClausePair, ...]:
    return find_conflicts(view, packaged_embedder()).pairs


WINDOW = {
    "id": "RET-1",
    "title": "Returns",
    "text": "Goods may be sent back within 30 days of delivery.",
}
OTHER = {"id": "FAQ-7", "title": "Returns", "text": "Goods may be sent back within fourteen days of delivery.", "document": "Help"}  # fmt: skip


def test_two_windows_for_one_thing_are_found_with_their_words() -> None:
    view = view_of(WINDOW, OTHER)
    (pair,) = pairs_of(view)
    assert pair.kind == "window"
    assert {pair.one.id, pair.other.id} == {"RET-1", "FAQ-7"}
    assert pair.one_quote in pair.one.text
    assert pair.other_quote in pair.other.text
    assert 0 < pair.confidence <= 1
    assert pairs_of(view) == (pair,)


def test_the_same_window_in_other_units_is_no_conflict() -> None:
    same = OTHER | {"text": "Goods may be sent back within two weeks of delivery."}
    two_weeks = WINDOW | {"text": "Goods may be sent back within 14 days of delivery."}
    found = pairs_of(view_of(two_weeks, same))
    assert [pair.kind for pair in found] in ([], ["duplicate"])


def test_a_clause_that_names_the_other_is_its_exception() -> None:
    exception = OTHER | {"text": "In departure from RET-1, goods may be sent back within 14 days."}
    assert pairs_of(view_of(WINDOW, exception)) == ()


def test_a_longer_id_that_begins_alike_names_another_clause() -> None:
    tenth = OTHER | {"text": f"{OTHER['text']} See RET-10."}
    assert len(pairs_of(view_of(WINDOW, tenth))) == 1


@pytest.mark.parametrize("clauses", [(), (WINDOW,), (WINDOW, {"id": "X-1", "text": "***"})])
def test_too_little_to_compare_gives_nothing(clauses: Any) -> None:
    view = view_of(*clauses) if clauses else PolicyBook.from_documents([], packaged_embedder()).view(
        "acme", dt.date(2026, 6, 1)
    )  # fmt: skip
    assert pairs_of(view) == ()


def test_on_the_labelled_pairs_most_findings_are_right() -> None:
    right = wrong = 0
    for line in PAIRS.read_text().splitlines()[::3]:  # eval/bench measures all of them
        row = json.loads(line)
        if pairs_of(view_of(row["one"], row["other"])):
            right += row["label"] != "fine"
            wrong += row["label"] == "fine"
    assert right / (right + wrong) >= 0.6
    assert right >= 10
