"""Policies: the library by company and edition, the clauses in it, search, and new documents."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from analyzer.pages import _shared
from analyzer.pages._authority_matrix import draw_authority
from analyzer.pages._clauses import say_edition
from analyzer.pages._escaping import as_label
from analyzer.pages._policy_feed import draw_health
from analyzer.pages._policy_files import Beside, render_clauses
from analyzer.pages._policy_form import draw_policy_upload, is_reading
from analyzer.pages._redline import trace_changes
from analyzer.pages._wording import say_count
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
    st.html(render_clauses([(hit.clause, Beside(hit.score)) for hit in found]))
    return True


def draw_documents(documents: list[StoredDocument]) -> None:
    """Every edition, by company; its clauses are drawn once it is opened."""
    names = _shared.company_names()
    for company in sorted({document.company for document in documents}):
        st.markdown(f"##### {as_label(names.get(company, company))}")
        for document in (d for d in documents if d.company == company):
            edition = st.expander(
                as_label(say_edition(document)),
                len(documents) == 1,
                type="compact",
                key=f"policies.edition.{company}.{document.document}.{document.effective_from}",
                on_change="rerun",
            )
            if edition.open:
                with edition:
                    draw_edition(document)


def draw_edition(document: StoredDocument) -> None:
    """The clauses of an edition: each with what it is read with and what changed in it."""
    book = _shared.book()
    last = document.effective_to or _shared.today()
    on = max(document.effective_from or dt.date.min, min(_shared.today(), last))
    view = book.view(document.company, on)
    changes, removed = trace_changes(book.clauses, document)
    mine = [
        clause
        for clause in book.clauses
        if (clause.company, clause.document, clause.effective_from)
        == (document.company, document.document, document.effective_from)
    ]
    st.html(
        render_clauses(
            [(c, Beside(None, view.find_related(c), changes.get(c.id, ()))) for c in mine]
        )
    )
    if removed:
        with st.expander(f"{say_count(len(removed), 'clause')} removed in this version"):
            st.html(render_clauses([(clause, Beside()) for clause in removed]))


def draw_clauses(documents: list[StoredDocument]) -> None:
    """The drop zone beside what is there."""
    left, right = st.columns([1.4, 1.6] if is_reading() else [1, 2.2], gap="large")
    with left:
        draw_policy_upload()
    with right:
        if not documents:
            st.html(
                '<div class="wb-empty"><h2>No policies yet</h2><p>Drop the documents that agents '
                "are held to. In Markdown a heading such as ## RET-1 Returns begins a clause."
                "</p></div>"
            )
        elif not draw_search():
            draw_documents(documents)


_shared.draw_job(page="policies", n_links=_N_FOUND)
stored = _shared.library().list_documents()
shown = "Clauses"
if stored:
    shown = st.segmented_control(
        "What to look at",
        ["Clauses", "Authority", "Health"],
        default="Clauses",
        required=True,
        key="policies.view",
        bind="query-params",
        label_visibility="collapsed",
    )
if shown == "Authority":
    draw_authority()
elif shown == "Health":
    draw_health()
else:
    draw_clauses(stored)
