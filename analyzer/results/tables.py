"""The tables, as SQLAlchemy maps them; the migrations build them.

Ids are whole numbers given by the database in the order of saving. What a thing *is* stands beside
them in unique keys: a call by (company, call_id), a version of it by the hash of its content, a
result by the hash of what it says, a mark by call, turn, place of its quote and kind.

``calls`` and ``call_agents`` repeat what the current version and the current result say, so that a
page of calls is read from one index; only :mod:`analyzer.results.writing` writes them. Everything
else is added to and never changed or deleted, so that each earlier version, result and decision
can still be shown.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from analyzer.domain import Resolution, Severity, Strength, Tactic, Verdict
from analyzer.results.rows import DecisionType, FindingType, MarkKind, VerdictClass

NOT_FOUND = -1
"""``quote_start`` of a mark whose quote is not verbatim in its turn (never after grounding)."""


class PlainText(TypeDecorator[str]):
    """Text that every database takes: NUL and lone surrogates become U+FFFD and ``?``.

    Only columns for finding and listing use it; the record itself is JSON and keeps every
    character.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Replace what PostgreSQL refuses."""
        if value is None:
            return None
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


class UtcTime(TypeDecorator[dt.datetime]):
    """A moment: aware in, aware and in UTC out, whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self,
        value: dt.datetime | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> dt.datetime | None:
        """Turn to UTC; a time without a zone is a mistake of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time needs its zone; pass an aware datetime")
        return value.astimezone(dt.UTC)

    def process_result_value(
        self,
        value: dt.datetime | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> dt.datetime | None:
        """Give the zone back to databases that drop it."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


_BIG = BigInteger().with_variant(Integer(), "sqlite")
RowId = Annotated[int, mapped_column(_BIG, primary_key=True)]
CallRef = Annotated[int, mapped_column(_BIG, ForeignKey("calls.id"))]
VersionRef = Annotated[int, mapped_column(_BIG, ForeignKey("call_versions.id"))]
ResultRef = Annotated[int, mapped_column(_BIG, ForeignKey("results.id"))]
FindingRef = Annotated[int, mapped_column(_BIG, ForeignKey("findings.id"))]


class Base(DeclarativeBase):
    """Base of all tables; names of keys and indexes are the same on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: PlainText(),
        dt.datetime: UtcTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }


class StoredCall(Base):
    """A call, and what its current version and its current result say of it.

    The current version is the content that was saved last; the current result is the newest one of
    that version, or the newest of an earlier version while that one has none.
    """

    __tablename__ = "calls"

    id: Mapped[RowId]
    company: Mapped[str]
    call_id: Mapped[str]
    saved_at: Mapped[dt.datetime]
    version: Mapped[int]
    n_versions: Mapped[int]
    date: Mapped[dt.date | None]
    customer_id: Mapped[str | None]
    agent_id: Mapped[str | None]
    team: Mapped[str | None]
    channel: Mapped[str | None]
    agents: Mapped[list[str]]
    # No foreign key: results point at calls, and SQLite cannot add a key that closes the ring.
    result_id: Mapped[int | None] = mapped_column(_BIG)
    result_version: Mapped[int | None]
    engine: Mapped[str | None]
    model: Mapped[str | None]
    analyzed_at: Mapped[dt.datetime | None]
    score: Mapped[int | None]
    n_commitments: Mapped[int] = mapped_column(default=0)
    n_conflicts: Mapped[int] = mapped_column(default=0)
    n_stonewalls: Mapped[int] = mapped_column(default=0)
    n_to_review: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        UniqueConstraint("company", "call_id"),
        Index(None, "date", "id"),
        Index(None, "company", "date"),
        Index(None, "score"),
        Index(None, "customer_id"),
        Index(None, "agent_id"),
        Index(None, "result_id"),
        {"sqlite_autoincrement": True},
    )


class CallAgent(Base):
    """One agent who speaks in the current version of a call."""

    __tablename__ = "call_agents"

    call_row: Mapped[int] = mapped_column(_BIG, ForeignKey("calls.id"), primary_key=True)
    agent: Mapped[str] = mapped_column(primary_key=True)

    __table_args__ = (Index(None, "agent"),)


class StoredVersion(Base):
    """One content of a call; ``number`` counts from 1 in the order in which contents appeared.

    ``search_text`` is what a search of calls looks through, case folded.
    """

    __tablename__ = "call_versions"

    id: Mapped[RowId]
    call_row: Mapped[CallRef]
    number: Mapped[int]
    content_hash: Mapped[str]
    content: Mapped[dict[str, Any]]
    search_text: Mapped[str]
    source: Mapped[str | None]
    format: Mapped[str | None]
    saved_at: Mapped[dt.datetime]

    __table_args__ = (
        UniqueConstraint("call_row", "number"),
        UniqueConstraint("call_row", "content_hash"),
        {"sqlite_autoincrement": True},
    )


class StoredResult(Base):
    """One analysis of one version of a call, whole; ``digest`` tells it from all others of it."""

    __tablename__ = "results"

    id: Mapped[RowId]
    call_row: Mapped[CallRef]
    version_row: Mapped[VersionRef]
    digest: Mapped[str]
    engine: Mapped[str | None]
    model: Mapped[str | None]
    prompt_version: Mapped[str | None]
    policy_version: Mapped[str | None]
    score: Mapped[int | None]
    n_commitments: Mapped[int]
    n_conflicts: Mapped[int]
    n_stonewalls: Mapped[int]
    record: Mapped[dict[str, Any]]
    saved_at: Mapped[dt.datetime]

    __table_args__ = (
        UniqueConstraint("version_row", "digest"),
        Index(None, "call_row", "id"),
        {"sqlite_autoincrement": True},
    )


class StoredFinding(Base):
    """A commitment or a stonewall of one result, laid out for listing.

    ``turn`` is the turn of the quote, ``quote_start`` the character at which it starts there;
    ``first_turn`` to ``last_turn`` (both included) is the span of a stonewall.
    """

    __tablename__ = "findings"

    id: Mapped[RowId]
    result_row: Mapped[ResultRef]
    call_row: Mapped[CallRef]
    finding: Mapped[FindingType] = mapped_column(PlainText)
    mark: Mapped[str]
    turn: Mapped[int]
    quote_start: Mapped[int]
    mark_kind: Mapped[MarkKind] = mapped_column(PlainText)
    first_turn: Mapped[int]
    last_turn: Mapped[int]
    quote: Mapped[str | None]
    strength: Mapped[Strength | None] = mapped_column(PlainText)
    verdict: Mapped[Verdict | None] = mapped_column(PlainText)
    verdict_class: Mapped[VerdictClass] = mapped_column(PlainText)
    clause: Mapped[str | None]
    resolution: Mapped[Resolution | None] = mapped_column(PlainText)
    severity: Mapped[Severity | None] = mapped_column(Integer)
    tactics: Mapped[list[Tactic]] = mapped_column(JSON)
    confidence: Mapped[float | None] = mapped_column(Double)
    needs_review: Mapped[bool]

    __table_args__ = (
        Index(None, "result_row", "turn"),
        Index(None, "call_row"),
        Index(None, "finding", "verdict"),
        Index(None, "clause"),
        {"sqlite_autoincrement": True},
    )


class StoredDecision(Base):
    """What a reviewer said of a mark; tied to the mark, not to the result it was seen in."""

    __tablename__ = "decisions"

    id: Mapped[RowId]
    call_row: Mapped[CallRef]
    turn: Mapped[int]
    quote_start: Mapped[int]
    mark_kind: Mapped[MarkKind] = mapped_column(PlainText)
    verdict_class: Mapped[VerdictClass] = mapped_column(PlainText)
    decision: Mapped[DecisionType] = mapped_column(PlainText)
    reviewer: Mapped[str]
    reason: Mapped[str | None]
    decided_at: Mapped[dt.datetime]
    finding_row: Mapped[FindingRef]

    __table_args__ = (
        Index(None, "call_row", "turn", "quote_start", "mark_kind"),
        Index(None, "finding_row"),
        {"sqlite_autoincrement": True},
    )


class StoredSetAside(Base):
    """An input that could not be taken, with its reason; one row however often it comes again."""

    __tablename__ = "set_aside_inputs"

    id: Mapped[RowId]
    digest: Mapped[str]
    source: Mapped[str]
    reason: Mapped[str]
    first_at: Mapped[dt.datetime]
    last_at: Mapped[dt.datetime]
    times: Mapped[int]

    __table_args__ = (
        UniqueConstraint("digest"),
        Index(None, "last_at"),
        {"sqlite_autoincrement": True},
    )


class StoredRollup(Base):
    """What the current results of the calls of a company, day, agent and team add up to.

    Kept up with each call as it is stored (:mod:`analyzer.results.rollups`); a blank day, agent or
    team is an empty text, so that the key holds no null.
    """

    __tablename__ = "rollups"

    company: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)
    agent: Mapped[str] = mapped_column(primary_key=True)
    team: Mapped[str] = mapped_column(primary_key=True)
    n_calls: Mapped[int] = mapped_column(default=0)
    n_analyzed: Mapped[int] = mapped_column(default=0)
    n_with_conflict: Mapped[int] = mapped_column(default=0)
    n_with_stonewall: Mapped[int] = mapped_column(default=0)
    n_commitments: Mapped[int] = mapped_column(default=0)
    n_conflicts: Mapped[int] = mapped_column(default=0)
    n_stonewalls: Mapped[int] = mapped_column(default=0)
    n_scored: Mapped[int] = mapped_column(default=0)
    score_sum: Mapped[int] = mapped_column(default=0)

    __table_args__ = (Index(None, "day"),)


class StoredRun(Base):
    """One run of the nightly batch; ``beat_at`` is the last sign of life while it runs."""

    __tablename__ = "batch_runs"

    id: Mapped[RowId]
    inbox: Mapped[str]
    state: Mapped[str]
    started_at: Mapped[dt.datetime]
    beat_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    host: Mapped[str]
    engine: Mapped[str]
    model: Mapped[str]
    prompt_version: Mapped[str | None]
    options: Mapped[dict[str, Any]]
    counts: Mapped[dict[str, Any]]
    report: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None]

    __table_args__ = (
        Index(None, "inbox", "id"),
        Index(None, "state", "ended_at"),
        {"sqlite_autoincrement": True},
    )


class StoredInput(Base):
    """A file of an inbox as it was when it was last read, so that it is read once."""

    __tablename__ = "batch_inputs"

    id: Mapped[RowId]
    inbox: Mapped[str]
    name: Mapped[str]
    size: Mapped[int] = mapped_column(_BIG)
    stamp: Mapped[str]
    reader: Mapped[str]
    n_calls: Mapped[int]
    reason: Mapped[str | None]
    run_row: Mapped[int] = mapped_column(_BIG, ForeignKey("batch_runs.id"))
    read_at: Mapped[dt.datetime]

    __table_args__ = (UniqueConstraint("inbox", "name"), {"sqlite_autoincrement": True})


class StoredTask(Base):
    """A call that the batch took in, and how far it has come.

    ``state``: ``waiting`` to be analysed, ``done``, ``failed`` (set aside, with the reason), or
    ``skipped`` by the sampling plan.
    """

    __tablename__ = "batch_tasks"

    id: Mapped[RowId]
    inbox: Mapped[str]
    call_row: Mapped[CallRef]
    version_row: Mapped[VersionRef]
    state: Mapped[str]
    attempts: Mapped[int]
    reason: Mapped[str | None]
    made_by: Mapped[str | None]
    source: Mapped[str]
    taken_by: Mapped[int] = mapped_column(_BIG, ForeignKey("batch_runs.id"))
    ended_by: Mapped[int | None] = mapped_column(_BIG, ForeignKey("batch_runs.id"))
    ended_at: Mapped[dt.datetime | None]
    result_row: Mapped[int | None] = mapped_column(_BIG, ForeignKey("results.id"))
    seconds: Mapped[float | None] = mapped_column(Double)
    usage: Mapped[dict[str, Any] | None]

    __table_args__ = (
        UniqueConstraint("inbox", "call_row"),
        Index(None, "inbox", "state"),
        Index(None, "ended_by"),
        {"sqlite_autoincrement": True},
    )


class StoredRequestBatch(Base):
    """A batch of requests handed to a provider, so that another start asks for its answers."""

    __tablename__ = "request_batches"

    id: Mapped[RowId]
    inbox: Mapped[str]
    remote_id: Mapped[str]
    state: Mapped[str]
    keys: Mapped[list[str]]
    sent_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]

    __table_args__ = (
        UniqueConstraint("remote_id"),
        Index(None, "inbox", "state"),
        {"sqlite_autoincrement": True},
    )
