"""What a reviewer does with a finding: confirm, dismiss with a reason, note, go on."""

from __future__ import annotations

import getpass

import streamlit as st

from analyzer.pages import _shared
from analyzer.pages._escaping import as_label
from analyzer.pages._findings import Finding
from analyzer.results import DecisionType

_ASKING = "call.asking"
_QUESTIONS: dict[DecisionType, str] = {
    "dismiss": "Why is this mark dismissed?",
    "note": "Your note",
}
_WITH_WORDS: tuple[tuple[str, str, DecisionType], ...] = (
    ("Dismiss", "D", "dismiss"),
    ("Note", "M", "note"),
)
_WANTED: dict[DecisionType, str] = {
    "dismiss": "A dismissal needs its reason; write it in a few words.",
    "note": "A note needs words; write some.",
}


def choose(number: int) -> None:
    """Open a finding, and keep it in the address."""
    st.query_params["finding"] = str(number)
    st.session_state[_ASKING] = None


def is_asking() -> bool:
    """Whether a reason or a note is being written."""
    return bool(st.session_state.get(_ASKING))


def draw_decision(finding: Finding, n_findings: int) -> None:
    """The buttons under a finding, each with its key, and the form that a reason needs.

    Args:
        finding: The chosen finding.
        n_findings: How many the call has.
    """
    with st.container(horizontal=True, gap="xsmall", key="call.decide"):
        if st.button("Confirm", shortcut="Y", type="primary", key="call.confirm"):
            _save(finding, "confirm", None)
        for label, key, decision in _WITH_WORDS:
            st.button(
                label, shortcut=key, key=f"call.{decision}", on_click=_ask, args=(finding, decision)
            )
        _step("Previous", "P", finding.number - 1, n_findings)
        _step("Next", "N", finding.number + 1, n_findings)
    asking: DecisionType | None = st.session_state.get(_ASKING)
    if asking:
        _ask_reason(finding, asking)


def draw_reviewer() -> None:
    """The name under which decisions are stored."""
    name = st.session_state.get("call.reviewer") or default_reviewer()
    with st.popover(f"Reviewer: {as_label(name)}", type="tertiary"):
        st.text_input(
            "Your name, stored with every decision",
            default_reviewer(),
            key="call.reviewer",
            persist_state="session",
        )


def default_reviewer() -> str:
    """The name of whoever runs the app, or a word that fits everybody."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "reviewer"


def _ask(finding: Finding, decision: DecisionType) -> None:
    choose(finding.number)
    st.session_state[_ASKING] = decision


def _step(label: str, key: str, number: int, n_findings: int) -> None:
    st.button(
        label,
        shortcut=key,
        key=f"call.{label.lower()}",
        type="tertiary",
        disabled=not 1 <= number <= n_findings,
        on_click=choose,
        args=(number,),
    )


def _ask_reason(finding: Finding, decision: DecisionType) -> None:
    with st.form(f"call.reason.{finding.row.finding_id}"):
        reason = st.text_area(_QUESTIONS[decision], key="call.reason", height=80)
        with st.container(horizontal=True):
            is_saved = st.form_submit_button("Save", type="primary", key="call.save")
            is_left = st.form_submit_button("Cancel", type="tertiary", key="call.cancel")
    if is_left:
        st.session_state[_ASKING] = None
        st.rerun()
    if is_saved and not reason.strip():
        st.warning(_WANTED[decision])
    elif is_saved:
        _save(finding, decision, reason)


def _save(finding: Finding, decision: DecisionType, reason: str | None) -> None:
    reviewer = st.session_state.get("call.reviewer") or default_reviewer()
    _shared.store().save_decision(
        finding.row.finding_id, decision=decision, reviewer=reviewer, reason=reason
    )
    choose(finding.number)
    st.rerun()
