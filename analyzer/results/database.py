"""Opens a database: settings of the connection, folder of a SQLite file, schema by Alembic."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from analyzer.errors import StoreError
from analyzer.results.faults import explained, render_database
from analyzer.results.tables import Base

BUSY_TIMEOUT_S = 30.0
"""How long SQLite waits for another writer before it gives up."""

_BACKENDS = ("sqlite", "postgresql")
_SCRIPTS = "analyzer.results:migrations"
_UPGRADE_LOCK = 0x776F7264
"""Key of the PostgreSQL advisory lock that upgrades hold; any number that is always the same."""

# Alembic keeps the migration under way in a module: one at a time in a process.
_upgrading = threading.Lock()


def read_url(database_url: str) -> URL:
    """Check a database URL and complete it.

    ``postgres://`` and ``postgresql://`` take the psycopg driver, and ``~`` in the path of a SQLite
    file is the home folder.

    Raises:
        StoreError: If it cannot be read, or names a database that keeps nothing or is unknown here.
    """
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise StoreError(
            "The database URL cannot be read; write it as sqlite:////folder/wordbond.db or "
            "postgresql://user:password@host/name in WORDBOND_DATABASE_URL."
        ) from error
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    backend = url.drivername.partition("+")[0]
    if backend not in _BACKENDS:
        raise StoreError(
            f"There is no support for a database of kind {backend!r}; use sqlite or postgresql in "
            "WORDBOND_DATABASE_URL."
        )
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise StoreError(
                "A SQLite database in memory keeps nothing; name a file, as in "
                "sqlite:////folder/wordbond.db, in WORDBOND_DATABASE_URL."
            )
        if url.database.startswith("~"):
            url = url.set(database=str(Path(url.database).expanduser()))
    return url


def build_engine(
    url: URL, *, busy_timeout_s: float = BUSY_TIMEOUT_S, is_for_upgrade: bool = False
) -> Engine:
    """An engine with the settings that the store relies on.

    SQLite: write-ahead log, ``synchronous=normal``, foreign keys on, and a wait for other writers.
    SQLAlchemy and not the driver begins transactions, so that schema changes are part of them;
    those of a connection with the execution option ``is_writing`` take the write lock at once, so
    that two writers wait for each other rather than fail half-way.

    Args:
        url: As :func:`read_url` gives it.
        busy_timeout_s: How long SQLite waits for another writer.
        is_for_upgrade: Leaves foreign keys unchecked, as rebuilding a SQLite table needs, and keeps
            no connection.

    Raises:
        StoreError: If the driver is not installed.
    """
    pool: dict[str, Any] = {"poolclass": NullPool} if is_for_upgrade else {}
    try:
        # What was being written may be what somebody said: it stays out of every message.
        engine = create_engine(url, hide_parameters=True, **pool)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StoreError(
            f"The driver {url.get_driver_name()!r} of the database {render_database(url)} is not "
            f"installed; run `pip install {url.get_driver_name()}`."
        ) from error
    if engine.dialect.name == "sqlite":
        _set_up_sqlite(engine, busy_timeout_s, has_foreign_keys=not is_for_upgrade)
    return engine


def _set_up_sqlite(engine: Engine, busy_timeout_s: float, *, has_foreign_keys: bool) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        try:
            connection.isolation_level = None
            connection.execute(f"PRAGMA busy_timeout = {round(busy_timeout_s * 1000)}")
            _use_write_ahead_log(connection, busy_timeout_s)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA foreign_keys = {'ON' if has_foreign_keys else 'OFF'}")
        except sqlite3.Error:
            connection.close()
            raise

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        is_writing = connection.get_execution_options().get("is_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _use_write_ahead_log(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    # Two processes that switch a new file to WAL at once: SQLite fails one without waiting.
    deadline = time.monotonic() + busy_timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorname.startswith("SQLITE_BUSY")
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def make_folder(url: URL) -> None:
    """Create the folder of a SQLite file, open to its owner alone: calls are personal.

    Raises:
        StoreError: If it cannot be created.
    """
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return
    folder = Path(url.database).absolute().parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {folder} of the database cannot be created "
            f"({error.strerror or type(error).__name__}); make the folder above it one you may "
            "write to, or name another place with WORDBOND_HOME."
        ) from error


def upgrade(url: URL, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> str:
    """Bring the schema to the newest revision.

    It happens in one transaction that holds the database's write lock (SQLite) or an advisory lock
    (PostgreSQL): of several processes one upgrades and the others find it done, and one that is
    killed leaves the schema as it was.

    Returns:
        The revision of the schema.

    Raises:
        StoreError: If the database is of a newer version of Wordbond, or fails.
    """
    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    engine = build_engine(url, busy_timeout_s=busy_timeout_s, is_for_upgrade=True)
    with _upgrading, explained(url):
        with engine.connect() as reading:
            found = _revision(reading)
        if found != head:
            with engine.execution_options(is_writing=True).begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(
                        text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK}
                    )
                found = _revision(connection)
                _check_ours(connection, found, scripts, url)
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                found = _revision(connection)
    return found or ""


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _check_ours(
    connection: Connection, found: str | None, scripts: ScriptDirectory, url: URL
) -> None:
    if found is None:
        taken = set(inspect(connection).get_table_names()) & set(Base.metadata.tables)
        if taken:
            raise StoreError(
                f"The database {render_database(url)} belongs to another program (Wordbond did not "
                f"make its table {min(taken)!r}); name another one with WORDBOND_DATABASE_URL."
            )
    elif found not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreError(
            f"The database {render_database(url)} is of a newer version of Wordbond (its schema is "
            f"{found}, this version knows up to {scripts.get_current_head()}); upgrade Wordbond, "
            "or name another database with WORDBOND_DATABASE_URL."
        )
