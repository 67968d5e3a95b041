"""The drop zone for policies: what the files would become, and adding them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import streamlit as st

from analyzer.domain import PolicyDocument
from analyzer.pages import _shared
from analyzer.pages._escaping import as_label
from analyzer.pages._policy_files import (
    PolicyUpload,
    PolicyUploads,
    read_policy_uploads,
    render_clauses,
)
from analyzer.pages._redline import render_changes
from analyzer.pages._wording import say_count
from analyzer.policy_library import AddReport

_BATCH = "policies.batch"
_COMPANY = "policies.company"
_REPORT = "policies.report"


def draw_policy_upload() -> None:
    """The drop zone, the company where a document names none, and the clauses to be added."""
    batch = st.session_state.setdefault(_BATCH, 0)
    files = st.file_uploader(
        "Drop policy documents here: PDF, DOCX, HTML, Markdown or plain text",
        accept_multiple_files=True,
        key=f"policies.files.{batch}",
    )
    uploads = [PolicyUpload(file.name, file.getvalue()) for file in files]
    if not uploads:
        report: AddReport | None = st.session_state.get(_REPORT)
        if report:
            _draw_report(report)
        return
    read = read_policy_uploads(uploads, company=st.session_state.get(_COMPANY))
    if len(read_policy_uploads(uploads, company=None).nameless):
        _ask_company(read)
    _shared.draw_set_aside(list(read.failures))
    if read.documents:
        _draw_adding(read, batch)


def _ask_company(read: PolicyUploads) -> None:
    names = _shared.company_names()
    label = "Company of the documents that name none"
    if names:
        st.selectbox(
            label,
            sorted(names),
            index=None,
            format_func=lambda key: names.get(key, key),
            accept_new_options=True,
            placeholder="choose it, or write its key",
            key=_COMPANY,
        )
    else:
        st.text_input(label, placeholder="a short key, such as harbour", key=_COMPANY)
    if read.nameless:
        st.caption(as_label(f"Needed for {', '.join(read.nameless)}."))


def _draw_adding(read: PolicyUploads, batch: int) -> None:
    n_clauses = sum(len(document.clauses) for document in read.documents)
    what = f"{say_count(n_clauses, 'clause')} of {say_count(len(read.documents), 'document')}"
    undated = _shared.library().find_undated(read.documents)
    begins = _ask_day(undated) if undated else None
    if st.button(f"Add {what}", type="primary", key="policies.add"):
        bar = st.progress(0.0, text="Adding …")

        def show(n_done: int) -> None:
            bar.progress(min(n_done / n_clauses, 1.0), text="Adding …")

        st.session_state[_REPORT] = _shared.library().add(
            read.documents, undated_from=begins, progress=show
        )
        st.session_state[_BATCH] = batch + 1
        _shared.forget_book()
        st.rerun()
    for document in read.documents:
        n_own = say_count(len(document.clauses), "clause")
        label = as_label(f"{document.document} · {document.company} · {n_own}")
        with st.expander(label, expanded=len(read.documents) == 1):
            for note in document.notes:
                st.caption(as_label(note))
            st.html(render_clauses([(clause, None) for clause in document.clauses]))


def _ask_day(undated: Sequence[PolicyDocument]) -> dt.date | None:
    """The first day of new versions that name none; None where they correct what is there."""
    names = ", ".join(document.document for document in undated)
    st.caption(as_label(f"{names}: other words than those in the library, and no day of force."))
    is_correction = st.checkbox("It corrects the version that is there", key="policies.corrects")
    if is_correction:
        return None
    return st.date_input("In force from", "today", format="YYYY-MM-DD", key="policies.begins")


def _draw_report(report: AddReport) -> None:
    st.markdown(
        f"**{say_count(report.added, 'clause')} added**, {report.replaced} replaced, "
        f"{report.removed} removed, {report.unchanged} unchanged."
    )
    for done in report.documents:
        if done.changes:
            st.caption(as_label(f"What changed in {done.document}"))
            st.html(render_changes(done.changes))
            st.caption(
                "Calls that were judged before keep their verdicts until "
                "`wordbond policies impact --apply`."
            )
    _shared.draw_set_aside([str(error) for error in report.set_aside])
