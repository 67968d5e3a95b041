"""Puts calls, results and their findings into the tables, within the caller's transaction."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence

from sqlalchemy import case, delete, func, select, tuple_
from sqlalchemy.orm import Session, defer

from analyzer.domain import Analysis, Call, Stonewall
from analyzer.errors import StoreError
from analyzer.results import rollups
from analyzer.results.reading import select_call
from analyzer.results.reviews import waits_for_review
from analyzer.results.rows import SavedCall, SavedResult, verdict_class
from analyzer.results.tables import (
    NOT_FOUND,
    CallAgent,
    StoredCall,
    StoredFinding,
    StoredResult,
    StoredSetAside,
    StoredVersion,
)

#: Two results of one version that agree in these are the same result: what it cost, and what was
#: set aside on the way, may differ.
_WHAT_A_RESULT_SAYS = {
    "commitments",
    "stonewalls",
    "links",
    "score",
    "engine",
    "model",
    "prompt_version",
    "policy_version",
}


def lock_call(session: Session, row_id: int) -> StoredCall:
    """The row of a call as it now is, kept from other writers until the transaction ends."""
    return session.execute(
        select(StoredCall)
        .where(StoredCall.id == row_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def put_call(
    session: Session, call: Call, *, source: str | None, form: str | None, now: dt.datetime
) -> tuple[StoredCall, SavedCall]:
    """Put a call in, as a new version if its content is new, and show this version from now on.

    Raises:
        StoreError: If the call holds text that no database can keep.
    """
    digest = _content_hash(call)
    found = select_call(session, call.company, call.call_id)
    stored = _new_call(session, call, now) if found is None else lock_call(session, found.id)
    rollups.remember(session, stored)
    known = session.execute(
        select(StoredVersion.id, StoredVersion.number).where(
            StoredVersion.call_row == stored.id, StoredVersion.content_hash == digest
        )
    ).one_or_none()
    if known is not None:
        saved = SavedCall(version_id=known.id, version=known.number, created=False)
    else:
        stored.n_versions += 1
        version = StoredVersion(
            call_row=stored.id,
            number=stored.n_versions,
            content_hash=digest,
            # What the call does not carry is not stored as if it did.
            content=call.model_dump(mode="json", exclude_unset=True),
            search_text=_search_text(call),
            source=source,
            format=form,
            saved_at=now,
        )
        session.add(version)
        session.flush()
        saved = SavedCall(version_id=version.id, version=version.number, created=True)
    if stored.version != saved.version:
        _show_version(session, stored, call, saved.version)
        if found is not None:
            show_current_result(session, stored)
    return stored, saved


def put_new_calls(
    session: Session, calls: Sequence[tuple[Call, str, str]], now: dt.datetime
) -> list[tuple[StoredCall, StoredVersion]]:
    """Put calls in of which none is known, many at once; otherwise as :func:`put_call`.

    Args:
        session: The transaction.
        calls: Each with its source and format, no two of one key.
        now: When.
    """
    stored = [
        StoredCall(
            company=call.company or "", call_id=call.call_id, saved_at=now, version=1, n_versions=1,
            date=call.date, customer_id=call.customer_id, agent_id=call.agent_id, team=call.team,
            channel=call.channel, agents=_agents(call),
        )
        for call, _, _ in calls
    ]  # fmt: skip
    session.add_all(stored)
    session.flush()
    versions = [
        StoredVersion(
            call_row=row.id, number=1, content_hash=_content_hash(call),
            content=call.model_dump(mode="json", exclude_unset=True),
            search_text=_search_text(call), source=source, format=form, saved_at=now,
        )
        for row, (call, source, form) in zip(stored, calls, strict=True)
    ]  # fmt: skip
    session.add_all(versions)
    session.add_all(CallAgent(call_row=row.id, agent=name) for row in stored for name in row.agents)
    session.flush()
    for row in stored:
        rollups.count_new(session, row)
    return list(zip(stored, versions, strict=True))


def known_keys(session: Session, keys: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of some (company, call_id) are stored."""
    statement = select(StoredCall.company, StoredCall.call_id).where(
        tuple_(StoredCall.company, StoredCall.call_id).in_(keys)
    )
    return {(row.company, row.call_id) for row in session.execute(statement)}


def put_result(
    session: Session, analysis: Analysis, stored: StoredCall, version_id: int, *, now: dt.datetime
) -> SavedResult:
    """Put a result and its findings in, unless the very same one is there."""
    plain = analysis.model_dump(mode="json", include=_WHAT_A_RESULT_SAYS)
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    known: int | None = None
    if stored.result_id is not None:  # a call's first result cannot be there already
        known = session.scalar(
            select(StoredResult.id).where(
                StoredResult.version_row == version_id, StoredResult.digest == digest
            )
        )
    if known is not None:
        return SavedResult(result_id=known, created=False)
    result = StoredResult(
        call_row=stored.id,
        version_row=version_id,
        digest=digest,
        engine=analysis.engine,
        model=analysis.model,
        prompt_version=analysis.prompt_version,
        policy_version=analysis.policy_version,
        score=analysis.score,
        n_commitments=len(analysis.commitments),
        n_conflicts=len(analysis.conflicts),
        n_stonewalls=len(analysis.stonewalls),
        record=analysis.model_dump(mode="json", exclude={"call"}),
        saved_at=now,
    )
    session.add(result)
    session.flush()
    session.add_all(_findings(analysis, stored.id, result.id))
    # The newest result of the version that was just saved: no need to ask which is current.
    _show_result(session, stored, result, stored.version)
    return SavedResult(result_id=result.id, created=True)


def remember(session: Session, stored: StoredCall) -> None:
    """Note what a call adds to the sums before a result is put in; :func:`put_call` does."""
    rollups.remember(session, stored)


def show_current_result(session: Session, stored: StoredCall) -> None:
    """Let the call's row say what its current result says."""
    is_earlier_version = case((StoredVersion.number == stored.version, 0), else_=1)
    current = session.execute(
        select(StoredResult, StoredVersion.number)
        .join(StoredVersion, StoredVersion.id == StoredResult.version_row)
        .where(StoredResult.call_row == stored.id)
        .order_by(is_earlier_version, StoredResult.id.desc())
        .limit(1)
        .options(defer(StoredResult.record))
    ).one_or_none()
    if current is not None:
        result, version = current
        _show_result(session, stored, result, version)


def _show_result(session: Session, stored: StoredCall, result: StoredResult, version: int) -> None:
    stored.result_id = result.id
    stored.result_version = version
    stored.engine = result.engine
    stored.model = result.model
    stored.analyzed_at = result.saved_at
    stored.score = result.score
    stored.n_commitments = result.n_commitments
    stored.n_conflicts = result.n_conflicts
    stored.n_stonewalls = result.n_stonewalls
    stored.n_to_review = 0
    if result.n_commitments or result.n_stonewalls:
        waiting = (
            select(func.count())
            .select_from(StoredFinding)
            .where(StoredFinding.result_row == result.id, waits_for_review())
        )
        stored.n_to_review = session.scalar(waiting) or 0


def put_set_aside(session: Session, *, source: str, reason: str, when: dt.datetime) -> None:
    """Note an input that could not be taken, or that it came again."""
    digest = hashlib.sha256(json.dumps([source, reason]).encode()).hexdigest()
    known = session.scalar(
        select(StoredSetAside).where(StoredSetAside.digest == digest).with_for_update()
    )
    if known is None:
        session.add(
            StoredSetAside(
                digest=digest, source=source, reason=reason, first_at=when, last_at=when, times=1
            )
        )
    else:
        known.first_at = min(known.first_at, when)
        known.last_at = max(known.last_at, when)
        known.times += 1


def _new_call(session: Session, call: Call, now: dt.datetime) -> StoredCall:
    stored = StoredCall(
        company=call.company or "",
        call_id=call.call_id,
        saved_at=now,
        version=0,
        n_versions=0,
        agents=[],
    )
    session.add(stored)
    session.flush()
    return stored


def _content_hash(call: Call) -> str:
    try:
        return call.content_hash
    except UnicodeEncodeError as error:
        raise StoreError(
            f"Call {call.call_id!r} holds half a character (a lone surrogate) and cannot be "
            "stored; write the file again as UTF-8."
        ) from error


def _agents(call: Call) -> list[str]:
    names = [turn.name for turn in call.turns if turn.role == "agent" and turn.name]
    return list(dict.fromkeys(names)) or ([call.agent_id] if call.agent_id else [])


def _search_text(call: Call) -> str:
    known_by = (call.call_id, call.company, call.customer_id, call.agent_id, call.team)
    parts = [*filter(None, known_by), *_agents(call), *(turn.text for turn in call.turns)]
    return "\n".join(parts).casefold()


def _show_version(session: Session, stored: StoredCall, call: Call, number: int) -> None:
    stored.version = number
    stored.date = call.date
    stored.customer_id = call.customer_id
    stored.agent_id = call.agent_id
    stored.team = call.team
    stored.channel = call.channel
    stored.agents = _agents(call)
    session.execute(delete(CallAgent).where(CallAgent.call_row == stored.id))
    session.add_all(CallAgent(call_row=stored.id, agent=name) for name in stored.agents)


def _findings(analysis: Analysis, call_row: int, result_row: int) -> list[StoredFinding]:
    turns = analysis.call.turns
    out = [
        StoredFinding(
            result_row=result_row,
            call_row=call_row,
            finding="commitment",
            mark=mark.id,
            turn=mark.turn,
            quote_start=turns[mark.turn].text.find(mark.quote)
            if mark.turn < len(turns)
            else NOT_FOUND,
            mark_kind=mark.kind,
            first_turn=mark.turn,
            last_turn=mark.turn,
            quote=mark.quote,
            strength=mark.strength,
            verdict=mark.verdict,
            verdict_class=verdict_class(mark.verdict),
            clause=mark.clauses[0] if mark.clauses else None,
            resolution=mark.resolution,
            severity=None,
            tactics=[],
            confidence=mark.confidence,
            needs_review=mark.needs_review,
        )
        for mark in analysis.commitments
    ]
    for number, wall in enumerate(analysis.stonewalls, start=1):
        turn, quote_start = _place(wall, analysis.call)
        out.append(
            StoredFinding(
                result_row=result_row,
                call_row=call_row,
                finding="stonewall",
                mark=f"s{number}",
                turn=turn,
                quote_start=quote_start,
                mark_kind="stonewall",
                first_turn=wall.start,
                last_turn=wall.end,
                quote=wall.quote,
                strength=None,
                verdict=None,
                verdict_class=verdict_class(None),
                clause=None,
                resolution=None,
                severity=wall.severity,
                tactics=list(wall.tactics),
                confidence=wall.confidence,
                needs_review=wall.needs_review,
            )
        )
    return out


def _place(wall: Stonewall, call: Call) -> tuple[int, int]:
    if wall.quote:
        for turn in call.turns[wall.start : wall.end + 1]:
            at = turn.text.find(wall.quote)
            if turn.role == "agent" and at >= 0:
                return turn.turn, at
    return wall.start, NOT_FOUND
