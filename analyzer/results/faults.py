"""What databases say when they fail, as one sentence with the mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from analyzer.errors import StoreError

_ELSEWHERE = ", or name another database with WORDBOND_DATABASE_URL"

_UNREACHABLE = (
    "cannot be reached or lets nobody in; start the server, or correct WORDBOND_DATABASE_URL"
)

#: By the beginning of SQLite's error name, the first that fits counts.
_SQLITE = {
    "SQLITE_NOTADB": f"is not a SQLite database; move that file away{_ELSEWHERE}",
    "SQLITE_CORRUPT": "is damaged; put a backup of it in its place, or move it away to begin anew",
    "SQLITE_CANTOPEN": (
        f"cannot be opened; make it a file in a folder that you may write to{_ELSEWHERE}"
    ),
    "SQLITE_READONLY": (
        f"cannot be written to; give yourself leave to write to it and to its folder{_ELSEWHERE}"
    ),
    "SQLITE_PERM": f"may not be opened; give yourself leave to read and write it{_ELSEWHERE}",
    "SQLITE_FULL": (
        "cannot grow, its disk is full; free some space and run again, nothing was half-written"
    ),
    "SQLITE_BUSY": (
        "is locked by another program; wait for it to end, or end it, and run again, nothing was "
        "half-written"
    ),
    "SQLITE_LOCKED": (
        "is locked by another program; wait for it to end, or end it, and run again, nothing was "
        "half-written"
    ),
    "SQLITE_IOERR": (
        "cannot be read or written, its disk reports an error; check the disk and run again, "
        "nothing was half-written"
    ),
}

#: Beginnings of codes of faults that may go by themselves.
_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "08", "57P", "53300", "55P03", "40")

#: By the beginning of PostgreSQL's SQLSTATE.
_POSTGRESQL = {
    "53100": "cannot grow, its disk is full; free some space there and run again",
    "53": "has no room for another connection; try again in a while, or raise its limits",
    "55P03": "is locked by another program; wait for it to end and run again",
    "28": "refuses the user or the password; correct WORDBOND_DATABASE_URL",
    "3D": "does not exist on that server; create it, or correct WORDBOND_DATABASE_URL",
    "42501": "gives this user too few rights; grant CREATE on its schema, or use another user",
    "08": _UNREACHABLE,
    "57P": "is shutting down or starting up; try again in a while",
}


def render_database(url: URL) -> str:
    """How a message names a database: the file, or the URL without its password."""
    if url.get_backend_name() == "sqlite":
        name = url.database or ""
        return name if name.startswith("file:") else str(Path(name).absolute())
    return url.render_as_string(hide_password=True)


def explain(error: SQLAlchemyError, url: URL) -> StoreError:
    """A failure of the database as the error that people see.

    No value that was being written is repeated: it may be what somebody said in a call.

    Args:
        error: What SQLAlchemy raised.
        url: The database.
    """
    cause = error.orig if isinstance(error, DBAPIError) else None
    name = str(getattr(cause, "sqlite_errorname", "") or "")
    state = str(getattr(cause, "sqlstate", "") or "")
    for known, code in ((_SQLITE, name), (_POSTGRESQL, state)):
        for start, sentence in known.items():
            if code.startswith(start):
                return StoreError(
                    f"The database {render_database(url)} {sentence}.",
                    is_passing=code.startswith(_PASSING),
                )
    if cause is not None and not name and not state and url.get_backend_name() != "sqlite":
        return StoreError(f"The database {render_database(url)} {_UNREACHABLE}.", is_passing=True)
    detail = name or state or type(cause or error).__name__
    return StoreError(
        f"The database {render_database(url)} refused the work ({detail}); see `wordbond doctor`"
        f"{_ELSEWHERE}."
    )


@contextmanager
def explained(url: URL) -> Iterator[None]:
    """Let failures of the database come out as :class:`StoreError`."""
    try:
        yield
    except SQLAlchemyError as error:
        raise explain(error, url) from error
