"""Call: the outline of its findings, the call turn by turn, and the chosen finding."""

from __future__ import annotations

import streamlit as st

from analyzer.domain import Analysis, Commitment
from analyzer.pages import _shared
from analyzer.pages._annotated import annotate_turns, render_legend, render_turns
from analyzer.pages._clauses import look_up_clause
from analyzer.pages._deciding import choose, draw_decision, draw_reviewer, is_asking
from analyzer.pages._escaping import as_label
from analyzer.pages._findings import Finding, first_to_open, open_call
from analyzer.pages._panel import (
    render_call_head,
    render_finding,
    render_origin,
    render_scroll,
)
from analyzer.pages._wording import LABEL_COLORS, STATUS_WORDS, say_count, say_moment

_HEIGHT = 600
_LAST = "call.last"
_QUOTED = 48


def read_number(name: str) -> int | None:
    """A whole number from the address; None where there is none."""
    value = st.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdigit() else None


def draw_outline(findings: tuple[Finding, ...], number: int) -> None:
    """The findings, a button each."""
    st.html(f'<div class="wb-eyebrow">{say_count(len(findings), "finding")}</div>')
    for finding in findings:
        status = STATUS_WORDS[finding.row.status].split(":")[0]
        status = status or ("to review" if finding.is_waiting else "")
        words = as_label(finding.words or finding.label.sentence, limit=_QUOTED)
        sign = finding.label.sign or "┄"
        head = (
            f":{LABEL_COLORS[finding.label.tone]}[{sign}] **{finding.label.word}** "
            f"· turn {finding.row.first_turn}"
        )
        st.button(
            f"{head}{f' · {status}' if status else ''}  \n{words}",
            key=f"call.finding.{finding.number}",
            type="secondary" if finding.number == number else "tertiary",
            width="stretch",
            wrap=True,
            on_click=choose,
            args=(finding.number,),
        )


def draw_history(company: str, call_id: str, result_id: int) -> None:
    """The results of this call, the newest first; another one can be opened."""
    for result in _shared.store().list_results(company, call_id):
        name = f"{say_moment(result.saved_at)} · {result.engine} · score {result.score}"
        tail = " · shown" if result.result_id == result_id else ""
        query = {"company": company, "call": call_id, "result": str(result.result_id)}
        st.page_link(_shared.CALL_PAGE, label=as_label(name + tail), query_params=query)


def draw_finding(finding: Finding, analysis: Analysis, n_findings: int) -> None:
    """The chosen finding with its evidence, and what a reviewer may do with it."""
    mark = finding.mark
    clause = None
    if isinstance(mark, Commitment) and mark.clauses:
        clause = look_up_clause(_shared.book(), analysis.call, mark)
    pane = "call.evidence.short" if is_asking() else "call.evidence"
    with st.container(height=_HEIGHT - 60, border=False, key=pane):
        st.html(render_finding(finding, analysis, clause, n_findings=n_findings))
    draw_decision(finding, n_findings)


def draw_columns(analysis: Analysis, findings: tuple[Finding, ...]) -> None:
    """Outline, call and chosen finding, side by side."""
    number = read_number("finding") or 0
    if not 1 <= number <= len(findings):
        number = first_to_open(findings)
    left, middle, right = st.columns([1.1, 2.5, 1.9], gap="medium")
    with left, st.container(height=_HEIGHT, border=False, key="call.outline", gap="xxsmall"):
        draw_outline(findings, number)
    turns = annotate_turns(analysis.call, findings, selected=number)
    with middle, st.container(height=_HEIGHT, border=False, key="call.turns"):
        st.html(render_legend(findings) + render_turns(turns, selected=number))
    with right:
        if number:
            chosen = findings[number - 1]
            draw_finding(chosen, analysis, len(findings))
            st.html(render_scroll(chosen.row.first_turn), unsafe_allow_javascript=True)
        else:
            st.html('<p class="wb-aside">Nothing was marked in this call.</p>')


def draw_call(company: str, call_id: str) -> None:
    """The call that the address names."""
    opened = open_call(_shared.store(), company, call_id, result_id=read_number("result"))
    analysis = opened.analysis
    name = _shared.company_names().get(company, company)
    st.html(
        render_call_head(analysis, company=name, summary=opened.summary, current=opened.is_current)
    )
    draw_columns(analysis, opened.findings)
    about, history, who = st.columns([2, 2, 1], gap="medium")
    with about.expander("How this was found"):
        st.html(render_origin(analysis))
    with history.expander("Results of this call"):
        draw_history(company, call_id, opened.result_id)
    with who:
        draw_reviewer()


if "call" not in st.query_params and _LAST in st.session_state:
    st.query_params.from_dict(st.session_state[_LAST])
if "call" in st.query_params:
    st.session_state[_LAST] = st.query_params.to_dict()
    draw_call(st.query_params.get("company", ""), st.query_params["call"])
else:
    st.html(
        '<div class="wb-empty"><h2>No call is open</h2>'
        "<p>Choose one from the list; it stays here until you open another.</p></div>"
    )
    if st.button("Choose a call", type="primary", key="call.choose"):
        st.switch_page(_shared.CALLS_PAGE)
