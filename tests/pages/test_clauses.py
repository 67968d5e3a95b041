"""Clauses on screen: laid out, escaped, the quote marked, and found again in the library."""

from __future__ import annotations

import datetime as dt
import html
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.domain import Call, Clause, Commitment
from analyzer.editions import close_superseded
from analyzer.pages._clauses import look_up_clause, render_clause, say_edition, say_force
from analyzer.policy_book import PolicyBook
from analyzer.policy_library import StoredDocument

TABLE = """A credit is granted by role.

| Role | May grant |
| --- | --- |
| Representative | up to USD 10 |
| Supervisor | up to USD 50 \\| more |

- first thing
  goes on
2. second thing
### Notes
<script>alert(1)</script> & more"""


def text_of(rendered: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", rendered))


def test_tables_lists_and_headings_are_laid_out_and_markup_is_text():
    out = render_clause(TABLE)
    assert "<th>Role</th><th>May grant</th>" in out
    assert "<td>Representative</td><td>up to USD 10</td>" in out
    assert "USD 50 \\| more</td>" in out
    assert "<span>•</span><span>first thing\n  goes on</span>" in out
    assert "<span>2.</span>" in out
    assert "<h6>Notes</h6>" in out
    assert "<script>" not in out
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in out
    assert "---" not in out


@pytest.mark.parametrize(
    "quote", ["granted by role", "Representative", "up to USD 10", "first thing\n  goes", "& more"]
)
def test_the_quote_is_marked_where_it_stands(quote):
    out = render_clause(TABLE, quote=quote, tone="conflict")
    marked = "".join(re.findall(r'<mark class="wb-tone-conflict">(.*?)</mark>', out, re.DOTALL))
    assert html.unescape(marked) == quote


def test_a_quote_over_several_cells_is_marked_in_each():
    out = render_clause(TABLE, quote="| Representative | up to USD 10 |", tone="fine")
    assert '<td><mark class="wb-tone-fine">Representative</mark></td>' in out
    assert '<td><mark class="wb-tone-fine">up to USD 10</mark></td>' in out


def test_a_quote_that_is_not_there_marks_nothing():
    assert "<mark" not in render_clause(TABLE, quote="never written")
    assert "<mark" not in render_clause(TABLE, quote="")


@given(st.text(alphabet="ab<&\"'|-#* \n\t1.", max_size=80), st.data())
def test_any_text_keeps_its_words_and_breaks_no_markup(text: str, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    out = render_clause(text, quote=text[start:end] or None, tone="quiet")
    letters = re.sub(r"[^ab]", "", text)
    assert re.sub(r"[^ab]", "", text_of(out)) == letters
    assert not re.search(r"<(?!/?(?:p|span|table|tr|td|th|div|h6|mark)\b)", out)


def clause(text="Books may be returned within 30 days.", begins=dt.date(2025, 1, 1), **fields):
    known = {"id": "RET-1", "company": "harbour", "document": "Returns"}
    return Clause(**(known | {"text": text, "effective_from": begins} | fields))


def book(*clauses):
    closed = close_superseded(clauses)
    return PolicyBook("none", tuple(closed), np.zeros((len(closed), 2), dtype=np.float32))


def call():
    turns = [{"role": "agent", "text": "You have sixty days."}, {"role": "customer", "text": "Ok"}]
    return Call.model_validate(
        {"call_id": "1", "company": "harbour", "date": "2025-06-01", "turns": turns}
    )


def mark(version, quote="within 30 days"):
    return Commitment(
        id="c1",
        turn=0,
        quote="You have sixty days",
        kind="assurance",
        strength="firm",
        verdict="contradicted",
        clauses=("RET-1",),
        clause_versions=(version,),
        clause_quote=quote,
    )


def test_a_clause_is_found_in_the_version_that_was_judged():
    old, new = clause(), clause("Books may be returned within 14 days.", dt.date(2026, 1, 1))
    library = book(old, new)
    found = look_up_clause(library, call(), mark(library.clauses[0].version))
    assert found.found == "same"
    assert found.clause == library.clauses[0]
    assert found.note == ""


def test_a_later_edition_moves_the_days_but_the_clause_is_still_found():
    judged = clause()
    later = clause("Books may be returned within 14 days.", dt.date(2026, 1, 1))
    found = look_up_clause(book(judged, later), call(), mark(judged.version))
    assert found.found == "redated"
    assert found.clause is not None
    assert found.clause.text == judged.text
    assert found.note


def test_a_rewritten_clause_and_one_that_is_gone_say_so():
    changed = look_up_clause(book(clause("Only 14 days.")), call(), mark("0" * 12))
    assert (changed.found, bool(changed.note)) == ("changed", True)
    gone = look_up_clause(book(), call(), mark("0" * 12))
    assert (gone.found, gone.clause, bool(gone.note)) == ("gone", None, True)


def earlier(version, clause_id="RET-1@2025-01-01", quote="within 30 days"):
    return mark(version, quote).model_copy(update={"clauses": (clause_id,)})


def test_a_clause_of_an_earlier_edition_is_found_and_said_to_decide():
    library = book(clause(), clause("Books may be returned within 14 days.", dt.date(2026, 1, 1)))
    old = library.clauses[0]
    same = look_up_clause(library, call(), earlier(old.version))
    assert (same.found, same.clause, same.is_earlier) == ("same", old, True)
    assert same.note.startswith("An earlier edition decides")
    redated = look_up_clause(library, call(), earlier("0" * 12))
    assert (redated.found, redated.clause) == ("redated", old)
    assert redated.note.startswith("An earlier edition decides")
    assert "the quote still stands" in redated.note


def test_an_earlier_edition_without_a_first_day_or_that_moved_is_found_too():
    library = book(clause(begins=None), clause("Only 14 days.", dt.date(2026, 1, 1)))
    first = look_up_clause(library, call(), earlier(library.clauses[0].version, "RET-1@first"))
    assert (first.found, first.clause) == ("same", library.clauses[0])
    moved = look_up_clause(library, call(), earlier("0" * 12, "RET-1@2024-05-05"))
    assert (moved.found, moved.clause) == ("redated", library.clauses[0])
    gone = look_up_clause(book(), call(), earlier("0" * 12))
    assert (gone.found, gone.is_earlier) == ("gone", True)


def test_an_id_that_holds_the_sign_by_itself_is_no_earlier_edition():
    library = book(clause(id="A@B"))
    found = look_up_clause(library, call(), earlier(library.clauses[0].version, "A@B"))
    assert (found.found, found.is_earlier, found.note) == ("same", False, "")


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        (None, None, "in force on every day"),
        (dt.date(2025, 4, 1), None, "in force from 1 April 2025"),
        (None, dt.date(2025, 4, 1), "in force until 1 April 2025"),
        (dt.date(2025, 1, 1), dt.date(2025, 4, 1), "in force 1 January 2025 to 1 April 2025"),
    ],
)
def test_days_of_force_are_told_in_words(begins, ends, said):
    assert say_force(clause(begins=begins, effective_to=ends)) == said


def test_force_on_the_day_of_a_call_is_told_shorter():
    assert say_force(clause(), on=dt.date(2025, 2, 1)) == (
        "edition of 1 January 2025, in force that day"
    )
    assert say_force(clause(begins=None), on=dt.date(2025, 2, 1)) == "in force that day"
    assert say_force(clause(), on=dt.date(2024, 2, 1)) == "in force from 1 January 2025"


def test_an_incomplete_edition_says_so():
    stored = StoredDocument(
        company="harbour",
        company_name=None,
        document="Returns",
        effective_from=None,
        effective_to=dt.date(2025, 1, 2),
        source="returns.md",
        n_clauses=1,
        is_complete=False,
    )
    said = say_edition(stored)
    assert said.startswith("Returns · 1 clause · from any day to 2 January 2025")
    assert "add it again" in said
