"""Who may grant what: the matrix of a company, and its correction by hand."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import streamlit as st

from analyzer.authority import grant_from_record, grant_to_record, say_grant
from analyzer.domain import Clause
from analyzer.errors import ConfigError
from analyzer.pages import _shared
from analyzer.pages._clauses import render_clause
from analyzer.pages._escaping import as_label

_COLUMNS = (
    "role", "action", "limit", "per", "is_allowed", "approval", "approval_above", "is_exclusive",
)  # fmt: skip


def draw_authority() -> None:
    """The matrix as in force today, and below it one clause to correct."""
    names = _shared.company_names()
    if not names:
        return
    key = st.selectbox(
        "Company",
        sorted(names),
        format_func=lambda one: names.get(one, one),
        key="authority.company",
    )
    view = _shared.book().view(key, dt.datetime.now().astimezone().date())
    rows = view.authority_matrix()
    if not rows:
        st.caption("No clause in force says who may grant what.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "Who": [row.grant.role for row in rows],
                "May grant": [row.grant.action for row in rows],
                "How much": [say_grant(row.grant) for row in rows],
                "Clause": [row.clause.id for row in rows],
                "Corrected": ["by hand" if row.is_corrected else "" for row in rows],
            }
        ),
        hide_index=True,
    )
    by_id = {row.clause.id: row.clause for row in rows}
    chosen = st.selectbox(
        "Correct what a clause grants", sorted(by_id), index=None, key="authority.clause"
    )
    if chosen:
        _draw_correction(
            by_id[chosen], [grant_to_record(g) for g in view.find_grants(by_id[chosen])]
        )


def _draw_correction(clause: Clause, records: list[dict[str, object]]) -> None:
    st.html(f'<div class="wb-clause">{render_clause(clause.text)}</div>')
    edited = st.data_editor(
        pd.DataFrame(records, columns=list(_COLUMNS)),
        num_rows="dynamic",
        hide_index=True,
        key=f"authority.rows.{clause.id}",
    )
    reviewer = st.text_input("Your name", key="authority.reviewer")
    reason = st.text_input("Why", key="authority.reason")
    if st.button("Save the correction", type="primary", key="authority.save"):
        try:
            grants = [
                grant_from_record({str(name): value for name, value in row.items()})
                for row in edited.to_dict("records")
            ]
            _shared.library().correct_authority(clause, grants, reviewer=reviewer, reason=reason)
        except ConfigError as error:
            st.error(as_label(str(error)))
            return
        _shared.forget_book()
        st.rerun()
