"""Sums by company, day, agent and team, kept up in the transaction that stores a call."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from analyzer.results.tables import StoredCall, StoredRollup

_KEY = ("company", "day", "agent", "team")
_COUNTS = (
    "n_calls", "n_analyzed", "n_with_conflict", "n_with_stonewall", "n_commitments", "n_conflicts",
    "n_stonewalls", "n_scored", "score_sum",
)  # fmt: skip
_REMEMBERED = "calls as they were counted"

Key = tuple[str, str, str, str]
Counts = Counter[str]


def remember(session: Session, stored: StoredCall) -> None:
    """Note what a call adds to the sums, before this transaction first changes it."""
    seen: dict[int, tuple[StoredCall, tuple[Key, Counts] | None]]
    seen = session.info.setdefault(_REMEMBERED, {})
    if stored.id not in seen:
        # A call whose first version is still to come is in no sum yet.
        seen[stored.id] = (stored, _counts(stored) if stored.version else None)


def count_new(session: Session, stored: StoredCall) -> None:
    """Note that a call is new in this transaction."""
    session.info.setdefault(_REMEMBERED, {})[stored.id] = (stored, None)


def keep_up(session: Session) -> None:
    """Add to the sums what this transaction changed in the calls that were remembered."""
    changes: dict[Key, Counts] = {}
    for stored, before in session.info.pop(_REMEMBERED, {}).values():
        for found, sign in ((before, -1), (_counts(stored), 1)):
            if found is not None:
                change = changes.setdefault(found[0], Counter())
                for name, count in found[1].items():
                    change[name] += sign * count
    # In the order of the keys, so that two transactions never wait for each other in a ring.
    rows = [
        dict(zip(_KEY, key, strict=True)) | {name: changes[key][name] for name in _COUNTS}
        for key in sorted(changes)
        if any(changes[key].values())
    ]
    if rows:
        session.connection().execute(_upsert(session.get_bind().dialect.name), rows)


def _counts(stored: StoredCall) -> tuple[Key, Counts]:
    agent = stored.agent_id or (stored.agents[0] if stored.agents else "")
    key = (
        stored.company,
        stored.date.isoformat() if stored.date else "",
        agent,
        stored.team or "",
    )
    is_analyzed = stored.result_id is not None
    return key, Counter(
        n_calls=1,
        n_analyzed=int(is_analyzed),
        n_with_conflict=int(is_analyzed and stored.n_conflicts > 0),
        n_with_stonewall=int(is_analyzed and stored.n_stonewalls > 0),
        n_commitments=stored.n_commitments,
        n_conflicts=stored.n_conflicts,
        n_stonewalls=stored.n_stonewalls,
        n_scored=int(stored.score is not None),
        score_sum=stored.score or 0,
    )


@lru_cache(maxsize=2)
def _upsert(dialect: str) -> Any:
    """Add to a sum, or begin it; made once, since making it costs more than running it."""
    table: Any = StoredRollup.__table__
    insert: Any = (postgresql if dialect == "postgresql" else sqlite).insert
    statement = insert(table)
    sums = {name: table.c[name] + statement.excluded[name] for name in _COUNTS}
    return statement.on_conflict_do_update(index_elements=list(_KEY), set_=sums)
