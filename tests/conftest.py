"""What all tests share: a home of their own, no settings from outside, no network, databases."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "wordbond", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40
)
settings.load_profile("wordbond")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the machine's settings or writes outside its folder."""
    for name in list(os.environ):
        if name.startswith(("WORDBOND_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("WORDBOND_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")


def missing(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def as_server_user(*words: str) -> None:
    """Run one of PostgreSQL's programs, which refuse to run as root."""
    command = " ".join(f"'{word}'" for word in words)
    call = ["su", "postgres", "-c", command] if os.geteuid() == 0 else list(words)
    subprocess.run(call, check=True, capture_output=True, timeout=120, cwd="/")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server of our own; gives the URL of a database on it."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        missing("PostgreSQL is not installed (no /usr/lib/postgresql/*/bin/initdb)")
    if importlib.util.find_spec("psycopg") is None:
        missing("the driver psycopg is not installed")
    binaries = programs[-1].parent
    # Not pytest's own folder: that one is closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="wordbond-pg-", dir="/tmp"))
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = str(folder / "data")
    options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
    try:
        as_server_user(
            f"{binaries}/initdb", "-D", data, "-U", "wordbond", "-A", "trust", "-E", "UTF8",
            "--no-sync", "--locale=C",
        )  # fmt: skip
        as_server_user(
            f"{binaries}/pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start"
        )
        try:
            yield f"postgresql://wordbond@127.0.0.1:{port}/postgres"
        finally:
            as_server_user(f"{binaries}/pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'wordbond.db'}"
    url: str = request.getfixturevalue("server")
    psycopg = importlib.import_module("psycopg")
    # Emptied rather than made anew: a database takes a third of a second.
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [row[0] for row in found if row[0] != "alembic_version"]
        if tables:
            connection.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY".encode())
    return url
