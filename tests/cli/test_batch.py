"""``wordbond batch`` as operations run it."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analyzer.cli import app
from analyzer.cli.batch import read_until
from analyzer.errors import ConfigError

RUNNER = CliRunner()
CORPUS = Path(__file__).parents[2] / "corpus" / "alpenglow"
NOW = dt.datetime(2026, 3, 4, 22, 0, tzinfo=dt.UTC)


def run(*arguments: object):
    return RUNNER.invoke(app, [str(a) for a in arguments])


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    for path in sorted((CORPUS / "calls").iterdir())[:3]:
        (folder / path.name).write_bytes(path.read_bytes())
    assert run("policies", "add", CORPUS).exit_code == 0
    return folder


def test_a_night_and_then_a_quiet_one(inbox: Path, tmp_path: Path) -> None:
    (inbox / "broken.vtt").write_text("nothing of the kind")
    first = run("batch", inbox, "--report", tmp_path / "r", "--log", tmp_path / "log.jsonl")
    assert first.exit_code == 3, first.output
    assert "set aside" in first.stderr
    assert "Run 1: " in first.stdout
    report = json.loads((tmp_path / "r" / "run-1.json").read_text())
    assert report["counts"]["done"] == len(list(inbox.iterdir())) - 1
    assert report["counts"]["files_refused"] == 1
    assert all(one["quote"] for one in report["worst"])
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert {line.get("run") for line in lines} == {1}
    assert lines[-1]["event"] == "run ended"
    second = run("batch", inbox)
    assert second.exit_code == 0
    assert "Run 2: 0 calls analysed" in second.stdout
    shown = run("batch", "--show", "1")
    assert "Wordbond batch, run 1" in shown.stdout
    listed = json.loads(run("batch", "--runs", "--json").stdout)
    assert [one["run"] for one in listed] == [2, 1]
    assert {one["state"] for one in listed} == {"done"}


def test_doctor_knows_the_last_good_run(inbox: Path) -> None:
    assert "no good run yet" in run("doctor").stdout
    assert run("batch", inbox, "--sample", "1/agent").exit_code == 0
    assert "last good run" in run("doctor").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["/nowhere"], "no inbox /nowhere"),
        (["INBOX", "--order", "loudest"], "no order 'loudest'"),
        (["INBOX", "--sample", "some"], "sample 'some' cannot be read"),
        (["INBOX", "--until", "late"], "'late' cannot be read"),
        (["INBOX", "--executor", "openai-batch"], "choose --engine llm"),
        (["--show", "99"], "no run 99"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_done(
    arguments: list[str], told: str, tmp_path: Path
) -> None:
    result = run("batch", *(str(tmp_path) if a == "INBOX" else a for a in arguments))
    assert result.exit_code == 1
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_no_inbox_is_wrong_usage() -> None:
    assert run("batch").exit_code == 2


def test_a_second_batch_ends_at_once(inbox: Path) -> None:
    script = (
        "import sys, time\n"
        "from analyzer.config import load_settings\n"
        "from analyzer.results import ResultStore\n"
        "from analyzer.results.batch_queue import BatchQueue\n"
        "s = load_settings()\n"
        "with ResultStore.open(s.resolved_database_url) as store:\n"
        f"    with BatchQueue(store, {str(inbox.resolve())!r}).hold(s.home / 'locks'):\n"
        "        print('held', flush=True)\n"
        "        sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "held"
    try:
        result = run("batch", inbox)
        assert result.exit_code == 1
        assert "Another batch is at the inbox" in result.stderr
    finally:
        holder.communicate("")
    assert run("batch", inbox, "--order", "oldest").exit_code in {0, 3}


def test_the_hour_is_the_next_one_and_a_past_moment_is_refused() -> None:
    assert read_until("06:00", NOW) == dt.datetime(2026, 3, 5, 6, tzinfo=dt.UTC)
    assert read_until("23:30", NOW) == dt.datetime(2026, 3, 4, 23, 30, tzinfo=dt.UTC)
    assert read_until("2026-03-06T01:00", NOW) == dt.datetime(2026, 3, 6, 1, tzinfo=dt.UTC)
    with pytest.raises(ConfigError, match="has passed"):
        read_until("2026-03-01T01:00", NOW)
