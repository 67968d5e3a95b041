"""Answers of the model, kept on disk so that the same question is paid for once.

The cache is a convenience: whatever befalls it, the run goes on. A file that is broken or not ours
is renamed aside and a new one begun; a disk that takes no more turns the cache off. Both are told
in ``note``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

_Result = TypeVar("_Result")

# Stands in the file's header ("WBan") and tells this cache's file from any other of SQLite.
_APPLICATION_ID = 0x5742616E
_SCHEMA_VERSION = 1
_OWNER_ONLY = 0o600  # answers quote what customers said
_BUSY_TIMEOUT_S = 1.0
_MOST_BUSY_IN_A_ROW = 3
_MOST_SET_ASIDE = 2
# Making room goes on to this part of the bound, so that not every put has to; little enough that
# the one put that does takes no more than a moment.
_ROOM_AFTER_EVICTION = 0.97
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


@dataclass(frozen=True)
class CachedResponse:
    """An answer as it came.

    Attributes:
        text: The model's text, unparsed.
        finish_reason: Why the model stopped, in the provider's word.
        model: The model that answered, as the provider names it.
        tokens_in: Tokens of the question, cached ones included.
        tokens_cached: Those of them that came from the provider's prompt cache.
        tokens_out: Tokens of the answer.
    """

    text: str
    finish_reason: str
    model: str
    tokens_in: int
    tokens_cached: int
    tokens_out: int


def cache_key(parts: Mapping[str, Any]) -> str:
    """The key of a request: a hash of everything that shapes its answer.

    Args:
        parts: JSON values whose mappings have text keys; their order does not matter.

    Returns:
        64 hexadecimal digits (SHA-256).

    Raises:
        TypeError: If a part is not a JSON value.
        ValueError: If a number is not finite.
    """
    canonical = json.dumps(
        parts, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


class _ForeignFileError(Exception):
    """A sound SQLite file that is not this cache's."""


class ResponseCache:
    """Answers by key, in one SQLite file; safe with several threads and processes.

    Args:
        path: The file; it and its folder are made, for the owner's eyes only. None keeps nothing.
        max_mb: Size at which the oldest answers go, in MB (10^6 bytes); > 0. SQLite's journal
            takes a few MB beside it.

    Attributes:
        note: What befell the cache, for the user to be told; None while all is well.

    Raises:
        ValueError: If ``max_mb`` is not above 0.
    """

    def __init__(self, path: Path | None, *, max_mb: float = 500.0) -> None:
        if not max_mb > 0:
            raise ValueError(f"max_mb must be above 0, not {max_mb!r}")
        self.note: str | None = None
        self._path = path
        self._max_bytes = max_mb * 1e6
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._untold: list[str] = []
        self._n_busy = 0
        self._n_set_aside = 0
        _forks.watch(self)
        self._use(lambda _: None)

    @classmethod
    def off(cls) -> Self:
        """A cache that keeps nothing."""
        return cls(None)

    @property
    def is_on(self) -> bool:
        """Whether answers are kept and found."""
        return self._path is not None

    def take_note(self) -> str | None:
        """What befell the cache since this was last asked: each thing is told once."""
        untold, self._untold = self._untold, []
        return " ".join(untold) or None

    def get(self, key: str) -> CachedResponse | None:
        """The answer kept under a key, or None; never raises.

        Args:
            key: What ``cache_key`` gave.
        """
        row = self._use(
            lambda connection: connection.execute(
                "SELECT answer FROM answers WHERE request = ?", (key,)
            ).fetchone()
        )
        if row is None:
            return None
        try:
            return CachedResponse(**json.loads(row[0]))
        except (TypeError, ValueError):  # written by hand; the next put replaces it
            return None

    def put(self, key: str, response: CachedResponse) -> None:
        """Keep an answer; a later one under the same key replaces it. Never raises.

        Args:
            key: What ``cache_key`` gave.
            response: An answer worth keeping; one larger than the whole bound is not kept.
        """
        # ASCII: a model may answer with half a surrogate pair, which SQLite would not take.
        answer = json.dumps(asdict(response), ensure_ascii=True)
        if len(answer) <= self._max_bytes:
            self._use(lambda connection: self._write(connection, key, answer))

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _use(self, act: Callable[[sqlite3.Connection], _Result]) -> _Result | None:
        """Do something with the file; what goes wrong with it becomes a note, and None."""
        with self._lock:
            # Each turn but the last ends with a file set aside, and _set_aside limits those.
            while self._path is not None:
                try:
                    result = act(self._connect(self._path))
                except _ForeignFileError:
                    self._set_aside(self._path, "is not a cache of this version of Wordbond")
                except sqlite3.Error as error:
                    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                    if code in _BROKEN:
                        self._set_aside(self._path, "is broken")
                    elif code in _BUSY and self._n_busy + 1 < _MOST_BUSY_IN_A_ROW:
                        self._n_busy += 1
                        return None
                    else:
                        self._turn_off(self._path, str(error))
                except OSError as error:
                    self._turn_off(self._path, error.strerror or str(error))
                else:
                    self._n_busy = 0
                    return result
            return None

    def _connect(self, path: Path) -> sqlite3.Connection:
        if self._connection is None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made before SQLite does, which would follow the umask; its journals copy the mode.
            # An existing file is not touched: closing it would drop the locks that another
            # connection of this process holds on it.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _OWNER_ONLY))
            self._identity = _identity(path)
            self._connection = _open_file(path)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _set_aside(self, path: Path, what: str) -> None:
        """Rename a file that cannot be used, so that the next connection begins a new one."""
        self._disconnect()
        self._n_set_aside += 1
        if self._n_set_aside > _MOST_SET_ASIDE:
            self._turn_off(path, f"it {what} again and again")
            return
        try:
            with _alone(path):
                # Another process may have done it since; the file there now is a sound one.
                if _identity(path) != self._identity:
                    return
                aside = _free_name(path)
                # The journals go first: a new file must never meet the journal of the old one.
                for suffix in ("-wal", "-shm", ""):
                    with contextlib.suppress(FileNotFoundError):
                        Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
        except (OSError, sqlite3.Error) as error:
            self._turn_off(path, f"it {what} and cannot be renamed: {error}")
            return
        self._tell(
            f"The answer cache {str(path)!r} {what}; it was renamed to {aside.name!r} and a new "
            "one begun."
        )

    def _turn_off(self, path: Path, why: str) -> None:
        self._disconnect()
        self._path = None
        self._tell(
            f"The answer cache {str(path)!r} is off from here on ({why}): questions that were "
            "asked before are paid for again; give it a disk with room that can be written to."
        )

    def _tell(self, sentence: str) -> None:
        self._untold.append(sentence)
        self.note = sentence if self.note is None else f"{self.note} {sentence}"

    def _write(self, connection: sqlite3.Connection, key: str, answer: str) -> None:
        with _transaction(connection):
            connection.execute(
                "INSERT OR REPLACE INTO answers (request, answer) VALUES (?, ?)", (key, answer)
            )
            # What is free is within what the file takes, so most puts ask once.
            n_bytes = _file_bytes(connection)
            if n_bytes > self._max_bytes and _used_bytes(connection) > self._max_bytes:
                self._make_room(connection)
        if n_bytes > self._max_bytes and _file_bytes(connection) > self._max_bytes:
            # The file grew under a higher bound: its free pages go back to the disk.
            # As a script: ``execute`` would stop after the first page, the pragma having no rows.
            connection.executescript("PRAGMA incremental_vacuum")

    def _make_room(self, connection: sqlite3.Connection) -> None:
        oldest, newest = connection.execute("SELECT min(id), max(id) FROM answers").fetchone()
        step = 1 + (newest - oldest) // 100
        while _used_bytes(connection) > self._max_bytes * _ROOM_AFTER_EVICTION:
            gone = connection.execute(
                "DELETE FROM answers WHERE id IN (SELECT id FROM answers ORDER BY id LIMIT ?)",
                (step,),
            )
            if gone.rowcount == 0:
                return


def _open_file(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        with _transaction(connection, "DEFERRED"):
            is_empty = _is_empty(connection)
        if is_empty:
            # Of no effect once the file has a first page, which the journal mode writes.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        _use_wal(connection)
        # A power cut may lose the last answers, never the file: they are paid for again.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 4000000")
        with _transaction(connection):
            if _is_empty(connection):
                connection.execute(
                    "CREATE TABLE answers (id INTEGER PRIMARY KEY AUTOINCREMENT, "
                    "request TEXT NOT NULL UNIQUE, answer TEXT NOT NULL)"
                )
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        if path.stat().st_mode & 0o777 != _OWNER_ONLY:
            path.chmod(_OWNER_ONLY)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Whether a file is new; raises if it is another's.

    Asked in a transaction: another process may be just beginning the file.
    """
    application = _number(connection, "PRAGMA application_id")
    version = _number(connection, "PRAGMA user_version")
    n_tables = _number(connection, "SELECT count(*) FROM sqlite_master")
    if (application, version, n_tables) == (0, 0, 0):
        return True
    if (application, version) != (_APPLICATION_ID, _SCHEMA_VERSION):
        raise _ForeignFileError
    return False


def _use_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for other connections here, so two that begin at once have to ask again.
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk ends the transaction by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes from renaming the same file; the lock ends with its process.

    The lock is SQLite's own, on an empty file beside, because that works on every system.
    """
    lock = sqlite3.connect(f"{path}.lock", timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        lock.close()


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def _file_bytes(connection: sqlite3.Connection) -> int:
    return _number(
        connection, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    )


def _used_bytes(connection: sqlite3.Connection) -> int:
    free = _number(connection, "PRAGMA freelist_count") * _number(connection, "PRAGMA page_size")
    return _file_bytes(connection) - free


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _free_name(path: Path) -> Path:
    """``<name>.broken``, or with a number after it: what was set aside before is kept."""
    aside = Path(f"{path}.broken")
    number = 1
    while aside.exists():
        number += 1
        aside = Path(f"{path}.broken{number}")
    return aside


class _Forks:
    """Closes all caches around a fork.

    SQLite remembers its file locks per process: a child that inherits a connection believes to
    hold locks that it does not, see https://www.sqlite.org/howtocorrupt.html section 2.6.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._caches: weakref.WeakSet[ResponseCache] = weakref.WeakSet()
        self._held: list[ResponseCache] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before, after_in_parent=self._after, after_in_child=self._after
            )

    def watch(self, cache: ResponseCache) -> None:
        """Have a cache closed whenever this process forks, for as long as it lives."""
        with self._lock:
            self._caches.add(cache)

    def _before(self) -> None:
        self._lock.acquire()
        self._held = list(self._caches)
        for cache in self._held:
            cache._lock.acquire()  # noqa: SLF001 - two halves of one class
            cache._disconnect()  # noqa: SLF001

    def _after(self) -> None:
        for cache in self._held:
            cache._lock.release()  # noqa: SLF001
        self._held = []
        self._lock.release()


_forks = _Forks()
