"""The form that corrects uploaded calls: roles, day, company, position, agent, team."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from analyzer.domain import Role
from analyzer.pages import _shared
from analyzer.pages._escaping import as_label
from analyzer.pages._uploads import Correction, Item
from analyzer.pages._wording import ROLE_WORDS, say_count

#: Stands for all calls where the key of one would be.
ALL = ""
_OWN = "upload.own"
_POSITIONS = ("representative", "supervisor", "manager")
_ROLES: tuple[Role, ...] = ("agent", "customer", "system")
_MOST_LABELS = 8


def own_corrections() -> dict[str, Correction]:
    """What the user corrected in this session: by key of the call, or under :data:`ALL`."""
    own: dict[str, Correction] = st.session_state.setdefault(_OWN, {})
    return own


def draw_correction(items: Sequence[Item]) -> None:
    """The form for the chosen call, or for all of them.

    Args:
        items: The calls as read; at least one.
    """
    names = {item.key: item.read.call.call_id for item in items}
    if len(items) > 1:
        names = {ALL: f"All {say_count(len(items), 'call')}", **names}
    st.markdown("**Correct what was read**")
    chosen = st.selectbox(
        "Which call",
        list(names),
        format_func=lambda key: names.get(key, ""),
        key="upload.chosen",
        label_visibility="collapsed",
    )
    if chosen == ALL:
        st.caption("Fills in what the calls do not say; roles are set as given.")
    shown = [item for item in items if chosen in {ALL, item.key}]
    with st.form(f"upload.form.{chosen}", border=False):
        correction = _ask(shown, chosen)
        if st.form_submit_button("Apply", key="upload.apply"):
            own_corrections()[chosen] = correction
            st.rerun()


def _ask(shown: Sequence[Item], chosen: str) -> Correction:
    given = own_corrections().get(chosen, Correction())
    about = shown[0].read.call if len(shown) == 1 else None
    names = _shared.company_names()
    roles = _ask_roles(shown, chosen)
    date = st.date_input(
        "Day of the call",
        given.date or (about.date if about else None),
        format="YYYY-MM-DD",
        key=f"upload.date.{chosen}",
    )
    company = st.selectbox(
        "Company",
        sorted({*names, *filter(None, [given.company])}),
        index=None,
        accept_new_options=True,
        placeholder=(about.company if about else None) or "as the file says",
        format_func=lambda key: names.get(key, key),
        key=f"upload.company.{chosen}",
    )
    position = st.selectbox(
        "Position of agents without one",
        _POSITIONS,
        index=None,
        accept_new_options=True,
        placeholder="as the file says",
        key=f"upload.position.{chosen}",
    )
    left, right = st.columns(2)
    agent = left.text_input("Agent's id", key=f"upload.agent.{chosen}")
    team = right.text_input("Team", key=f"upload.team.{chosen}")
    return Correction(
        roles=roles,
        date=date,
        company=company or None,
        position=position or None,
        agent_id=agent.strip() or None,
        team=team.strip() or None,
    )


def _ask_roles(items: Sequence[Item], chosen: str) -> tuple[tuple[str, Role], ...]:
    """A role for each label; for all calls only for those that no file settles by itself."""
    wanted = dict(own_corrections().get(chosen, Correction()).roles)
    speakers = {
        speaker.label: speaker
        for item in items
        for speaker in item.read.speakers
        if chosen != ALL or speaker.confidence < 1 or speaker.label in wanted
    }
    for label, speaker in list(speakers.items())[:_MOST_LABELS]:
        role = st.selectbox(
            f"Role of “{as_label(label, limit=40)}”",
            _ROLES,
            index=_ROLES.index(speaker.role),
            format_func=lambda role: ROLE_WORDS[role],
            key=f"upload.role.{chosen}.{label}",
        )
        if role != speaker.role or label in wanted:
            wanted[label] = role
    return tuple(wanted.items())
