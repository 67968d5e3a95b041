"""Who may grant what: the matrix of a company on a day, and its correction by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from analyzer.authority import (
    AuthorityCorrection,
    AuthorityRow,
    grant_from_record,
    grant_to_record,
    say_grant,
    say_quantity,
)
from analyzer.domain import Clause
from analyzer.errors import ConfigError
from analyzer.language.authority import Grant
from analyzer.pages import _shared
from analyzer.pages._clauses import render_clause, say_force, say_place
from analyzer.pages._deciding import default_reviewer
from analyzer.pages._escaping import as_html, as_label
from analyzer.pages._rejudging import draw_rejudging
from analyzer.pages._wording import say_moment
from analyzer.policy_book import PolicyView, read_grants

_TEXTS = {
    "role": "Who",
    "action": "May grant",
    "limit": "Up to",
    "per": "Per",
    "approval": "Approval of",
    "approval_above": "Approval above",
}
_TICKS = {"is_allowed": ("Allowed", True), "is_exclusive": ("Nobody else", False)}
_COLUMNS = (
    "role", "action", "is_allowed", "limit", "per", "approval", "approval_above", "is_exclusive",
)  # fmt: skip
#: Where in the clause a grant is read: kept with its row, not shown.
_PLACES = ("start", "end")
_PUT_BACK = "Put back to what the text reads."
_SAVED = "authority.saved"


def draw_authority() -> None:
    """The matrix as in force on a day, and below it one clause to correct."""
    view = _shared.choose_view()
    if view is None:
        return
    if not view.clauses:
        st.markdown("No clause was in force then; choose another day.")
        return
    rows = view.authority_matrix()
    if rows:
        _draw_matrix(rows, view)
    else:
        st.caption("No clause in force says who may grant what; choose one below to say it.")
    clause = _choose_clause(view, [row.clause.id for row in rows])
    if clause is not None:
        _draw_correction(clause, view)


def _draw_matrix(rows: Sequence[AuthorityRow], view: PolicyView) -> None:
    ids = [row.clause.id for row in rows]
    st.dataframe(
        frame_matrix(rows, view),
        hide_index=True,
        key=f"authority.matrix.{view.version}",
        selection_mode="single-row",
        on_select=lambda: _open_row(f"authority.matrix.{view.version}", ids),
        alt="Who may grant what, by clause",
    )
    st.caption("Select a row to see the clause's words and to correct what is read from them.")


def frame_matrix(rows: Sequence[AuthorityRow], view: PolicyView) -> pd.DataFrame:
    """The authority matrix as a table of words.

    Args:
        rows: Its lines.
        view: Where they are from; tells who corrected a clause.
    """
    return pd.DataFrame(
        {
            "Who": [row.grant.role for row in rows],
            "May grant": [row.grant.action for row in rows],
            "Up to": [_say_limit(row.grant) for row in rows],
            "Per": [row.grant.per or "" for row in rows],
            "Approval": [_say_approval(row.grant) for row in rows],
            "Nobody else": ["only this role" if row.grant.is_exclusive else "" for row in rows],
            "Clause": [row.clause.id for row in rows],
            "Corrected": [
                f"by {view.corrections[row.clause.id].reviewer}" if row.is_corrected else ""
                for row in rows
            ],
        }
    )


def _say_limit(grant: Grant) -> str:
    if not grant.is_allowed:
        return "may not"
    return say_quantity(grant.limit) or "no limit named"


def _say_approval(grant: Grant) -> str:
    if not grant.approval:
        return ""
    above = say_quantity(grant.approval_above)
    return f"{grant.approval}, above {above}" if above else grant.approval


def _open_row(key: str, ids: Sequence[str]) -> None:
    rows = st.session_state[key].selection.rows
    if rows and rows[0] < len(ids):
        st.session_state["authority.clause"] = ids[rows[0]]
        st.session_state[_SAVED] = None


def _choose_clause(view: PolicyView, with_grants: Sequence[str]) -> Clause | None:
    """One clause in force, those that grant something first; None until one is chosen."""
    first = list(dict.fromkeys(with_grants))
    others = [clause.id for clause in view.clauses if clause.id not in set(first)]
    if st.session_state.get("authority.clause") not in {*first, *others}:
        st.session_state["authority.clause"] = None

    def name(clause_id: str) -> str:
        clause = view.find_clause(clause_id)
        title = clause.title if clause and clause.title != clause_id else ""
        return f"{clause_id} {title}".strip()

    chosen = st.selectbox(
        "Clause to correct",
        [*first, *others],
        index=None,
        format_func=name,
        placeholder="choose a clause",
        key="authority.clause",
        on_change=lambda: st.session_state.update({_SAVED: None}),
    )
    return view.find_clause(chosen) if chosen else None


def _draw_correction(clause: Clause, view: PolicyView) -> None:
    """The clause's words, and beside them what it grants, to be corrected."""
    words, editor = st.columns([1, 2.2], gap="large")
    corrections = [c for c in _shared.library().list_corrections() if _is_about(c, clause)]
    with words:
        st.html(_render_words(clause))
    with editor:
        st.html(render_corrections(corrections, clause))
        _draw_editor(clause, view)
        if st.session_state.get(_SAVED) == clause.id:
            draw_rejudging("authority")


def _is_about(correction: AuthorityCorrection, clause: Clause) -> bool:
    return (correction.company, correction.clause_id) == (clause.company, clause.id)


def _render_words(clause: Clause) -> str:
    place = " · ".join(
        part for part in (clause.document, say_place(clause), say_force(clause)) if part
    )
    title = clause.title if clause.title != clause.id else ""
    return (
        f"<header><b>{as_html(clause.id)}</b> {as_html(title)}</header>"
        f"<small>{as_html(place)}</small>"
        f'<div class="wb-clause">{render_clause(clause.text)}</div>'
    )


def render_corrections(corrections: Sequence[AuthorityCorrection], clause: Clause) -> str:
    """Who corrected what a clause grants, when and why, the newest first.

    Args:
        corrections: All of the clause, in the order in which they were made.
        clause: The clause in its present words.
    """
    if not corrections:
        return '<p class="wb-note">As it is read from the text.</p>'
    newest = corrections[-1]
    first = f'<ul class="wb-decisions"><li>{_say_correction(newest, clause)}</li></ul>'
    older = "".join(
        f"<li>{_say_correction(one, clause)}<small>{as_html(_say_grants(one))}</small></li>"
        for one in reversed(corrections[:-1])
    )
    more = f"<details><summary>Earlier corrections</summary><ul>{older}</ul></details>"
    return f'<div class="wb-corrected">{first}{more if older else ""}</div>'


def _say_correction(correction: AuthorityCorrection, clause: Clause) -> str:
    is_other = not correction.applies_to(clause)
    state = " The clause had other words then, so it no longer counts." if is_other else ""
    why = f" {correction.reason}" if correction.reason else ""
    return (
        f"<b>▲ Corrected by {as_html(correction.reviewer)}</b> · "
        f"{as_html(say_moment(correction.at))}.{as_html(why)}{state}"
    )


def _say_grants(correction: AuthorityCorrection) -> str:
    grants = [f"{g.role}: {g.action}: {say_grant(g)}" for g in correction.grants]
    return "; ".join(grants) or "It grants nothing."


def _draw_editor(clause: Clause, view: PolicyView) -> None:
    standing = view.corrections.get(clause.id)
    state = standing.at.isoformat() if standing else "read"
    edited = st.data_editor(
        frame_grants(view.find_grants(clause)),
        num_rows="dynamic",
        hide_index=True,
        column_order=_COLUMNS,
        column_config=_column_config(),
        key=f"authority.rows.{clause.id}.{clause.wording}.{state}",
        placeholder="",
        alt=f"What {clause.id} grants",
    )
    st.caption("Limits as 50 USD, 10%, 2 nights; one line for each role and thing.")
    who, why = st.columns([1, 2])
    name = st.session_state.get("call.reviewer") or default_reviewer()
    reviewer = who.text_input("Your name", name, key="authority.reviewer")
    reason = why.text_input("Why", key=f"authority.reason.{clause.id}.{state}")
    with st.container(horizontal=True):
        if st.button("Save the correction", type="primary", key="authority.save"):
            _save(clause, edited, reviewer=reviewer, reason=reason)
        is_other = standing and _say(standing.grants) != _say(read_grants(clause.text))
        if is_other and st.button("Put back what the text reads", key="authority.back"):
            back = frame_grants(read_grants(clause.text))
            _save(clause, back, reviewer=reviewer, reason=reason or _PUT_BACK)


def _say(grants: Sequence[Grant]) -> list[dict[str, Any]]:
    return [grant_to_record(grant) for grant in grants]


def _column_config() -> dict[str, Any]:
    texts = {
        key: st.column_config.TextColumn(label, width="medium" if key == "action" else None)
        for key, label in _TEXTS.items()
    }
    ticks = {
        key: st.column_config.CheckboxColumn(label, default=value)
        for key, (label, value) in _TICKS.items()
    }
    return {**texts, **ticks}


def _save(clause: Clause, edited: pd.DataFrame, *, reviewer: str, reason: str) -> None:
    if not reason.strip():
        st.warning("A correction needs its reason; write it in a few words.")
        return
    try:
        grants = read_rows(edited)
        _shared.library().correct_authority(clause, grants, reviewer=reviewer, reason=reason)
    except ConfigError as error:
        st.error(as_label(str(error)))
        return
    _shared.forget_book()
    st.session_state[_SAVED] = clause.id
    st.rerun()


def frame_grants(grants: Sequence[Grant]) -> pd.DataFrame:
    """Grants as rows to edit, quantities as they are said."""
    frame = pd.DataFrame(_say(grants), columns=[*_COLUMNS, *_PLACES])
    return frame.astype(
        dict.fromkeys(_TEXTS, "string")
        | dict.fromkeys(_TICKS, "boolean")
        | dict.fromkeys(_PLACES, "Int64")
    )


def read_rows(edited: pd.DataFrame) -> list[Grant]:
    """Grants of edited rows; a row without any word is passed over.

    Raises:
        ConfigError: If a row names no role or nothing to grant, or a limit cannot be read.
    """
    grants = []
    for row in edited.to_dict("records"):
        record = {str(key): None if pd.isna(value) else value for key, value in row.items()}
        texts = {key: str(record.get(key) or "").strip() for key in _TEXTS}
        if not any(texts.values()):
            continue
        if texts["role"] and not texts["action"]:
            raise ConfigError(
                f"The line of {texts['role']} says nothing that may be granted; say what, or "
                "remove it."
            )
        ticks = {
            key: default if record.get(key) is None else bool(record[key])
            for key, (_, default) in _TICKS.items()
        }
        places = {key: record.get(key) for key in _PLACES}
        grants.append(grant_from_record({**texts, **ticks, **places}))
    return grants
