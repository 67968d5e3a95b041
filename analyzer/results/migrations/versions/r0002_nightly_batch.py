"""Runs, inputs and tasks of the nightly batch; sums by day and agent, kept up with each call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COUNTS = (
    "n_calls", "n_analyzed", "n_with_conflict", "n_with_stonewall", "n_commitments", "n_conflicts",
    "n_stonewalls", "n_scored", "score_sum",
)  # fmt: skip


def upgrade() -> None:
    """Build the tables, and sum up the calls that are there."""
    _create_rollups()
    _create_runs()
    _create_tasks()
    _sum_up()


def _text(name: str, *, is_null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=is_null)


def _time(name: str, *, is_null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=is_null)


def _create_rollups() -> None:
    op.create_table(
        "rollups",
        *(_text(name) for name in ("company", "day", "agent", "team")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint("company", "day", "agent", "team", name=op.f("pk_rollups")),
    )
    op.create_index(op.f("ix_rollups_day"), "rollups", ["day"])


def _create_runs() -> None:
    op.create_table(
        "batch_runs",
        sa.Column("id", _ID, nullable=False),
        _text("inbox"),
        _text("state"),
        _time("started_at"),
        _time("beat_at"),
        _time("ended_at", is_null=True),
        _text("host"),
        _text("engine"),
        _text("model"),
        _text("prompt_version", is_null=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=True),
        _text("reason", is_null=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_runs")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_batch_runs_inbox_id"), "batch_runs", ["inbox", "id"])
    op.create_index(op.f("ix_batch_runs_state_ended_at"), "batch_runs", ["state", "ended_at"])
    op.create_table(
        "batch_inputs",
        sa.Column("id", _ID, nullable=False),
        _text("inbox"),
        _text("name"),
        sa.Column("size", _ID, nullable=False),
        _text("stamp"),
        _text("reader"),
        sa.Column("n_calls", sa.Integer(), nullable=False),
        _text("reason", is_null=True),
        sa.Column("run_row", _ID, nullable=False),
        _time("read_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_inputs")),
        sa.ForeignKeyConstraint(
            ["run_row"], ["batch_runs.id"], name=op.f("fk_batch_inputs_run_row")
        ),
        sa.UniqueConstraint("inbox", "name", name=op.f("uq_batch_inputs_inbox_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "request_batches",
        sa.Column("id", _ID, nullable=False),
        _text("inbox"),
        _text("remote_id"),
        _text("state"),
        sa.Column("keys", sa.JSON(), nullable=False),
        _time("sent_at"),
        _time("ended_at", is_null=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_batches")),
        sa.UniqueConstraint("remote_id", name=op.f("uq_request_batches_remote_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_request_batches_inbox_state"), "request_batches", ["inbox", "state"])


def _create_tasks() -> None:
    op.create_table(
        "batch_tasks",
        sa.Column("id", _ID, nullable=False),
        _text("inbox"),
        sa.Column("call_row", _ID, nullable=False),
        sa.Column("version_row", _ID, nullable=False),
        _text("state"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _text("reason", is_null=True),
        _text("made_by", is_null=True),
        _text("source"),
        sa.Column("taken_by", _ID, nullable=False),
        sa.Column("ended_by", _ID, nullable=True),
        _time("ended_at", is_null=True),
        sa.Column("result_row", _ID, nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("usage", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_tasks")),
        *(
            sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_batch_tasks_{column}"))
            for column, target in (
                ("call_row", "calls.id"),
                ("version_row", "call_versions.id"),
                ("taken_by", "batch_runs.id"),
                ("ended_by", "batch_runs.id"),
                ("result_row", "results.id"),
            )
        ),
        sa.UniqueConstraint("inbox", "call_row", name=op.f("uq_batch_tasks_inbox_call_row")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_batch_tasks_inbox_state"), "batch_tasks", ["inbox", "state"])
    op.create_index(op.f("ix_batch_tasks_ended_by"), "batch_tasks", ["ended_by"])


def _sum_up() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    first = "agents->>0" if is_postgresql else "json_extract(agents, '$[0]')"
    agent = f"COALESCE(NULLIF(agent_id, ''), {first}, '')"
    day = "COALESCE(CAST(date AS TEXT), '')"  # both databases write a day as 2026-03-04
    key = f"company, {day}, {agent}, COALESCE(team, '')"
    op.execute(
        "INSERT INTO rollups (company, day, agent, team, n_calls, n_analyzed, n_with_conflict, "  # noqa: S608 - no value from outside
        f"n_with_stonewall, n_commitments, n_conflicts, n_stonewalls, n_scored, score_sum) "
        f"SELECT {key}, COUNT(*), COUNT(result_id), "
        "SUM(CASE WHEN result_id IS NOT NULL AND n_conflicts > 0 THEN 1 ELSE 0 END), "
        "SUM(CASE WHEN result_id IS NOT NULL AND n_stonewalls > 0 THEN 1 ELSE 0 END), "
        "SUM(n_commitments), SUM(n_conflicts), SUM(n_stonewalls), COUNT(score), "
        f"COALESCE(SUM(score), 0) FROM calls GROUP BY {key}"
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in ("batch_tasks", "request_batches", "batch_inputs", "batch_runs", "rollups"):
        op.drop_table(name)
