"""The store: the one object that the rest of Wordbond saves to and reads from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from analyzer.domain import Analysis, Call
from analyzer.errors import StoreError
from analyzer.results import reviews, rollups, writing
from analyzer.results.database import (
    BUSY_TIMEOUT_S,
    build_engine,
    make_folder,
    read_url,
    upgrade,
)
from analyzer.results.faults import explained
from analyzer.results.queries import Queries, require_utc
from analyzer.results.rows import Decision, DecisionType, SavedCall, SavedResult
from analyzer.results.tables import StoredFinding

_ATTEMPTS = 4
_Out = TypeVar("_Out")


class ResultStore(Queries):
    """Calls, their results, and what reviewers decided, in SQLite or PostgreSQL.

    A call is known by (company, call_id); a company of None and an empty one are the same. One
    store may be used by many threads and many processes may open one database; a store is not
    passed to another process, it is opened there. Each ``save_`` is one transaction: after a crash
    it is there whole or not at all. Every method raises :class:`StoreError` if the database fails.
    """

    def __init__(self, url: URL, revision: str, *, busy_timeout_s: float) -> None:
        super().__init__(url, build_engine(url, busy_timeout_s=busy_timeout_s), revision)
        self._writer = self._engine.execution_options(is_writing=True)

    @classmethod
    def open(cls, database_url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> ResultStore:
        """Open a database, creating it or bringing its schema up to date where needed.

        Args:
            database_url: ``sqlite:////folder/file.db`` (the folder is created) or
                ``postgresql://user:password@host/name``.
            busy_timeout_s: How long SQLite waits for another writer before it gives up.

        Raises:
            StoreError: If it cannot be opened, is no database, or is of a newer version.
        """
        url = read_url(database_url)
        make_folder(url)
        revision = upgrade(url, busy_timeout_s=busy_timeout_s)
        return cls(url, revision, busy_timeout_s=busy_timeout_s)

    def close(self) -> None:
        """Close the connections; the store may not be used afterwards."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def save_call(
        self,
        call: Call,
        *,
        source: str | None = None,
        format: str | None = None,  # noqa: A002 - the word that users know it by
    ) -> SavedCall:
        """Save a call that has been read.

        The same content again changes nothing; other content under the same key is a new version,
        and the earlier one is kept. Content that the call had before is that version again.

        Args:
            call: The call.
            source: Where it was read from; kept for the first sight of this content.
            format: Which transcript format it was read as.
        """
        now = dt.datetime.now(dt.UTC)
        return self._write(
            lambda session: writing.put_call(session, call, source=source, form=format, now=now)[1]
        )

    def save_analysis(
        self,
        analysis: Analysis,
        *,
        source: str | None = None,
        format: str | None = None,  # noqa: A002 - the word that users know it by
    ) -> SavedResult:
        """Save an analysis with its call and its findings, all or nothing.

        The same result again changes nothing: the same version of the call, engine, model, prompt
        version, policy version, score, marks and links. Any other is added, the earlier ones are
        kept, and the newest one of the call's current version is the current result.

        Args:
            analysis: A grounded analysis.
            source: Where its call was read from.
            format: Which transcript format the call was read as.
        """
        now = dt.datetime.now(dt.UTC)

        def work(session: Session) -> SavedResult:
            stored, saved = writing.put_call(
                session, analysis.call, source=source, form=format, now=now
            )
            return writing.put_result(session, analysis, stored, saved.version_id, now=now)

        return self._write(work)

    def save_decision(
        self,
        finding_id: int,
        *,
        decision: DecisionType,
        reviewer: str,
        reason: str | None = None,
        when: dt.datetime | None = None,
    ) -> Decision:
        """Add what a reviewer says of a mark; earlier decisions stay.

        A ruling (confirm, dismiss) holds wherever the mark is found again with a verdict of the
        same class, in this result and in later ones; the newest ruling of a class counts.

        Args:
            finding_id: The finding that the reviewer was looking at.
            decision: ``confirm``, ``dismiss`` or ``note``.
            reviewer: Who.
            reason: Why, needed to dismiss; the words of a note.
            when: Aware time; now if None.

        Raises:
            StoreError: If there is no such finding, or the reviewer or a needed reason is blank.
            ValueError: If ``when`` has no time zone.
        """
        moment = require_utc(when or dt.datetime.now(dt.UTC))
        reviewer = reviewer.strip()
        reason = (reason or "").strip() or None
        if not reviewer:
            raise StoreError("A decision needs the name of who takes it; give the reviewer.")
        if decision != "confirm" and reason is None:
            what = "A dismissal needs its reason" if decision == "dismiss" else "A note needs words"
            raise StoreError(f"{what}; write why in a few words.")

        def work(session: Session) -> Decision:
            finding = session.get(StoredFinding, finding_id)
            if finding is None:
                raise StoreError(f"There is no finding {finding_id}; list the findings again.")
            call = writing.lock_call(session, finding.call_row)
            saved = reviews.put_decision(
                session,
                finding,
                call,
                decision=decision,
                reviewer=reviewer,
                reason=reason,
                when=moment,
            )
            writing.show_current_result(session, call)
            return saved

        return self._write(work)

    def save_set_aside(self, source: str, reason: str, when: dt.datetime | None = None) -> None:
        """Note an input that could not be taken, so that nothing is dropped quietly.

        The same source with the same reason is counted, not listed again.

        Args:
            source: The file, or the call within it.
            reason: Why, in one sentence with the mend.
            when: Aware time; now if None.

        Raises:
            ValueError: If ``when`` has no time zone.
        """
        moment = require_utc(when or dt.datetime.now(dt.UTC))
        self._write(
            lambda session: writing.put_set_aside(
                session, source=source, reason=reason, when=moment
            )
        )

    def write(self, work: Callable[[Session], _Out]) -> _Out:
        """Do work in one transaction; for the other parts of this package."""
        return self._write(work)

    def read(self, work: Callable[[Session], _Out]) -> _Out:
        """Read in one transaction; for the other parts of this package."""
        return self._read(work)

    @property
    def is_postgresql(self) -> bool:
        """Whether the database is PostgreSQL, not SQLite."""
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection of its own, for what must outlive a transaction."""
        with explained(self._url), self._engine.connect() as connection:
            yield connection

    def _write(self, work: Callable[[Session], _Out]) -> _Out:
        with explained(self._url):
            for _ in range(_ATTEMPTS - 1):
                try:
                    return self._write_once(work)
                except IntegrityError:
                    # On PostgreSQL another process may put the same key in between our look and
                    # our row; looking again finds it.
                    continue
            return self._write_once(work)

    def _write_once(self, work: Callable[[Session], _Out]) -> _Out:
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            out = work(session)
            rollups.keep_up(session)
            return out
