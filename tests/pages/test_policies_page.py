"""The Policies page: versions, authority and health, with a library of its own."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import fpdf
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from analyzer.domain import Analysis
from analyzer.pages import _shared

APP = Path(__file__).parents[2] / "app.py"
HEAD = "---\ncompany: Quay Cars\ncompany_id: quay\ndocument: Rules\n{day}---\n"
RULES = HEAD + (
    "## FEE-1 Late fee\n\nThe late fee is {fee} dollars for each day.\n\n"
    "## AUT-1 Credits\n\n"
    "A supervisor may credit up to $50 per call. The late fee of FEE-1 stays.\n"
)
FIRST = RULES.format(day="effective_from: 2025-01-01\n", fee=5)
LATER = RULES.format(day="effective_from: 2026-01-01\n", fee=9)
CALL: dict[str, Any] = {
    "call_id": "q-1",
    "company": "quay",
    "date": "2026-03-04",
    "turns": [
        {"role": "agent", "text": "The late fee is only two dollars a day.", "name": "Dana"},
        {"role": "customer", "text": "Good."},
    ],
    "commitments": [
        {
            "id": "c1", "turn": 0, "quote": "only two dollars a day", "kind": "assurance",
            "strength": "firm", "verdict": "contradicted", "clauses": ["FEE-1"],
            "clause_versions": ["000000000000"], "clause_quote": "9 dollars", "confidence": 0.8,
        },
    ],
    "stonewalls": [], "score": 75, "engine": "embedded",
}  # fmt: skip


@pytest.fixture
def app():
    st.cache_resource.clear()
    yield good(AppTest.from_file(str(APP), default_timeout=90).run())
    st.cache_resource.clear()


def good(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def shown(app: AppTest) -> str:
    text = html.unescape(re.sub(r"<[^>]*>", " ", " ".join(part.body for part in app.html)))
    return re.sub(r"\s+", " ", text)


def said(app: AppTest) -> str:
    return " ".join(part.value for part in (*app.caption, *app.markdown))


def drop(app: AppTest, text: str | bytes, name: str = "rules.md") -> AppTest:
    app.switch_page("analyzer/pages/policies.py")
    good(app.run())
    data = text if isinstance(text, bytes) else text.encode()
    return good(app.file_uploader[0].upload(name, data, "text/markdown").run())


def add(app: AppTest, text: str, name: str = "rules.md") -> AppTest:
    drop(app, text, name)
    return good(app.button(key="policies.add").click().run())


def look_at(app: AppTest, view: str) -> AppTest:
    app.switch_page("analyzer/pages/policies.py")
    good(app.run())
    return good(app.segmented_control(key="policies.view").set_value(view).run())


def choose(app: AppTest, clause: str) -> str:
    """Open a clause of the matrix; the key of its editor."""
    good(app.selectbox(key="authority.clause").set_value(clause).run())
    (editor,) = app.data_editor
    assert editor.key is not None
    return editor.key


def give_reason(app: AppTest, words: str) -> None:
    (field,) = [f for f in app.text_input if (f.key or "").startswith("authority.reason.")]
    field.set_value(words)


def save_result(**fields: object) -> None:
    _shared.store().save_analysis(Analysis.from_record({**CALL, **fields}))


def test_what_a_new_version_changes_is_shown_before_it_is_added(app):
    add(app, FIRST)
    drop(app, LATER)
    text = shown(app)
    assert "In force from 1 January 2026." in text
    assert "Against the version that is there: 1 changed." in text
    assert "The late fee is 5 9 dollars for each day." in text
    raw = " ".join(part.body for part in app.html)
    assert "<del>5</del> <ins>9</ins>" in raw
    assert len(_shared.library().list_documents()) == 1
    good(app.button(key="policies.add").click().run())
    assert "What changed in Rules" in said(app)
    assert "The late fee is 5 9 dollars for each day." in shown(app)
    assert len(_shared.library().list_documents()) == 2


def test_an_undated_correction_takes_the_day_of_the_version_that_is_there(app):
    add(app, LATER)
    drop(app, RULES.format(day="", fee=8))
    assert app.date_input(key="policies.begins").value == _shared.today()
    good(app.checkbox(key="policies.corrects").check().run())
    assert not [d for d in app.date_input if d.key == "policies.begins"]
    assert "In force from 1 January 2026." in shown(app)
    good(app.button(key="policies.add").click().run())
    (document,) = _shared.library().list_documents()
    assert str(document.effective_from) == "2026-01-01"
    assert "The late fee is 8 dollars" in _shared.book().clauses[0].text


def test_an_open_edition_shows_places_what_is_read_with_it_and_what_changed(app):
    add(app, FIRST)
    add(app, LATER)
    assert "Read with" not in shown(app)
    app.session_state["policies.edition.quay.Rules.2026-01-01"] = True
    text = shown(good(app.run()))
    assert "Quay Cars / Rules · line 7 · in force from 1 January 2026" in text
    assert "Read with FEE-1 Late fee" in text
    assert "What changed Since 1 January 2026, against the version of 1 January 2025" in text


def test_a_pdf_is_read_with_its_pages_and_what_could_not_be_read(app):
    paper = fpdf.FPDF()
    paper.set_font("helvetica", size=11)
    for words in (
        "RET-1 Returns\n\nGoods may be returned within 30 days.",
        "",
        "RET-2 Fees\n\nOk.",
    ):
        paper.add_page()
        if words:
            paper.multi_cell(0, 8, words)
    drop(app, bytes(paper.output()), "returns.pdf")
    good(app.text_input(key="policies.company").set_value("quay").run())
    text = shown(app)
    assert "Page 2 holds no text." in text
    assert "· page 1 ·" in text


def test_authority_is_corrected_in_the_editor_and_put_back(app):
    add(app, LATER)
    look_at(app, "Authority")
    (matrix,) = app.dataframe
    assert list(matrix.value["Up to"]) == ["$50"]
    editor = choose(app, "AUT-1")
    assert "A supervisor may credit up to $50 per call." in shown(app)
    assert "As it is read from the text." in shown(app)
    app.session_state[editor] = {
        "edited_rows": {0: {"limit": "70 USD"}},
        "added_rows": [{"role": "Trainee", "action": "credit", "limit": "5 USD"}],
        "deleted_rows": [],
    }
    app.text_input(key="authority.reviewer").set_value("Ana")
    give_reason(app, "The board raised it.")
    good(app.button(key="authority.save").click().run())
    (correction,) = _shared.library().list_corrections()
    assert [(g.role, g.limit.value, g.is_allowed) for g in correction.grants] == [
        ("supervisor", 70, True), ("trainee", 5, True),
    ]  # fmt: skip
    assert "▲ Corrected by Ana" in shown(app)
    assert "The board raised it." in shown(app)
    assert list(app.dataframe[0].value["Corrected"]) == ["by Ana", "by Ana"]
    good(app.button(key="authority.back").click().run())
    assert [g.limit.value for g in _shared.library().list_corrections()[-1].grants] == [50]
    assert "Put back to what the text reads." in shown(app)
    assert not [button for button in app.button if button.key == "authority.back"]


def test_a_limit_that_cannot_be_read_is_a_sentence_and_nothing_is_saved(app):
    add(app, LATER)
    look_at(app, "Authority")
    editor = choose(app, "AUT-1")
    app.session_state[editor] = {
        "edited_rows": {0: {"limit": "plenty"}}, "added_rows": [], "deleted_rows": [],
    }  # fmt: skip
    give_reason(app, "Why not.")
    good(app.button(key="authority.save").click().run())
    assert "holds no quantity" in app.error[0].value
    app.text_input(key="authority.reviewer").set_value(" ")
    app.session_state[editor] = {"edited_rows": {}, "added_rows": [], "deleted_rows": []}
    good(app.button(key="authority.save").click().run())
    assert "needs a name" in app.error[0].value
    assert _shared.library().list_corrections() == []


def test_a_clause_that_grants_nothing_yet_can_be_given_a_grant_on_a_day_in_force(app):
    add(app, LATER)
    look_at(app, "Authority")
    app.date_input(key="policies.day").set_value(_shared.today().replace(year=2024)).run()
    assert "No clause was in force then" in said(good(app))
    app.date_input(key="policies.day").set_value(_shared.today()).run()
    assert "FEE-1 Late fee" in app.selectbox(key="authority.clause").options
    editor = choose(app, "FEE-1")
    app.session_state[editor] = {
        "edited_rows": {}, "deleted_rows": [],
        "added_rows": [{"role": "manager", "action": "waive the fee"}],
    }  # fmt: skip
    give_reason(app, "It is custom.")
    good(app.button(key="authority.save").click().run())
    (correction,) = _shared.library().list_corrections()
    assert (correction.clause_id, correction.grants[0].role) == ("FEE-1", "manager")


def test_health_shows_clauses_side_by_side_what_promises_go_against_and_gaps(app):
    add(app, LATER)
    add(app, LATER.replace("document: Rules", "document: Notes").replace("-1 ", "-2 "), "notes.md")
    look_at(app, "Health")
    text = shown(app)
    assert "say the same twice" in text
    assert "FEE-1 Late fee" in text
    assert "FEE-2 Late fee" in text
    assert "No promise has been judged yet" in said(app)
    for n in range(3):
        turns = [
            {"role": "agent", "text": "The late fee is only two dollars a day.", "name": f"A{n}"}
        ]
        turns.append({"role": "customer", "text": "Good."})
        save_result(call_id=f"q-{n}", turns=turns)
    gap = CALL["commitments"][0] | {"verdict": "not_addressed", "clauses": [], "quote": "The late"}
    save_result(call_id="q-9", commitments=[gap])
    look_at(app, "Health")
    text = shown(app)
    assert "3 of 3 promises against it, by 3 agents" in text
    assert "▲ Misread by several agents" in text
    assert "1 promise by 1 agent" in text
    assert "Rules · added" in text
    labels = " ".join(link.label for link in app.get("page_link"))
    assert "only two dollars a day" in labels
    assert "call q\\-9, turn 0" in labels


def test_health_of_one_company_leaves_out_the_calls_of_another(app):
    add(app, LATER)
    add(app, LATER.replace("Quay Cars", "Hill Cars").replace("quay", "hill"), "hill.md")
    save_result()
    look_at(app, "Health")
    assert app.selectbox(key="policies.owner").value == "hill"
    assert "No promise has been judged yet" in said(app)
    good(app.selectbox(key="policies.owner").set_value("quay").run())
    assert "1 of 1 promise against it" in shown(app)
    look_at(app, "Authority")
    assert app.selectbox(key="policies.owner").value == "quay"


def test_touched_calls_are_judged_again_in_the_background(app):
    add(app, FIRST)
    assert not [b for b in app.button if (b.key or "").endswith("rejudge")]
    save_result()
    add(app, LATER)
    assert "keep their verdicts until" in said(app)
    good(app.button(key="policies.report.rejudge").click().run())
    job = app.session_state["shared.job"]
    job.wait(90)
    assert job.look().error is None
    good(app.run())
    assert "**1 call analysed and stored.**" in said(app)
    assert len(_shared.store().list_results("quay", "q-1")) == 2


def test_hostile_words_of_policies_are_text(app):
    bad = "<img src=x onerror=alert(1)> **b** <script>x</script>"
    add(app, FIRST.replace("Late fee", bad))
    add(app, LATER.replace("Late fee", bad).replace("for each day", bad))
    app.session_state["policies.edition.quay.Rules.2026-01-01"] = True
    good(app.run())
    raw = [part.body for part in app.html]
    look_at(app, "Authority")
    choose(app, "FEE-1")
    raw += [part.body for part in app.html]
    look_at(app, "Health")
    raw += [part.body for part in app.html]
    assert "<img" not in " ".join(raw)
    assert "<script" not in " ".join(raw)
    assert "&lt;img src=x onerror=alert(1)&gt;" in " ".join(raw)
