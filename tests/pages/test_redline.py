"""Changes on screen: what went struck through, what came underlined, every word escaped."""

from __future__ import annotations

from analyzer.domain import Clause
from analyzer.editions import ClauseChange
from analyzer.pages._redline import render_changes


def clause(text: str, clause_id: str = "R-1") -> Clause:
    return Clause(id=clause_id, company="acme", document="Rules", title="Fee", text=text)


def test_words_that_went_and_came_are_told_apart_by_more_than_colour() -> None:
    change = ClauseChange("changed", clause("The fee is <b>$5</b>."), clause("The fee is $9."))
    shown = render_changes([change])
    assert "<del>&lt;b&gt;$5&lt;/b&gt;.</del>" in shown
    assert "<ins>$9.</ins>" in shown
    assert "<b>$5" not in shown


def test_a_renumbered_clause_says_what_it_was() -> None:
    change = ClauseChange("changed", clause("One.", "R-1"), clause("Two.", "R-2"))
    assert "(was R-1)" in render_changes([change])


def test_of_very_many_changes_the_rest_is_counted() -> None:
    changes = [ClauseChange("added", None, clause("New.", f"R-{n}")) for n in range(75)]
    assert "and 15 more changes" in render_changes(changes)
