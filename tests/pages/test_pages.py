"""Every page, started from app.py: what is shown, what can be done, and what is stored by it."""

from __future__ import annotations

import datetime as dt
import html
import re
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from analyzer.domain import Analysis
from analyzer.pages import _shared

APP = Path(__file__).parents[2] / "app.py"
POLICY = """---
company: Harbour Books
company_id: harbour
effective_from: 2026-01-01
---
## RET-1 Returns

Books may be returned within 30 days of purchase, with the receipt.

## AUTH-1 Authority

| Role | May grant |
| --- | --- |
| Representative | credits up to USD 10 |
"""
CALL = """Call ID: hb-1
Date: 2026-03-04
Company: harbour

Agent (Dana, representative): Thank you for calling Harbour Books, this is Dana.
Customer: I bought a novel six weeks ago. Can I still bring it back?
Agent (Dana, representative): Yes, you have sixty days to return it, and I will credit you 40 dollars.
Customer: Great, thank you.
Agent (Dana, representative): You are welcome.
"""
HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(2)> **b** $x$ :material/home:"


@pytest.fixture
def app():
    st.cache_resource.clear()
    yield AppTest.from_file(str(APP), default_timeout=90).run()
    st.cache_resource.clear()


def go(app: AppTest, page: str, **query: str) -> AppTest:
    app.switch_page(f"analyzer/pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    return good(app.run())


def good(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def shown(app: AppTest) -> str:
    """All that is drawn as HTML, as the text that a reader sees."""
    return html.unescape(re.sub(r"<[^>]*>", " ", " ".join(part.body for part in app.html)))


def finish(app: AppTest) -> AppTest:
    """Wait for the analysis and draw the page again."""
    job = app.session_state["shared.job"]
    job.wait(90)
    assert job.look().error is None
    return good(app.run())


def add_policy(app: AppTest, name="returns.md", text=POLICY) -> AppTest:
    go(app, "policies")
    app.file_uploader[0].upload(name, text.encode(), "text/markdown").run()
    return good(app)


def look_at(app: AppTest, view: str) -> AppTest:
    return good(app.segmented_control(key="policies.view").set_value(view).run())


def reason_of(app: AppTest):
    (field,) = [f for f in app.text_input if (f.key or "").startswith("authority.reason.")]
    return field


def analyse(app: AppTest, name="call.txt", text=CALL) -> AppTest:
    go(app, "upload")
    app.file_uploader(key="upload.files").upload(name, text.encode(), "text/plain").run()
    good(app.button(key="upload.analyse").click().run())
    return finish(app)


def save(record) -> None:
    _shared.store().save_analysis(Analysis.from_record(record))


MARKS: list[dict[str, Any]] = [
    {
        "id": "c1", "turn": 0, "quote": "You have sixty days", "kind": "assurance",
        "strength": "firm", "verdict": "contradicted", "clauses": ["RET-1"],
        "clause_versions": ["000000000000"], "clause_quote": "within 30 days",
        "why": "RET-1 gives 30 days.", "needs_review": True, "confidence": 0.8,
        "resolution": "honour",
    },
    {
        "id": "c2", "turn": 2, "quote": "I will call you back", "kind": "promise",
        "strength": "firm", "verdict": "not_addressed",
    },
]  # fmt: skip
RECORD = {
    "call_id": "hb-1",
    "company": "harbour",
    "date": "2026-03-04",
    "turns": [
        {"role": "agent", "text": "You have sixty days.", "name": "Dana"},
        {"role": "customer", "text": "Are you sure?"},
        {"role": "agent", "text": "I will call you back.", "name": "Dana"},
    ],
    "commitments": MARKS,
    "stonewalls": [],
    "score": 75,
    "engine": "embedded",
}


def test_empty_pages_say_the_next_step(app):
    good(app)
    assert app.button(key="upload.samples").label == "Analyse the sample calls"
    go(app, "calls")
    assert "No calls yet" in shown(app)
    assert {button.key for button in app.button} == {"calls.upload", "calls.samples"}
    go(app, "call")
    assert "No call is open" in shown(app)
    go(app, "policies")
    assert "No policies yet" in shown(app)
    assert "no chat model configured" in shown(app)


def test_policies_are_uploaded_shown_and_searched(app):
    add_policy(app)
    assert app.button(key="policies.add").label == "Add 2 clauses of 1 document"
    assert "Representative" in shown(app)
    good(app.button(key="policies.add").click().run())
    assert any("2 clauses added" in line.value for line in app.markdown)
    assert _shared.library().count() == 2
    assert "Books may be returned within 30 days" in shown(app)
    app.text_input(key="policies.query").set_value("how long may a book be returned").run()
    first = shown(good(app))
    assert first.index("RET-1") < first.index("AUTH-1")
    app.date_input(key="policies.on").set_value("2025-06-01").run()
    assert "No clause was in force then" in " ".join(line.value for line in good(app).markdown)


def test_a_policy_that_names_no_company_is_asked_for_it(app):
    add_policy(app, "plain.md", "## RET-9 Returns\n\nNo returns.\n")
    assert not [button for button in app.button if button.key == "policies.add"]
    good(app.text_input(key="policies.company").set_value("quay").run())
    good(app.button(key="policies.add").click().run())
    assert [d.company for d in _shared.library().list_documents()] == ["quay"]


def test_a_bad_policy_is_told_in_a_sentence(app):
    add_policy(app, "scan.pdf", "%PDF-1.7")
    assert "scan.pdf" in shown(app)
    assert "no PDF or a damaged one" in shown(app)


def test_from_upload_to_the_annotated_call(app):
    add_policy(app)
    app.button(key="policies.add").click().run()
    analyse(app)
    assert _shared.store().count_calls() == 1
    assert any(link.label.startswith("**hb\\-1 · Harbour Books**") for link in app.get("page_link"))
    go(app, "calls")
    (table,) = app.dataframe
    assert list(table.value["Call"]) == ["hb-1"]
    assert list(table.value["Company"]) == ["Harbour Books"]
    go(app, "call", company="harbour", call="hb-1")
    text = shown(app)
    assert "4 March 2026 · Harbour Books · Dana, representative" in text
    assert "to return it, and I will credit you 40 dollars" in text


def test_uploads_show_what_was_read_and_take_corrections(app):
    text = CALL.replace("Date: 2026-03-04\nCompany: harbour\n", "")
    app.file_uploader(key="upload.files").upload("call.txt", text.encode(), "text/plain").run()
    assert "to give: day of the call company" in re.sub(r"\s+", " ", shown(good(app)))
    key = app.selectbox(key="upload.chosen").value
    app.date_input(key=f"upload.date.{key}").set_value("2026-03-05")
    app.text_input(key=f"upload.team.{key}").set_value("blue")
    good(app.button(key="upload.apply").click().run())
    assert "5 March 2026" in shown(app)
    good(app.button(key="upload.analyse").click().run())
    finish(app)
    row = _shared.store().find_call_row(None, "hb-1")
    assert row is not None
    assert (str(row.date), row.team) == ("2026-03-05", "blue")


def test_a_role_can_be_turned_round(app):
    app.file_uploader(key="upload.files").upload("call.txt", CALL.encode(), "text/plain").run()
    key = app.selectbox(key="upload.chosen").value
    app.selectbox(key=f"upload.role.{key}.Customer").set_value("agent")
    good(app.button(key="upload.apply").click().run())
    assert "Customer agent set by the user" in re.sub(r"\s+", " ", shown(app))


def test_bad_files_are_told_and_the_rest_is_analysed(app):
    uploader = app.file_uploader(key="upload.files")
    uploader.upload("call.txt", CALL.encode(), "text/plain")
    uploader.upload("noise.bin", b"\x00\x01\x02", "application/octet-stream").run()
    assert "noise.bin: the file is binary" in shown(good(app))
    good(app.button(key="upload.analyse").click().run())
    finish(app)
    assert _shared.store().count_calls() == 1
    assert [row.source for row in _shared.store().list_set_aside()] == ["noise.bin"]
    assert "1 input was set aside" in shown(app)
    good(app.button(key="upload.close").click().run())
    assert "shared.job" not in app.session_state


def test_calls_are_filtered_and_paged(app):
    for n in range(30):
        save(RECORD | {"call_id": f"hb-{n:02}", "score": n, "company": "harbour" if n else "quay"})
    go(app, "calls")
    assert list(app.dataframe[0].value["Score"][:3]) == [0, 1, 2]
    assert len(app.dataframe[0].value) == 25
    app.get("pagination")[0].set_value(2).run()
    assert list(good(app).dataframe[0].value["Score"]) == [25, 26, 27, 28, 29]
    app.selectbox(key="calls.company").set_value("quay").run()
    assert list(good(app).dataframe[0].value["Call"]) == ["hb-00"]
    app.text_input(key="calls.text").set_value("words that nobody said").run()
    assert "No call fits these filters" in good(app).markdown[0].value


def test_a_finding_is_dismissed_with_a_reason_and_only_with_one(app):
    save(RECORD)
    go(app, "call", company="harbour", call="hb-1")
    assert "Finding 1 of 2" in shown(app)
    assert "no longer in the policy library" in shown(app)
    app.button(key="call.dismiss").click().run()
    good(app.button(key="call.save").click().run())
    assert "needs its reason" in app.warning[0].value
    app.text_area(key="call.reason").set_value("It was a gift.")
    app.text_input(key="call.reviewer").set_value("anna")
    good(app.button(key="call.save").click().run())
    (decision,) = _shared.store().load_decisions()
    assert (decision.decision, decision.reviewer, decision.reason) == (
        "dismiss", "anna", "It was a gift.",
    )  # fmt: skip
    assert "Dismissed  by anna" in shown(app)
    assert "Finding 1 of 2" in shown(app)


def test_findings_are_confirmed_noted_and_walked_through(app):
    save(RECORD)
    go(app, "call", company="harbour", call="hb-1")
    good(app.button(key="call.confirm").click().run())
    assert "confirmed" in shown(app)
    good(app.button(key="call.next").click().run())
    assert "Finding 2 of 2" in shown(app)
    assert app.query_params["finding"] == "2"
    assert app.button(key="call.next").disabled
    app.button(key="call.note").click().run()
    app.text_area(key="call.reason").set_value("Ask the owner.")
    good(app.button(key="call.save").click().run())
    assert "Ask the owner." in shown(app)
    good(app.button(key="call.finding.1").click().run())
    assert "Finding 1 of 2" in shown(app)
    assert [d.decision for d in _shared.store().load_decisions()] == ["note", "confirm"]


def test_earlier_results_are_listed_and_open(app):
    save(RECORD)
    save(RECORD | {"commitments": MARKS[:1], "model": "m2"})
    go(app, "call", company="harbour", call="hb-1")
    links = [link for link in app.get("page_link") if "UTC" in link.label]
    assert len(links) == 2
    assert "Finding 1 of 1" in shown(app)
    earlier = _shared.store().list_results("harbour", "hb-1")[-1].result_id
    go(app, "call", company="harbour", call="hb-1", result=str(earlier))
    assert "This is an earlier result" in shown(app)
    assert "Finding 1 of 2" in shown(app)


def test_the_open_call_stays_open_when_coming_back(app):
    save(RECORD)
    go(app, "call", company="harbour", call="hb-1", finding="2")
    app.query_params.clear()
    go(app, "calls")
    go(app, "call")
    assert "Finding 2 of 2" in shown(app)


@pytest.mark.parametrize("finding", ["0", "99", "-1", "x", "٣"])
def test_an_address_with_nonsense_opens_the_call_all_the_same(app, finding):
    save(RECORD)
    go(app, "call", company="harbour", call="hb-1", finding=finding)
    assert "Finding 1 of 2" in shown(app)


def test_a_call_that_is_not_there_is_a_sentence_not_a_traceback(app):
    go(app, "call", company="harbour", call="nothing")
    assert "is not stored" in app.error[0].value


def test_hostile_words_are_text_on_every_page(app):
    text = CALL.replace("a novel six weeks ago", HOSTILE).replace("hb-1", f"hb {HOSTILE}")
    app.file_uploader(key="upload.files").upload("call.txt", text.encode(), "text/plain").run()
    good(app.button(key="upload.analyse").click().run())
    finish(app)
    turns = [{"role": "agent", "text": f"You have {HOSTILE}"}, {"role": "customer", "text": "Ok"}]
    mark = MARKS[0] | {"quote": HOSTILE, "why": HOSTILE}
    save(RECORD | {"call_id": HOSTILE, "turns": turns, "commitments": [mark]})
    go(app, "calls")
    go(app, "call", company="harbour", call=HOSTILE)
    assert HOSTILE in shown(app)
    raw = " ".join(part.body for part in app.html if "scrollTop" not in part.body)
    assert "<script" not in raw
    assert "<img" not in raw
    labels = [button.label for button in app.button]
    assert any("onerror" in label for label in labels)
    assert not any(re.search(r"(?<!\\)(<img|:material|\$|\*\*b)", label) for label in labels)


def test_a_damaged_store_is_a_sentence(app, tmp_path):
    st.cache_resource.clear()
    (tmp_path / "home" / "wordbond.db").write_bytes(b"not a database at all, surely not" * 50)
    go(app, "calls")
    assert "is not a SQLite database" in app.error[0].value


def test_the_samples_are_analysed_from_the_empty_list(app):
    go(app, "calls")
    good(app.button(key="calls.samples").click().run())
    finish(app)
    assert _shared.store().count_calls() >= 20
    assert len(app.dataframe) == 1
    assert _shared.library().count() > 20


def test_a_policy_without_a_day_that_says_other_words_asks_for_one(app):
    add_policy(app, "rules.md", "---\ncompany_id: quay\n---\n## R-1 Fee\n\nThe fee is $5.\n")
    good(app.button(key="policies.add").click().run())
    add_policy(app, "rules.md", "---\ncompany_id: quay\n---\n## R-1 Fee\n\nThe fee is $9.\n")
    app.date_input(key="policies.begins").set_value(dt.date(2026, 9, 1)).run()
    good(app.button(key="policies.add").click().run())
    first, second = _shared.library().list_documents()
    assert (first.effective_from, second.effective_from) == (None, dt.date(2026, 9, 1))
    assert "R-1  Fee  changed   The fee is  $5.   $9." in shown(app)


def test_what_a_clause_grants_can_be_corrected(app):
    add_policy(
        app,
        "aut.md",
        "---\ncompany_id: quay\n---\n## AUT-1 Credit\n\nA supervisor may credit up to $50 per call.\n",
    )
    good(app.button(key="policies.add").click().run())
    look_at(app, "Authority")
    good(app.selectbox(key="authority.clause").select("AUT-1").run())
    app.text_input(key="authority.reviewer").input("Ana").run()
    good(app.button(key="authority.save").click().run())
    assert "needs its reason" in app.warning[0].value
    reason_of(app).input("The board said so.").run()
    good(app.button(key="authority.save").click().run())
    (correction,) = _shared.library().list_corrections()
    assert (correction.clause_id, correction.reviewer) == ("AUT-1", "Ana")
    assert correction.grants[0].limit.value == 50
