"""Alembic's way in: runs revisions on the connection that the store holds, or on ``-x url=``."""

from __future__ import annotations

from typing import Literal

from alembic import context
from sqlalchemy import Connection

from analyzer.results.database import build_engine, make_folder, read_url
from analyzer.results.tables import Base, PlainText, UtcTime


def _render_type(kind: str, item: object, _context: object) -> str | Literal[False]:
    # A revision is frozen history: it must not depend on classes that may change.
    if kind == "type" and isinstance(item, PlainText):
        return "sa.Text()"
    if kind == "type" and isinstance(item, UtcTime):
        return "sa.DateTime(timezone=True)"
    return False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # SQLite alters a table by building it anew.
        render_as_batch=True,
        render_item=_render_type,
    )
    with context.begin_transaction():
        context.run_migrations()


def _run_by_hand() -> None:
    # Not needed, and so not waited for, where a store upgrades itself.
    from analyzer.config import load_settings

    arguments = context.get_x_argument(as_dictionary=True)
    url = read_url(str(arguments.get("url") or load_settings().resolved_database_url))
    make_folder(url)
    engine = build_engine(url, is_for_upgrade=True)
    with engine.execution_options(is_writing=True).begin() as connection:
        _run(connection)


_held = context.config.attributes.get("connection")
if _held is None:
    _run_by_hand()
else:
    _run(_held)
