"""Calls: every call that was analysed, the worst first; choosing one opens it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from analyzer.pages import _shared
from analyzer.pages._wording import say_count
from analyzer.results import CallRow

_PER_PAGE = 25
_ANY = ""


def as_line(row: CallRow) -> dict[str, Any]:
    """A call as a line of the table."""
    return {
        "Score": row.score,
        "Call": row.call_id,
        "Day": row.date,
        "Company": _shared.company_names().get(row.company or "", row.company or ""),
        "Agents": ", ".join(row.agents),
        "Against policy": row.n_conflicts or None,
        "Stonewalling": row.n_stonewalls or None,
        "To review": row.n_to_review or None,
    }


def ask_filters() -> dict[str, Any]:
    """The row of filters; what they say goes into the address."""
    columns = st.columns([2, 1.3, 1.3, 2.4], vertical_alignment="bottom")
    names = _shared.company_names()
    text = columns[0].text_input(
        "Words", key="calls.text", bind="query-params", placeholder="in the call, its id, agent …"
    )
    company = columns[1].selectbox(
        "Company",
        [_ANY, *_shared.store().companies()],
        format_func=lambda key: names.get(key, key) or "All companies",
        key="calls.company",
        bind="query-params",
    )
    agent = columns[2].selectbox(
        "Agent",
        [_ANY, *_shared.store().agents()],
        format_func=lambda name: name or "All agents",
        key="calls.agent",
        bind="query-params",
    )
    only = columns[3].pills(
        "Only calls with",
        ["against policy", "stonewalling"],
        selection_mode="multi",
        key="calls.only",
        bind="query-params",
    )
    return {
        "text": text or None,
        "company": company or None,
        "agent": agent or None,
        "has_conflict": True if "against policy" in only else None,
        "has_stonewall": True if "stonewalling" in only else None,
    }


def draw_list() -> None:
    """Filters, one page of calls, and the pages."""
    wanted = ask_filters()
    n_calls = _shared.store().count_calls(**wanted)
    if not n_calls:
        st.markdown("No call fits these filters; take one of them away.")
        return
    n_pages = -(-n_calls // _PER_PAGE)
    if st.session_state.get("calls.page", 1) > n_pages:
        st.session_state["calls.page"] = 1
    said, pages = st.columns([3, 2], vertical_alignment="center")
    said.markdown(f"{say_count(n_calls, 'call')}, the worst first. Choose one to open it.")
    page = 1
    if n_pages > 1:
        with pages:
            page = st.pagination(n_pages, key="calls.page", bind="query-params", width="stretch")
    rows = _shared.store().list_calls(
        **wanted, limit=_PER_PAGE, offset=(page - 1) * _PER_PAGE, order="worst"
    )
    chosen = st.dataframe(
        [as_line(row) for row in rows],
        hide_index=True,
        height="content",
        placeholder="",
        column_config={
            "Score": st.column_config.NumberColumn(
                width=70, help="100 is a clean call; contradicted promises and stonewalling cost."
            ),
            "Day": st.column_config.DateColumn(format="D MMM YYYY"),
        },
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        key="calls.table",
    )["selection"]
    picked = [*chosen["rows"], *(cell[0] for cell in chosen["cells"])]
    if picked:
        row = rows[picked[0]]
        st.switch_page(
            _shared.CALL_PAGE, query_params={"company": row.company or "", "call": row.call_id}
        )


is_busy = _shared.draw_job(page="calls", n_links=0)
if _shared.store().count_calls():
    draw_list()
elif not is_busy:
    st.html(
        '<div class="wb-empty"><h2>No calls yet</h2><p>Upload transcripts to have them read, or '
        "look at the sample calls of six made-up companies first.</p></div>"
    )
    with st.container(horizontal=True):
        if st.button("Upload transcripts", type="primary", key="calls.upload"):
            st.switch_page(_shared.UPLOAD_PAGE)
        _shared.draw_sample_button("calls.samples")
