"""Uploaded policy documents: clauses, companies that are asked for, and bad files."""

from __future__ import annotations

import datetime as dt

import pytest

from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import ClauseChange
from analyzer.pages._policy_files import (
    Beside,
    PolicyUpload,
    date_documents,
    read_policy_uploads,
    render_clauses,
    render_reading,
)

NAMED = b"---\ncompany: Harbour Books\ncompany_id: harbour\n---\n## RET-1 Returns\n\nThirty days.\n"
NAMELESS = b"## RET-9 Other\n\nNo <script>alert(1)</script> here.\n"


def test_front_matter_names_the_company_and_others_are_asked_for():
    uploads = [PolicyUpload("a.md", NAMED), PolicyUpload("b.md", NAMELESS)]
    read = read_policy_uploads(uploads, company=None)
    assert [document.company for document in read.documents] == ["harbour"]
    assert read.nameless == ("b.md",)
    told = read_policy_uploads(uploads, company=" other ")
    assert [document.company for document in told.documents] == ["harbour", "other"]
    assert told.nameless == ()
    assert told.documents[1].source == "b.md"


def test_bad_files_are_told_by_their_own_name():
    uploads = [
        PolicyUpload("scan.pdf", b"%PDF-1.7"),
        PolicyUpload("empty.md", b""),
        PolicyUpload("..\\..\\up/broken.md", b"---\ncompany: x\n## A-1 B\n\ntext\n"),
        PolicyUpload("noise.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 9),
    ]
    read = read_policy_uploads(uploads, company="c")
    assert read.documents == ()
    assert [sentence.split(":")[0].split(",")[0] for sentence in read.failures] == [
        "scan.pdf", "empty.md", "..\\..\\up/broken.md", "noise.txt",
    ]  # fmt: skip
    assert not any("/tmp/" in sentence for sentence in read.failures)


def test_clauses_are_shown_with_place_and_score_and_escaped():
    read = read_policy_uploads([PolicyUpload("b.md", NAMELESS)], company="other")
    (clause,) = read.documents[0].clauses
    out = render_clauses([(clause, Beside(0.7134))])
    assert ">0.71<" in out
    assert "RET-9" in out
    assert "<script>" not in out
    assert "&lt;script&gt;" in out
    assert "wb-score" not in render_clauses([(clause, Beside())])


def document(name="Rules", text="The fee is 9.", begins=None, **fields):
    clause = Clause(id="R-1", company="quay", document=name, text=text, effective_from=begins)
    return PolicyDocument(
        company="quay", document=name, effective_from=begins, clauses=(clause,), **fields
    )


DAY, LATER = dt.date(2026, 1, 1), dt.date(2026, 9, 1)


@pytest.mark.parametrize(
    ("standing", "begins", "day"),
    [(DAY, LATER, LATER), (DAY, None, DAY), (None, LATER, LATER), (None, None, None)],
)
def test_a_document_without_a_day_becomes_a_version_or_corrects_the_newest(standing, begins, day):
    there = document(text="The fee is 5.", begins=standing).clauses
    new = document()
    (dated,) = date_documents([new], [new], there, begins=begins)
    assert (dated.effective_from, dated.clauses[0].effective_from) == (day, day)


def test_a_document_that_is_there_word_for_word_keeps_its_day_beside_one_that_changes():
    same, new, named = document("Same"), document(), document("Named", begins=LATER)
    there = [*document("Same", begins=DAY).clauses, *document(text="Old.", begins=DAY).clauses]
    dated = date_documents([same, new, named], [new], there, begins=LATER)
    assert [d.effective_from for d in dated] == [DAY, LATER, LATER]


def test_days_of_force_and_notes_are_told_before_adding():
    notes = ("Page 3 holds no <text>.", "It can be two days; say which with --effective-from.")
    shown = render_reading(document(begins=DAY, notes=notes), change="It is new in the library.")
    assert "<b>In force from 1 January 2026.</b>" in shown
    assert "Page 3 holds no &lt;text&gt;." in shown
    assert "say which in its front matter." in shown
    assert "It is new in the library." in shown
    assert "it names none" in render_reading(document(), change="")


def test_a_clause_has_its_place_what_it_is_read_with_and_what_changed():
    (clause,) = document().clauses
    paged = clause.model_copy(update={"page": 3, "line": 7, "title": "Fee"})
    other = clause.model_copy(update={"id": "R-2", "title": "<Words>", "document": "Terms"})
    change = ClauseChange("changed", clause.model_copy(update={"text": "The fee is 5."}), paged)
    out = render_clauses([(paged, Beside(None, (other,), (change,)))])
    assert "quay / Rules · page 3 · in force on every day" in out
    assert "Read with <b>R-2 &lt;Words&gt;</b> · Terms" in out
    assert "<del>5.</del> <ins>9.</ins>" in out
    lined = render_clauses([(clause.model_copy(update={"line": 7}), Beside())])
    assert "quay / Rules · line 7" in lined
    assert "<details>" not in lined
