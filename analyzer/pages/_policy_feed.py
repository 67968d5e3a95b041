"""Health: clauses that disagree, clauses that promises go against, gaps, and the last changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from analyzer.domain import Clause
from analyzer.embedders import Embedder
from analyzer.pages import _shared
from analyzer.pages._clauses import render_clause, say_place
from analyzer.pages._escaping import as_html, as_label
from analyzer.pages._rejudging import draw_rejudging
from analyzer.pages._wording import Tone, say_count, say_list, say_moment
from analyzer.policy_book import PolicyView
from analyzer.policy_feed import ClauseRecord, Gap, PolicyFeed, Promised, read_feed
from analyzer.policy_library import Adoption
from analyzer.results.rows import FindingRow

if TYPE_CHECKING:
    from analyzer.policy_health import ClausePair, ConflictReport

_SHOWN, _CHANGES, _QUOTED, _IDS = 10, 8, 90, 6
#: How a pair of clauses is told: its sign, what it is, its tone.
_KINDS: dict[str, tuple[str, str, Tone]] = {
    "amount": ("✕", "different amounts", "conflict"),
    "window": ("✕", "different times", "conflict"),
    "eligibility": ("✕", "one allows what the other rules out", "conflict"),
    "duplicate": ("=", "say the same twice", "quiet"),
}
_OTHER: tuple[str, str, Tone] = ("✕", "disagree", "conflict")


def draw_health() -> None:
    """What the owner of the policies of a company should look at."""
    view = _shared.choose_view()
    if view is None:
        return
    key, book = view.company, _shared.book()
    _draw_conflicts(view)
    found = _shared.store().list_findings(finding="commitment", limit=None)
    meant = {name for name in {f.company for f in found} if book.find_company(name) == key}
    mine = [finding for finding in found if finding.company in meant]
    clauses = {clause.id: clause for clause in view.clauses}
    _draw_feed(_feed(key, _stamp(mine), mine, _shared.embedder()), clauses, has_any=bool(mine))
    _draw_changes([a for a in _shared.library().list_adoptions() if a.company == key])


@st.cache_resource(show_spinner="Comparing the clauses …", max_entries=16)
def _conflicts(
    company: str,  # noqa: ARG001 - with the version what the result is kept by
    version: str,  # noqa: ARG001
    _view: PolicyView,
    _embedder: Embedder,
) -> ConflictReport:
    from analyzer.policy_health import find_conflicts

    return find_conflicts(_view, _embedder)


def _draw_conflicts(view: PolicyView) -> None:
    st.markdown("##### Clauses that disagree")
    if not view.clauses:
        st.caption("No clause was in force then; choose another day.")
        return
    report = _conflicts(view.company, view.version, view, _shared.embedder())
    pairs = report.pairs
    n_clauses = say_count(len(view.clauses), "clause")
    if not pairs:
        st.caption(f"Of {n_clauses} in force none was found to disagree with or repeat another.")
        return
    st.caption(
        f"{say_count(len(pairs), 'pair')} among {n_clauses} in force, the surest first. To look "
        "at: two clauses may be right side by side."
    )
    if report.n_left:
        st.caption(f"{say_count(report.n_left, 'pair')} of clauses, less like, were not compared.")
    st.html("".join(render_pair(pair) for pair in pairs[:_SHOWN]))
    if pairs[_SHOWN:]:
        with st.expander(say_count(len(pairs) - _SHOWN, "more pair"), type="compact"):
            st.html("".join(render_pair(pair) for pair in pairs[_SHOWN:]))


def render_pair(pair: ClausePair) -> str:
    """Two clauses side by side, the words that disagree marked."""
    sign, word, tone = _KINDS.get(pair.kind, _OTHER)
    sides = "".join(
        _side(clause, quote, tone)
        for clause, quote in ((pair.one, pair.one_quote), (pair.other, pair.other_quote))
    )
    return (
        f'<article class="wb-versus"><header><b class="wb-tone-{tone}">'
        f'<i class="wb-sign">{sign}</i> {as_html(word)}</b> '
        f"<small>{as_html(pair.why)} Confidence {pair.confidence:.2f}.</small>"
        f"</header><div>{sides}</div></article>"
    )


def _side(clause: Clause, quote: str, tone: Tone) -> str:
    title = clause.title if clause.title != clause.id else ""
    place = " · ".join(part for part in (clause.document, say_place(clause)) if part)
    return (
        f"<section><b>{as_html(clause.id)}</b> {as_html(title)}<br><small>{as_html(place)}</small>"
        f'<div class="wb-clause">{render_clause(clause.text, quote=quote, tone=tone)}</div>'
        "</section>"
    )


def _stamp(findings: Sequence[FindingRow]) -> int:
    """Changes with any result and any review."""
    return hash(tuple((f.finding_id, f.status) for f in findings))


@st.cache_resource(show_spinner="Reading the results …", max_entries=8)
def _feed(
    company: str,  # noqa: ARG001 - with the stamp what the result is kept by
    stamp: int,  # noqa: ARG001
    _findings: Sequence[FindingRow],
    _embedder: Embedder,
) -> PolicyFeed:
    return read_feed(_findings, _embedder)


def _draw_feed(feed: PolicyFeed, clauses: dict[str, Clause], *, has_any: bool) -> None:
    st.markdown("##### Clauses that promises go against")
    if not has_any:
        st.caption("No promise has been judged yet; upload calls and analyse them.")
        return
    if not feed.clauses:
        st.caption("No promise is marked as against policy.")
    for record in feed.clauses[:_SHOWN]:
        _draw_record(record, clauses.get(record.clause))
    if feed.clauses[_SHOWN:]:
        st.caption(f"and {say_count(len(feed.clauses) - _SHOWN, 'more clause')}")
    st.markdown("##### Promises that no clause speaks to")
    if not feed.gaps:
        st.caption("For every promise a clause was found.")
    for gap in feed.gaps[:_SHOWN]:
        _draw_gap(gap)
    if feed.gaps[_SHOWN:]:
        st.caption(f"and {say_count(len(feed.gaps) - _SHOWN, 'more gap')}")


def _draw_record(record: ClauseRecord, clause: Clause | None) -> None:
    title = clause.title if clause and clause.title != record.clause else ""
    misread = (
        '<p class="wb-tone-authority"><i class="wb-sign">▲</i> Misread by several agents more '
        "often than not: look at its wording.</p>"
        if record.is_misread
        else ""
    )
    words = ""
    if clause is not None:
        words = (
            "<details><summary>Its words</summary>"
            f'<div class="wb-clause">{render_clause(clause.text)}</div></details>'
        )
    st.html(
        f'<div class="wb-record"><b>{as_html(record.clause)}</b> {as_html(title)} '
        f"<small>{record.n_contradicted} of {say_count(record.n_judged, 'promise')} against it, "
        f"by {say_count(record.n_agents, 'agent')}</small>{misread}{words}</div>"
    )
    _link(record.examples)


def _draw_gap(gap: Gap) -> None:
    st.html(
        f'<div class="wb-record"><b>{say_count(gap.n_promises, "promise")}</b> '
        f"<small>by {say_count(gap.n_agents, 'agent')}</small></div>"
    )
    _link(gap.examples)


def _link(examples: Sequence[Promised]) -> None:
    """Links to the calls in which promises stand, each with its words."""
    for one in examples:
        words = as_label(f"“{one.quote}”", limit=_QUOTED)
        st.page_link(
            _shared.CALL_PAGE,
            label=f"{words} · {as_label(f'call {one.call_id}, turn {one.turn}')}",
            query_params={"company": one.company or "", "call": one.call_id},
        )


def _draw_changes(adoptions: Sequence[Adoption]) -> None:
    st.markdown("##### Last changes of the policies")
    if not adoptions:
        st.caption("No change has been noted.")
        return
    items = "".join(
        f"<li>{as_html(say_moment(one.at))} · <b>{as_html(one.document)}</b> · "
        f"{as_html(_say_change(one))}</li>"
        for one in reversed(adoptions[-_CHANGES:])
    )
    st.html(f'<ul class="wb-notes">{items}</ul>')
    draw_rejudging("health")


def _say_change(adoption: Adoption) -> str:
    if "*" in adoption.changed:
        return "added"
    ids = list(adoption.changed[:_IDS])
    more = len(adoption.changed) - _IDS
    return say_list([*ids, f"{more} more"] if more > 0 else ids)
