"""Policies: the library by company and edition, the clauses in it, search, and new documents."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from analyzer.pages import _shared
from analyzer.pages._clauses import say_edition
from analyzer.pages._escaping import as_label
from analyzer.pages._policy_files import (
    PolicyUpload,
    read_policy_uploads,
    render_clauses,
)
from analyzer.pages._wording import say_count
from analyzer.policy_library import AddReport, StoredDocument

_N_FOUND = 8


def draw_upload() -> None:
    """The drop zone, the company where a document names none, and the clauses to be added."""
    files = st.file_uploader(
        "Drop policy documents here: Markdown or plain text",
        accept_multiple_files=True,
        key=f"policies.files.{st.session_state.get('policies.batch', 0)}",
    )
    uploads = [PolicyUpload(file.name, file.getvalue()) for file in files]
    company = st.session_state.get("policies.company")
    read = read_policy_uploads(uploads, company=company)
    if read.nameless or company:
        names = _shared.company_names()
        st.selectbox(
            "Company of the documents that name none",
            sorted(names),
            index=None,
            format_func=lambda key: names.get(key, key),
            accept_new_options=True,
            placeholder="its key, such as alpenglow",
            key="policies.company",
        )
    _shared.draw_set_aside([*read.failures, *(f"{n}: names no company" for n in read.nameless)])
    if not read.documents:
        return
    n_clauses = sum(len(document.clauses) for document in read.documents)
    what = f"{say_count(n_clauses, 'clause')} of {say_count(len(read.documents), 'document')}"
    if st.button(f"Add {what}", type="primary", key="policies.add"):
        bar = st.progress(0.0, text="Adding …")
        report = _shared.library().add(
            read.documents, progress=lambda n: bar.progress(n / n_clauses, text="Adding …")
        )
        _shared.forget_book()
        st.session_state["policies.report"] = report
        st.session_state["policies.batch"] = st.session_state.get("policies.batch", 0) + 1
        st.rerun()
    for document in read.documents:
        label = f"{document.document} · {document.company} · {say_count(len(document.clauses), 'clause')}"
        with st.expander(as_label(label), expanded=len(read.documents) == 1):
            st.html(render_clauses([(clause, None) for clause in document.clauses]))


def draw_report(report: AddReport) -> None:
    """What the last adding did."""
    st.markdown(
        f"**{say_count(report.added, 'clause')} added**, {report.replaced} replaced, "
        f"{report.removed} removed, {report.unchanged} unchanged."
    )
    _shared.draw_set_aside([str(error) for error in report.set_aside])


def draw_search() -> bool:
    """Search by meaning, on a day, in a company; whether there is something to look for."""
    names = _shared.company_names()
    words, day, company = st.columns([3, 1, 1.4])
    query = words.text_input(
        "Search", key="policies.query", bind="query-params", placeholder="a question, in words"
    )
    on = day.date_input("In force on", None, format="YYYY-MM-DD", key="policies.on")
    wanted = company.selectbox(
        "Company",
        ["", *sorted(names)],
        format_func=lambda key: names.get(key, key) or "All companies",
        key="policies.of",
    )
    if not query.strip():
        return False
    found = _shared.library().search(query, k=_N_FOUND, on=on, company=wanted or None)
    if not found:
        st.markdown("No clause was in force then; choose another day or company.")
        return True
    st.caption("The nearest in meaning first; 1.00 would be the same words.")
    st.html(render_clauses(found))
    return True


def draw_documents(documents: list[StoredDocument]) -> None:
    """Every edition, by company; its clauses open below it."""
    names = _shared.company_names()
    for company in sorted({document.company for document in documents}):
        st.markdown(f"#### {as_label(names.get(company, company))}")
        for document in (d for d in documents if d.company == company):
            with st.expander(as_label(say_edition(document)), type="compact"):
                clauses = [
                    clause
                    for clause in _shared.book().clauses
                    if (clause.company, clause.document, clause.effective_from)
                    == (document.company, document.document, document.effective_from)
                ]
                st.html(render_clauses([(clause, None) for clause in clauses]))


left, right = st.columns([1, 2.2], gap="large")
stored = _shared.library().list_documents()
with left:
    if "policies.report" in st.session_state:
        draw_report(st.session_state["policies.report"])
    draw_upload()
with right:
    if stored:
        if not draw_search():
            draw_documents(stored)
    else:
        st.html(
            '<div class="wb-empty"><h2>No policies yet</h2><p>Drop the documents that agents are '
            "held to. In Markdown a heading such as ## RET-1 Returns begins a clause.</p></div>"
        )
