"""Policies: the library by company and edition, the clauses in it, search, and new documents."""

from __future__ import annotations

import streamlit as st

from analyzer.pages import _shared
from analyzer.pages._authority_matrix import draw_authority
from analyzer.pages._clauses import say_edition
from analyzer.pages._escaping import as_label
from analyzer.pages._policy_files import render_clauses
from analyzer.pages._policy_form import draw_policy_upload
from analyzer.policy_library import StoredDocument

_N_FOUND = 8


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
    st.caption("The nearest in meaning and words first; 1.00 would be the same words.")
    if all(hit.is_weak for hit in found):
        st.caption("No clause comes near it; these are the nearest there are.")
    st.html(render_clauses([(hit.clause, hit.score) for hit in found]))
    return True


def draw_documents(documents: list[StoredDocument]) -> None:
    """Every edition, by company; its clauses open below it."""
    names = _shared.company_names()
    for company in sorted({document.company for document in documents}):
        st.markdown(f"##### {as_label(names.get(company, company))}")
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
    draw_policy_upload()
with right:
    if stored:
        clauses, authority = st.tabs(["Clauses", "Authority"])
        with clauses:
            if not draw_search():
                draw_documents(stored)
        with authority:
            draw_authority()
    else:
        st.html(
            '<div class="wb-empty"><h2>No policies yet</h2><p>Drop the documents that agents are '
            "held to. In Markdown a heading such as ## RET-1 Returns begins a clause.</p></div>"
        )
