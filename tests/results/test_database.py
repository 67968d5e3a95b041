"""Opening a database: what is made, how it is set, and what is said when it cannot be."""

from __future__ import annotations

import argparse
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import event
from sqlalchemy.pool import Pool

import analyzer.results
from analyzer.domain import Analysis
from analyzer.errors import StoreError
from analyzer.results import ResultStore

INI = Path(analyzer.results.__file__).parent / "migrations" / "alembic.ini"
RECORD = {
    "call_id": "k1",
    "turns": [{"role": "agent", "text": "The secret word is xylophone."}],
    "commitments": [
        {
            "id": "c1",
            "turn": 0,
            "quote": "The secret word is xylophone.",
            "kind": "assurance",
            "strength": "firm",
        }
    ],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "with 100%" / "wordbond.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


def alembic(url: str) -> Config:
    return Config(str(INI), cmd_opts=argparse.Namespace(x=[f"url={url}"]))


def pragma(store: ResultStore, name: str) -> object:
    with store._engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_creates_the_folder_for_its_owner_alone(file: Path, url: str) -> None:
    ResultStore.open(url).close()
    assert file.is_file()
    if os.name == "posix":
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_sets_up_sqlite(url: str) -> None:
    with ResultStore.open(url) as store:
        assert pragma(store, "journal_mode") == "wal"
        assert pragma(store, "synchronous") == 1
        assert pragma(store, "busy_timeout") == 30_000
        assert pragma(store, "foreign_keys") == 1


def test_a_home_folder_may_be_written_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ResultStore.open("sqlite:///~/wordbond.db").close()
    assert (tmp_path / "wordbond.db").is_file()


def test_opens_from_any_folder(file: Path, url: str, tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[2]);"
        "from analyzer.results import ResultStore;"
        "print(ResultStore.open(sys.argv[1]).stats().n_calls)"
    )
    source = str(Path(analyzer.results.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program, url, source],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
    assert file.is_file()


def test_migrations_run_by_hand_go_down_and_up(file: Path, url: str) -> None:
    config = alembic(url)
    command.upgrade(config, "head")
    command.check(config)
    command.downgrade(config, "base")
    with sqlite3.connect(file) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert names <= {"alembic_version", "sqlite_sequence", "sqlite_autoindex_alembic_version_1"}
    with ResultStore.open(url) as store:
        assert store.save_analysis(Analysis.from_record(RECORD)).created
    with pytest.raises(CommandError):
        command.upgrade(config, "9999")


def test_an_interrupted_upgrade_leaves_nothing(file: Path, url: str) -> None:
    def fail(connection: sqlite3.Connection, _record: object) -> None:
        def refuse(action: int, *_: object) -> int:
            is_late = action == sqlite3.SQLITE_CREATE_INDEX
            return sqlite3.SQLITE_DENY if is_late else sqlite3.SQLITE_OK

        connection.set_authorizer(refuse)

    event.listen(Pool, "connect", fail)
    try:
        with pytest.raises(StoreError):
            ResultStore.open(url)
    finally:
        event.remove(Pool, "connect", fail)
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    ResultStore.open(url).close()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("not a url", r"^The database URL cannot be read; write it as .*WORDBOND_DATABASE_URL\.$"),
        ("mysql://host/name", r"^There is no support .* 'mysql'; use sqlite or postgresql .*\.$"),
        ("sqlite://", r"^A SQLite database in memory keeps nothing; name a file"),
        ("sqlite:///:memory:", r"^A SQLite database in memory keeps nothing; name a file"),
        ("postgresql+nodriver://host/name", r"^The driver .* is not installed; run `pip install"),
    ],
)
def test_refuses_what_it_cannot_use(wrong: str, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        ResultStore.open(wrong)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"folder .*file.* cannot be created .*WORDBOND_HOME\.$"):
        ResultStore.open(f"sqlite:///{tmp_path}/file/below/wordbond.db")


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened; make it a file in a folder"):
        ResultStore.open(f"sqlite:///{tmp_path}")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_may_not_be_written(file: Path, url: str) -> None:
    ResultStore.open(url).close()
    file.chmod(0o400)
    file.parent.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="cannot be written"), ResultStore.open(url) as store:
            store.save_analysis(Analysis.from_record(RECORD))
    finally:
        file.parent.chmod(0o700)


def test_a_file_that_is_no_database(file: Path, url: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"Dear diary, " * 400)
    with pytest.raises(StoreError, match=r"wordbond\.db is not a SQLite database; move .*URL\.$"):
        ResultStore.open(url)
    assert file.read_bytes() == b"Dear diary, " * 400


def test_a_database_of_another_program(file: Path, url: str) -> None:
    file.parent.mkdir(parents=True)
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE calls (number TEXT)")
    connection.close()
    with pytest.raises(StoreError, match=r"belongs to another program .*'calls'.*; name another"):
        ResultStore.open(url)


def test_a_database_of_a_newer_version(file: Path, url: str) -> None:
    with ResultStore.open(url) as store:
        head = store.stats().revision
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(
        StoreError, match=rf"newer version .*its schema is 9999, .*up to {head}.*; upgrade Wordbond"
    ):
        ResultStore.open(url)


@pytest.fixture
def locked(file: Path, url: str) -> Iterator[str]:
    ResultStore.open(url).close()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield url
    other.close()


def test_a_locked_database(locked: str) -> None:
    with ResultStore.open(locked, busy_timeout_s=0.05) as store:
        assert store.list_calls() == []
        with pytest.raises(StoreError, match=r"is locked by another program; wait .* run again"):
            store.save_analysis(Analysis.from_record(RECORD))


def test_a_full_disk_leaves_what_was_there(url: str) -> None:
    def fill(connection: sqlite3.Connection, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    with ResultStore.open(url) as store:
        store.save_analysis(Analysis.from_record(RECORD))
        before = store.stats()
    event.listen(Pool, "connect", fill)
    big = {**RECORD, "call_id": "k2", "turns": [{"role": "agent", "text": "word " * 20_000}]}
    try:
        with ResultStore.open(url) as store:
            with pytest.raises(StoreError, match="its disk is full; free some space"):
                store.save_analysis(Analysis.from_record(big))
            assert store.stats() == before
    finally:
        event.remove(Pool, "connect", fill)


def test_a_damaged_record(file: Path, url: str) -> None:
    with ResultStore.open(url) as store:
        saved = store.save_analysis(Analysis.from_record(RECORD))
        with sqlite3.connect(file) as connection:
            connection.execute("""UPDATE results SET record = '{"score": "high"}'""")
        connection.close()
        with pytest.raises(
            StoreError, match=rf"Result {saved.result_id} .*'k1' .* \(field score: "
        ):
            store.get_analysis(None, "k1")
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE call_versions SET content = '{\"call_id\"'")
        connection.close()
        with pytest.raises(StoreError, match=r"Version 1 of call 'k1' .* \(its JSON is broken"):
            store.find_call(None, "k1")


def test_a_damaged_file(file: Path, url: str) -> None:
    with ResultStore.open(url) as store:
        store.save_analysis(Analysis.from_record(RECORD))
    content = bytearray(file.read_bytes())
    content[4096:] = b"\x7f" * (len(content) - 4096)
    file.write_bytes(bytes(content))
    with pytest.raises(StoreError, match=r"wordbond\.db is damaged; put a backup"):
        ResultStore.open(url)


def test_messages_repeat_no_words_of_a_call(locked: str) -> None:
    with ResultStore.open(locked, busy_timeout_s=0.01) as store:
        with pytest.raises(StoreError) as caught:
            store.save_analysis(Analysis.from_record(RECORD))
        assert "xylophone" not in str(caught.value)
        assert "xylophone" not in str(caught.value.__cause__)
    with pytest.raises(StoreError) as caught:
        ResultStore.open("postgresql://ana:hunter2@127.0.0.1:1/calls")
    assert "hunter2" not in str(caught.value)
