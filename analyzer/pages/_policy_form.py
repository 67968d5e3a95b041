"""The drop zone for policies: what the files would become, and adding them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import streamlit as st

from analyzer.domain import Clause, PolicyDocument
from analyzer.pages import _shared
from analyzer.pages._escaping import as_label
from analyzer.pages._policy_files import (
    Beside,
    PolicyUpload,
    PolicyUploads,
    date_documents,
    read_policy_uploads,
    render_clauses,
    render_reading,
)
from analyzer.pages._redline import preview_changes, render_changes, say_changes
from analyzer.pages._rejudging import draw_rejudging
from analyzer.pages._wording import say_count
from analyzer.policy_library import AddReport

_BATCH = "policies.batch"
_COMPANY = "policies.company"
_REPORT = "policies.report"


def is_reading() -> bool:
    """Whether documents lie in the drop zone, so that it needs room."""
    return bool(st.session_state.get(f"policies.files.{st.session_state.get(_BATCH, 0)}"))


def draw_policy_upload() -> None:
    """The drop zone, the company where a document names none, and the clauses to be added."""
    batch = st.session_state.setdefault(_BATCH, 0)
    files = st.file_uploader(
        "Drop policy documents here: PDF, DOCX, HTML, Markdown or plain text",
        accept_multiple_files=True,
        key=f"policies.files.{batch}",
    )
    uploads = tuple((file.name, file.getvalue()) for file in files)
    if not uploads:
        report: AddReport | None = st.session_state.get(_REPORT)
        if report:
            _draw_report(report)
        return
    read = _read(uploads, None)
    if read.nameless:
        company = st.session_state.get(_COMPANY)
        read = _read(uploads, company) if company else read
        _ask_company(read)
    _shared.draw_set_aside(list(read.failures))
    if read.documents:
        _draw_adding(read, batch)


@st.cache_resource(show_spinner="Reading the documents …", max_entries=4)
def _read(uploads: tuple[tuple[str, bytes], ...], company: str | None) -> PolicyUploads:
    """The documents, read once and not each time that the page is drawn."""
    return read_policy_uploads([PolicyUpload(*upload) for upload in uploads], company=company)


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
    standing = _shared.book().clauses
    documents = date_documents(read.documents, undated, standing, begins=begins)
    if st.button(f"Add {what}", type="primary", key="policies.add"):
        bar = st.progress(0.0, text="Adding …")

        def show(n_done: int) -> None:
            bar.progress(min(n_done / n_clauses, 1.0), text="Adding …")

        st.session_state[_REPORT] = _shared.library().add(
            documents, undated_from=begins, progress=show
        )
        st.session_state[_BATCH] = batch + 1
        _shared.forget_book()
        st.rerun()
    for document in documents:
        _draw_document(document, standing, is_open=len(documents) == 1)


def _draw_document(document: PolicyDocument, standing: Sequence[Clause], *, is_open: bool) -> None:
    """A document as it would be added: its days and notes, what it changes, its clauses."""
    n_own = say_count(len(document.clauses), "clause")
    label = as_label(f"{document.document} · {document.company} · {n_own}")
    changes = preview_changes(standing, document)
    with st.expander(label, expanded=is_open):
        st.html(render_reading(document, change=say_changes(changes)))
        if changes:
            st.html(render_changes(changes))
        every = render_clauses([(clause, Beside()) for clause in document.clauses])
        if changes is None:
            st.html(every)
        else:
            st.html(f"<details><summary>All {n_own}</summary>{every}</details>")


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
    changed = [done for done in report.documents if done.changes]
    if changed:
        draw_rejudging("policies.report")
    for done in changed:
        st.caption(as_label(f"What changed in {done.document}"))
        st.html(render_changes(done.changes))
    _shared.draw_set_aside([str(error) for error in report.set_aside])
