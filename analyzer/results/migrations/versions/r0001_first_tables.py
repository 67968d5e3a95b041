"""Calls in versions, results with their findings, reviewers' decisions, inputs set aside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Build the first tables."""
    _create_calls()
    _create_results()
    _create_reviews()


def _create_calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", _ID, nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("n_versions", sa.Integer(), nullable=False),
        sa.Column("date", sa.Date(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("agents", sa.JSON(), nullable=False),
        sa.Column("result_id", _ID, nullable=True),
        sa.Column("result_version", sa.Integer(), nullable=True),
        sa.Column("engine", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("analyzed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("n_commitments", sa.Integer(), nullable=False),
        sa.Column("n_conflicts", sa.Integer(), nullable=False),
        sa.Column("n_stonewalls", sa.Integer(), nullable=False),
        sa.Column("n_to_review", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("company", "call_id", name=op.f("uq_calls_company_call_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_calls_agent_id"), "calls", ["agent_id"])
    op.create_index(op.f("ix_calls_company_date"), "calls", ["company", "date"])
    op.create_index(op.f("ix_calls_customer_id"), "calls", ["customer_id"])
    op.create_index(op.f("ix_calls_date_id"), "calls", ["date", "id"])
    op.create_index(op.f("ix_calls_result_id"), "calls", ["result_id"])
    op.create_index(op.f("ix_calls_score"), "calls", ["score"])

    op.create_table(
        "call_agents",
        sa.Column("call_row", _ID, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call_row"], ["calls.id"], name=op.f("fk_call_agents_call_row")),
        sa.PrimaryKeyConstraint("call_row", "agent", name=op.f("pk_call_agents")),
    )
    op.create_index(op.f("ix_call_agents_agent"), "call_agents", ["agent"])

    op.create_table(
        "call_versions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("call_row", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["call_row"], ["calls.id"], name=op.f("fk_call_versions_call_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_versions")),
        sa.UniqueConstraint(
            "call_row", "content_hash", name=op.f("uq_call_versions_call_row_content_hash")
        ),
        sa.UniqueConstraint("call_row", "number", name=op.f("uq_call_versions_call_row_number")),
        sqlite_autoincrement=True,
    )


def _create_results() -> None:
    op.create_table(
        "results",
        sa.Column("id", _ID, nullable=False),
        sa.Column("call_row", _ID, nullable=False),
        sa.Column("version_row", _ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("prompt_version", sa.Text(), nullable=True),
        sa.Column("policy_version", sa.Text(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("n_commitments", sa.Integer(), nullable=False),
        sa.Column("n_conflicts", sa.Integer(), nullable=False),
        sa.Column("n_stonewalls", sa.Integer(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["call_row"], ["calls.id"], name=op.f("fk_results_call_row")),
        sa.ForeignKeyConstraint(
            ["version_row"], ["call_versions.id"], name=op.f("fk_results_version_row")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_results")),
        sa.UniqueConstraint("version_row", "digest", name=op.f("uq_results_version_row_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_results_call_row_id"), "results", ["call_row", "id"])

    op.create_table(
        "findings",
        sa.Column("id", _ID, nullable=False),
        sa.Column("result_row", _ID, nullable=False),
        sa.Column("call_row", _ID, nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("quote_start", sa.Integer(), nullable=False),
        sa.Column("mark_kind", sa.Text(), nullable=False),
        sa.Column("first_turn", sa.Integer(), nullable=False),
        sa.Column("last_turn", sa.Integer(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=True),
        sa.Column("strength", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("verdict_class", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("severity", sa.Integer(), nullable=True),
        sa.Column("tactics", sa.JSON(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["call_row"], ["calls.id"], name=op.f("fk_findings_call_row")),
        sa.ForeignKeyConstraint(
            ["result_row"], ["results.id"], name=op.f("fk_findings_result_row")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_findings_call_row"), "findings", ["call_row"])
    op.create_index(op.f("ix_findings_clause"), "findings", ["clause"])
    op.create_index(op.f("ix_findings_finding_verdict"), "findings", ["finding", "verdict"])
    op.create_index(op.f("ix_findings_result_row_turn"), "findings", ["result_row", "turn"])


def _create_reviews() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("call_row", _ID, nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("quote_start", sa.Integer(), nullable=False),
        sa.Column("mark_kind", sa.Text(), nullable=False),
        sa.Column("verdict_class", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finding_row", _ID, nullable=False),
        sa.ForeignKeyConstraint(["call_row"], ["calls.id"], name=op.f("fk_decisions_call_row")),
        sa.ForeignKeyConstraint(
            ["finding_row"], ["findings.id"], name=op.f("fk_decisions_finding_row")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_decisions_call_row_turn_quote_start_mark_kind"),
        "decisions",
        ["call_row", "turn", "quote_start", "mark_kind"],
    )
    op.create_index(op.f("ix_decisions_finding_row"), "decisions", ["finding_row"])

    op.create_table(
        "set_aside_inputs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_aside_inputs")),
        sa.UniqueConstraint("digest", name=op.f("uq_set_aside_inputs_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_set_aside_inputs_last_at"), "set_aside_inputs", ["last_at"])


def downgrade() -> None:
    """Drop them, with everything in them."""
    for table in (
        "set_aside_inputs",
        "decisions",
        "findings",
        "results",
        "call_versions",
        "call_agents",
        "calls",
    ):
        op.drop_table(table)
