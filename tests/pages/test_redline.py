"""Changes on screen: what went struck through, what came underlined, every word escaped."""

from __future__ import annotations

import datetime as dt
import html
import re

from hypothesis import given
from hypothesis import strategies as st

from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import ClauseChange
from analyzer.pages._redline import (
    preview_changes,
    render_changes,
    render_history,
    say_changes,
    trace_changes,
)
from analyzer.policy_library import StoredDocument


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


def edition(begins: dt.date | None, **texts: str) -> list[Clause]:
    return [clause(t, i).model_copy(update={"effective_from": begins}) for i, t in texts.items()]


def stored(begins: dt.date | None) -> StoredDocument:
    return StoredDocument("acme", None, "Rules", begins, None, "rules.md", 1, is_complete=True)


FIRST, SECOND, THIRD = None, dt.date(2026, 1, 1), dt.date(2026, 6, 1)
LIBRARY = [
    *edition(FIRST, A="Fee is 5.", B="Gone soon."),
    *edition(SECOND, A="Fee is 9.", C="New here."),
    *edition(THIRD, A="Fee is 12.", C="New here."),
]


def test_a_clause_is_traced_through_every_version_up_to_its_own() -> None:
    changes, removed = trace_changes(LIBRARY, stored(THIRD))
    words = [(c.before.text, c.after.text) for c in changes["A"]]
    assert words == [("Fee is 9.", "Fee is 12."), ("Fee is 5.", "Fee is 9.")]
    assert changes["C"][0].kind == "added"
    assert removed == ()
    assert [c.id for c in trace_changes(LIBRARY, stored(SECOND))[1]] == ["B"]
    assert trace_changes(LIBRARY, stored(FIRST)) == ({}, ())


def test_what_changed_is_told_with_the_days_of_both_versions() -> None:
    changes, _ = trace_changes(LIBRARY, stored(THIRD))
    shown = render_history(changes["A"])
    assert "<summary>What changed</summary>" in shown
    assert "Since 1 June 2026, against the version of 1 January 2026" in shown
    assert "Since 1 January 2026, against the version before" in shown
    assert "<del>9.</del> <ins>12.</ins>" in shown
    assert "New with the version of 1 January 2026." in render_history(changes["C"])
    assert render_history(()) == ""


def test_what_adding_would_change_is_counted_before() -> None:
    def document(begins: dt.date, **texts: str) -> PolicyDocument:
        return PolicyDocument(
            company="acme", document="Rules", effective_from=begins,
            clauses=tuple(edition(begins, **texts)),
        )  # fmt: skip

    later = dt.date(2027, 1, 1)
    changes = preview_changes(LIBRARY, document(later, A="Fee is 20.", D="Other words."))
    assert say_changes(changes) == "Against the version that is there: 1 changed, 1 new, 1 removed."
    assert (
        say_changes(preview_changes(LIBRARY, document(later, A="Fee is 12.", C="New here.")))
        == "It says what the library says already."
    )
    other = document(later, A="x").model_copy(update={"document": "Other"})
    assert say_changes(preview_changes(LIBRARY, other)) == "It is new in the library."


def test_tables_are_compared_by_their_words() -> None:
    row = "| Role | May grant |\n| --- | --- |\n| Lead | up to {} |"
    change = ClauseChange("changed", clause(row.format("$5")), clause(row.format("$9")))
    shown = render_changes([change])
    assert "• Role · May grant • Lead · up to <del>$5</del> <ins>$9</ins>" in shown
    assert "|" not in shown
    assert "---" not in shown


def test_of_many_words_that_stayed_those_near_a_change_are_shown() -> None:
    many = " ".join(f"w{n}" for n in range(100))
    shown = render_changes([ClauseChange("changed", clause(f"{many} old"), clause(f"{many} new"))])
    assert "… w88" in shown
    assert "w87" not in shown


@given(st.text(alphabet="ab<&\"'| \n", max_size=40), st.text(alphabet="ab<&\"'| \n", max_size=40))
def test_any_words_are_shown_as_text(before: str, after: str) -> None:
    shown = render_changes([ClauseChange("changed", clause(f"x{before}"), clause(f"x{after}"))])
    assert not re.search(r"<(?!/?(?:div|article|header|b|small|p|del|ins)\b)", shown)
    letters = re.sub(r"[^ab]", "", after)
    kept = re.sub(r"<del>.*?</del>", "", shown.split('class="wb-redline"', 1)[1])
    assert re.sub(r"[^ab]", "", html.unescape(re.sub(r"<[^>]*>", "", kept))) == letters
