"""The command itself: help, version, wrong usage, what is imported, what becomes of errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from analyzer.cli import app, main
from analyzer.cli.faults import guarded, is_debugging, printable, set_debugging

RUNNER = CliRunner()
HEAVY = ("chromadb", "numpy", "onnxruntime", "openai", "pandas", "pydantic", "rich", "sqlalchemy")

CALL = "Agent: I will refund the fee by Friday.\nCustomer: Thank you, that is kind of you.\n"
POLICY = "---\ncompany_id: shop\n---\n## RET-1 Returns\nGoods may be returned within 30 days.\n"


@pytest.fixture(autouse=True)
def _no_debugging():
    set_debugging(is_on=False)
    yield
    set_debugging(is_on=False)


def imported_after(*arguments: str, cwd: Path) -> set[str]:
    """Which of the heavy libraries a fresh process has imported when the command is done."""
    code = (
        "import sys\nfrom analyzer.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('IMPORTED', *[m for m in {(*HEAVY, 'streamlit')} if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(done.stdout.rsplit("IMPORTED", 1)[1].split())


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["-h"], ["analyze", "--help"], ["policies", "--help"], ["eval", "--help"]],
)
def test_help_names_what_can_be_done(arguments):
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


def test_every_command_of_the_interfaces_is_there_and_no_later_one():
    result = RUNNER.invoke(app, ["--help"])
    for command in ("demo", "analyze", "policies", "batch", "eval", "app", "doctor"):
        assert f"\n  {command} " in result.stdout
    for later in ("cases", "forget", "backup"):
        assert f"\n  {later} " not in result.stdout
    policies = RUNNER.invoke(app, ["policies", "--help"]).stdout
    for command in ("add", "list", "search", "show", "authority", "conflicts", "health", "impact"):
        assert f"\n  {command} " in policies


def test_help_imports_nothing_heavy(tmp_path):
    assert imported_after("--help", cwd=tmp_path) == set()


def test_version_imports_nothing_heavy(tmp_path):
    assert imported_after("--version", cwd=tmp_path) == set()


def test_analyze_without_storing_leaves_the_stores_alone(tmp_path):
    (tmp_path / "call.txt").write_text(CALL)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "shop.md").write_text(POLICY)
    found = imported_after(
        "analyze", "call.txt", "--policies", "policies", "--no-store", cwd=tmp_path
    )
    assert not found & {"chromadb", "openai", "pandas", "sqlalchemy", "streamlit"}
    assert not (tmp_path / "home").exists()


def test_version_is_that_of_the_package():
    result = RUNNER.invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith("wordbond ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["frobnicate"], "No such command"),
        (["analyze"], "Missing argument"),
        (["analyze", "x.txt", "--engine", "psychic"], "psychic"),
        (["analyze", "x.txt", "--date", "yesterday"], "write it as 2026-03-04"),
        (["analyze", "x.txt", "--date", "2026-02-30"], "2026-02-30"),
        (["analyze", "x.txt", "--role", "Speaker 1"], "Speaker 1=agent"),
        (["analyze", "x.txt", "--role", "Speaker 1=boss"], "agent, customer or system"),
        (["analyze", "x.txt", "--role", "=agent"], "label"),
        (["analyze", "x.txt", "--column", "said"], "FIELD=COLUMN"),
        (["analyze", "x.txt", "--column", "nonsense=Said"], "started_at"),
        (["policies"], "Usage"),
        (["policies", "search"], "Missing argument"),
        (["policies", "search", "x", "-k", "0"], "-k"),
        (["policies", "search", "x", "--on", "1.2.26"], "write it as 2026-03-04"),
        (["eval"], "Missing argument"),
        (["eval", "g.jsonl", "--misses", "-1"], "misses"),
        (["eval", "g.jsonl", "--engine", "auto", "--predictions", "p.jsonl"], "--predictions"),
        (["app", "--port", "70000"], "port"),
    ],
)
def test_wrong_usage_is_told_and_ends_with_2(arguments, told):
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_an_error_is_one_sentence_on_standard_error():
    result = RUNNER.invoke(app, ["analyze", "not-there.txt"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: not-there.txt: there is no such file")


def test_debug_lets_the_error_through():
    result = RUNNER.invoke(app, ["--debug", "analyze", "not-there.txt"])
    assert result.exit_code == 1
    assert type(result.exception).__name__ == "TranscriptError"


def test_debug_may_stand_at_the_end(tmp_path):
    arguments = [sys.executable, "-c", "from analyzer.cli import main; main()"]
    for where, has_trace in ((["--debug"], True), ([], False), (["--", "--debug"], False)):
        done = subprocess.run(
            [*arguments, "analyze", "not-there.txt", *where],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 1
        assert ("Traceback" in done.stderr) == has_trace


def test_a_broken_setting_is_named(monkeypatch):
    monkeypatch.setenv("WORDBOND_MAX_COST", "plenty")
    result = RUNNER.invoke(app, ["policies", "list"])
    assert result.exit_code == 1
    assert "max_cost" in result.stderr.lower()


def test_what_nobody_foresaw_is_a_sentence_too(capsys):
    @guarded
    def broken() -> int:
        raise KeyError("left\x1b[2J\nright")

    with pytest.raises(typer.Exit) as raised:
        broken()
    assert raised.value.exit_code == 1
    told = capsys.readouterr().err
    assert "KeyError" in told
    assert "--debug" in told
    assert "\x1b" not in told
    assert told.count("\n") == 1


def test_a_keystroke_that_ends_a_command_ends_it_with_a_sentence(capsys):
    @guarded
    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as raised:
        interrupted()
    assert raised.value.exit_code == 1
    assert capsys.readouterr().err.startswith("error: Stopped")


def test_debugging_ends_with_the_command():
    set_debugging(is_on=True)
    RUNNER.invoke(app, ["analyze", "not-there.txt"])
    assert not is_debugging()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("two\nlines\tand\r\nmore", "two lines and more"),
        ("bell\x07 del\x7f c1\x9b31m", "bell del c1 31m"),
        ("left\u202eright\u2066", "left right"),
        ("‘quoted’ – naïve £5 ✕", "‘quoted’ – naïve £5 ✕"),
    ],
)
def test_printable(text, shown):
    assert printable(text) == shown


def test_main_reads_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["wordbond", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("wordbond ")
