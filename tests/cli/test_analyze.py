"""``wordbond analyze`` on real files: records, exit codes, what is stored, what is set aside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from analyzer.cli import app
from analyzer.cli.records import RecordWriter, is_same_file, render_line
from analyzer.domain import Analysis
from analyzer.errors import ConfigError
from analyzer.readers.policies import read_policies
from analyzer.results import ResultStore

RUNNER = CliRunner()

SHOP = """---
company: The Shop
company_id: shop
effective_from: 2026-01-01
---

## RET-1 Returns

Goods may be returned within 30 days of delivery. Refunds are paid within 5 business days.

## AUTH-1 Authority

A representative may grant a goodwill credit of up to USD 20. Only a manager may grant more.
"""
BANK = SHOP.replace("The Shop", "The Bank").replace("shop", "bank").replace("-1 ", "-9 ")

TURNS = [
    {"role": "agent", "name": "Dana", "position": "representative",
     "text": "Thank you for calling The Shop, this is Dana. How can I help?"},
    {"role": "customer", "text": "My kettle arrived on Monday and it leaks."},
    {"role": "agent", "name": "Dana", "position": "representative",
     "text": "I'm sorry. You have ninety days to send it back, and I'll refund all of it today."},
    {"role": "customer", "text": "Can you do anything for my trouble?"},
    {"role": "agent", "name": "Dana", "position": "representative",
     "text": "I'll put two hundred dollars of goodwill credit on your account right now."},
    {"role": "customer", "text": "Thank you, that is more than I expected."},
]  # fmt: skip


def record(call_id: str, **fields) -> dict[str, Any]:
    return {"call_id": call_id, "company": "shop", "date": "2026-03-04", "turns": TURNS, **fields}


def write_calls(path: Path, *records: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return path


def write_policies(folder: Path, **documents: str) -> Path:
    for company, text in (documents or {"shop": SHOP}).items():
        (folder / company).mkdir(parents=True)
        (folder / company / "rules.md").write_text(text)
    return folder


def analyze(*arguments: object):
    return RUNNER.invoke(app, ["analyze", *map(str, arguments)])


def records_of(path: Path) -> list[Analysis]:
    return [Analysis.from_record(json.loads(line)) for line in path.read_text().splitlines()]


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return write_calls(tmp_path / "calls" / "two.jsonl", record("c-1"), record("c-2"))


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return write_policies(tmp_path / "policies")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def stored(home: Path) -> ResultStore:
    return ResultStore.open(f"sqlite:///{home / 'wordbond.db'}")


# --- one folder, everything in it ---------------------------------------------------------------


@dataclass(frozen=True)
class Mixed:
    """A folder with good and bad files, analysed once for all tests that look at it."""

    folder: Path
    policies: Path
    home: Path
    result: Any
    again: Any


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Mixed:
    root = tmp_path_factory.mktemp("mixed")
    folder = root / "calls"
    write_calls(folder / "a.jsonl", record("c-1"), record("c-2"))
    with (folder / "a.jsonl").open("a") as file:
        file.write('{"call_id": "half\n')
    (folder / "empty.txt").write_text("")
    (folder / "image.txt").write_bytes(bytes(range(256)) * 4)
    (folder / "deep").mkdir()
    (folder / "deep" / "plain.txt").write_text(
        "Speaker 1: Thank you for calling The Shop, how may I help you today?\n"
        "Speaker 2: I want to send my kettle back, it leaks and I am upset about it.\n"
        "Speaker 1: You have ninety days to send it back and I will refund all of it.\n"
        "Speaker 2: Thank you.\n"
    )
    write_calls(folder / "other.json", record("c-3", company="shoop"))
    policies = write_policies(root / "policies", shop=SHOP, bank=BANK)
    (policies / "bank" / "broken.md").write_bytes(b"\x00\x01\x02" * 50)
    environment: dict[str, str | None] = dict.fromkeys(
        name for name in os.environ if name.startswith(("OPENAI_", "WORDBOND_"))
    )
    environment["WORDBOND_HOME"] = str(root / "home")
    arguments = [
        "analyze", str(folder), "--policies", str(policies), "--company", "The Shop",
        "--date", "2026-03-05", "--position", "representative", "--agent", "a-7",
        "--team", "north", "--customer", "k-9", "--json", str(root / "out.jsonl"),
    ]  # fmt: skip
    first = RUNNER.invoke(app, arguments, env=environment)
    second = RUNNER.invoke(app, arguments, env=environment)
    return Mixed(folder, policies, root / "home", first, second)


def test_the_first_line_says_which_engine_runs_and_why(mixed):
    first = mixed.result.stdout.splitlines()[0]
    assert first.startswith("Engine: embedded (")
    assert "no key" in first


def test_bad_files_among_good_ones_end_with_3_and_the_good_ones_are_there(mixed):
    assert mixed.result.exit_code == 3
    found = records_of(mixed.home.parent / "out.jsonl")
    assert [one.call.call_id for one in found][:2] == ["c-1", "c-2"]
    assert len(found) == 3
    assert "3 calls: " in mixed.result.stdout
    assert "5 inputs set aside" in mixed.result.stdout


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("a.jsonl, line 3", ""),
        ("empty.txt", "empty"),
        ("image.txt", "binary"),
        ("broken.md", "Markdown or text"),
        ("other.json, call c-3", "did you mean 'shop'?"),
    ],
)
def test_what_is_set_aside_is_told_once_with_its_reason(mixed, named, told):
    lines = [line for line in mixed.result.stderr.splitlines() if named in line]
    assert len(lines) == 1
    assert lines[0].startswith("set aside: ")
    assert told in lines[0]
    with stored(mixed.home) as store:
        reasons = [one for one in store.list_set_aside() if named in one.source]
    assert len(reasons) == 1
    assert reasons[0].reason in lines[0]
    assert reasons[0].times == 2


def test_records_are_whole_and_their_quotes_verbatim(mixed):
    clauses = {
        clause.id: clause.text
        for document in read_policies(mixed.policies).documents
        for clause in document.clauses
    }
    n_marks = 0
    for one in records_of(mixed.home.parent / "out.jsonl"):
        assert one.engine == "embedded"
        assert one.score is not None
        assert one.policy_version
        for mark in one.commitments:
            n_marks += 1
            assert mark.quote in one.call.turns[mark.turn].text
            if mark.clause_quote:
                assert mark.clause_quote in clauses[mark.clauses[0]]
    assert n_marks > 0


def test_options_hold_for_calls_that_do_not_say_it_themselves(mixed):
    by_id = {one.call.call_id: one.call for one in records_of(mixed.home.parent / "out.jsonl")}
    carried = by_id["c-1"]
    assert (carried.company, str(carried.date)) == ("shop", "2026-03-04")
    (plain,) = [call for call_id, call in by_id.items() if call_id.startswith("h-")]
    assert (plain.company, str(plain.date), plain.agent_id) == ("The Shop", "2026-03-05", "a-7")
    assert (plain.team, plain.customer_id) == ("north", "k-9")
    assert {t.position for t in plain.turns if t.role == "agent"} == {"representative"}


def test_roles_that_were_found_are_shown_with_how_sure_they_are(mixed):
    text = " ".join(mixed.result.stdout.split())
    assert "Speaker 1 is taken for the agent" in text
    assert "% sure" in text


def test_the_second_time_nothing_new_is_stored(mixed):
    assert "3 new" in mixed.result.stdout
    assert "0 new, 3 were there already" in mixed.again.stdout
    with stored(mixed.home) as store:
        stats = store.stats()
    assert (stats.n_calls, stats.n_versions, stats.n_results) == (3, 3, 3)


def test_what_is_stored_is_what_is_written(mixed):
    with stored(mixed.home) as store:
        for one in records_of(mixed.home.parent / "out.jsonl"):
            assert store.get_analysis(one.call.company, one.call.call_id) == one


# --- where results go ----------------------------------------------------------------------------


def test_records_on_standard_output_stand_there_alone(calls, policies, home):
    result = analyze(calls, "--policies", policies, "--json", "-", "--no-store")
    assert result.exit_code == 0
    found = [Analysis.from_record(json.loads(line)) for line in result.stdout.splitlines()]
    assert [one.call.call_id for one in found] == ["c-1", "c-2"]
    assert result.stderr.startswith("Engine: embedded")
    assert "2 calls: " in result.stderr
    assert not home.exists()


def test_records_in_a_file_leave_the_summary_where_it_is(calls, policies, tmp_path):
    out = tmp_path / "out.jsonl"
    result = analyze(calls, "--policies", policies, "--json", out, "--no-store")
    assert result.exit_code == 0
    assert len(records_of(out)) == 2
    assert "shop/c-1" in result.stdout
    assert f"Records: {out}" in result.stdout


def test_records_of_an_earlier_run_are_no_transcripts(calls, policies):
    out = calls.parent / "out.jsonl"
    for _ in range(2):
        result = analyze(calls.parent, "--policies", policies, "--json", out, "--no-store")
        assert result.exit_code == 0
        assert len(records_of(out)) == 2


def test_a_transcript_is_never_overwritten_with_records(calls, policies):
    before = calls.read_bytes()
    result = analyze(calls, "--policies", policies, "--json", calls, "--no-store")
    assert result.exit_code == 2
    assert calls.read_bytes() == before


def test_a_file_that_cannot_be_written_is_named(calls, policies, tmp_path):
    result = analyze(
        calls, "--policies", policies, "--no-store", "--json", tmp_path / "no" / "o.jsonl"
    )
    assert result.exit_code == 1
    assert "o.jsonl" in result.stderr
    assert "--json" in result.stderr


def test_a_full_disk_is_told():
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is not on this system")
    with RecordWriter(Path("/dev/full")) as writer, pytest.raises(ConfigError, match="space"):
        writer.write({"a": 1})


def test_escape_sequences_of_a_transcript_do_not_reach_the_terminal(tmp_path, policies):
    text = "I will \u001b[31mrefund [bold]all[/bold] of it \u009b2J by Friday\u202e, that is done."
    nasty = record("id\u001b]0;x\u0007", turns=[{"role": "agent", "name": "D\u001b[2J",
                   "text": text}, {"role": "customer", "text": "Fine\u2028by me\u0085"}])  # fmt: skip
    path = write_calls(
        tmp_path / "nasty.jsonl", nasty, record("id2\u001b[2J", company="none\u001bx")
    )
    human = analyze(path, "--policies", policies, "--policies", policies, "--no-store")
    machine = analyze(path, "--policies", policies, "--no-store", "--json", "-")
    for stream in (human.stdout, human.stderr, machine.stdout, machine.stderr):
        assert all(ch.isprintable() or ch == "\n" for ch in stream)
    assert len(machine.stdout.splitlines()) == 2
    assert "[bold]all[/bold]" in machine.stdout


@pytest.mark.parametrize(
    "value", ["plain", "é ✕ “”", "\x1b[2J", "\u2028\u2029\x85", "\u202e", "\U0001f600", "\x7f\x9b"]
)
def test_a_record_is_one_printable_line_that_reads_back(value):
    for is_ascii in (False, True):
        line = render_line({"text": value}, is_ascii=is_ascii)
        assert line.isprintable()
        assert json.loads(line) == {"text": value}
    assert render_line(["é"]) == '["é"]'


def test_numbers_that_json_does_not_know_are_null():
    assert render_line({"a": float("nan"), "b": [float("inf"), 1]}) == '{"a": null, "b": [null, 1]}'


def test_one_file_by_two_names_is_one_file(tmp_path):
    (tmp_path / "a").write_text("")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert is_same_file(tmp_path / "a", tmp_path / "b")
    assert is_same_file(tmp_path / "none", tmp_path / "x" / ".." / "none")
    assert not is_same_file(tmp_path / "a", tmp_path / "c")


# --- policies --------------------------------------------------------------------------------


def test_without_policies_no_verdict_is_given_and_the_output_says_so(calls):
    result = analyze(calls, "--no-store")
    assert result.exit_code == 0
    assert "no verdict is given; add them with `wordbond policies add`" in result.stdout
    assert "(2 calls: c-1, c-2)" in result.stdout
    assert "✓" not in result.stdout


def test_without_a_date_verdicts_are_null_and_the_note_says_so(tmp_path, policies):
    path = write_calls(tmp_path / "undated.jsonl", record("c-1", date=None))
    out = tmp_path / "out.jsonl"
    result = analyze(path, "--policies", policies, "--no-store", "--json", out)
    (one,) = records_of(out)
    assert one.commitments
    assert {mark.verdict for mark in one.commitments} == {None}
    assert "carries no date" in result.stdout
    assert "--date" in result.stdout
    dated = analyze(path, "--policies", policies, "--no-store", "--json", out, "--date=2026-03-04")
    assert dated.exit_code == 0
    assert any(mark.verdict for mark in records_of(out)[0].commitments)


def test_policies_of_the_library_are_used_where_none_are_named(calls, policies):
    assert RUNNER.invoke(app, ["policies", "add", str(policies)]).exit_code == 0
    result = analyze(calls, "--no-store")
    assert "Policies: 2 clauses of 1 company, from the policy library." in result.stdout
    assert "no verdict" not in result.stdout


def test_policies_of_a_run_leave_the_library_alone(calls, policies, home):
    analyze(calls, "--policies", policies)
    assert not (home / "chroma").exists()


def test_policies_of_several_folders_stand_together(tmp_path, calls, policies):
    bank = write_policies(tmp_path / "more", bank=BANK)
    result = analyze(
        calls, "--policies", policies, "--policies", bank, "--policies", policies, "--no-store"
    )
    assert result.exit_code == 0
    assert "Policies: 4 clauses of 2 companies" in result.stdout


def test_clauses_that_clash_between_folders_are_set_aside(tmp_path, calls, policies):
    second = tmp_path / "again" / "shop"
    second.mkdir(parents=True)
    (second / "others.md").write_text(SHOP.replace("30 days", "60 days"))
    result = analyze(calls, "--policies", policies, "--policies", tmp_path / "again", "--no-store")
    assert result.exit_code == 3
    assert "set aside: " in result.stderr


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_policies_that_are_not_there_are_told(tmp_path, calls, name):
    (tmp_path / "empty").mkdir()
    result = analyze(calls, "--policies", tmp_path / name, "--no-store")
    assert result.exit_code == 1
    assert str(tmp_path / name) in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_call_without_a_company_needs_one_where_there_are_several(tmp_path):
    both = write_policies(tmp_path / "both", shop=SHOP, bank=BANK)
    path = write_calls(tmp_path / "c.jsonl", record("c-1", company=None))
    result = analyze(path, "--policies", both, "--no-store")
    assert result.exit_code == 3
    assert "bank, shop" in result.stderr
    assert analyze(path, "--policies", both, "--no-store", "--company", "shop").exit_code == 0


# --- the engine ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told"), [("llm", "OPENAI_API_KEY"), ("cascade", "OPENAI_API_KEY")]
)
def test_an_engine_that_cannot_be_had_is_one_sentence(calls, name, told, monkeypatch):
    for arguments in (["--engine", name], []):
        monkeypatch.setenv("WORDBOND_ENGINE", name)
        result = analyze(calls, "--no-store", *arguments)
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert told in result.stderr
        assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "setting", "why"),
    [
        (["--engine", "embedded"], None, "as --engine asks"),
        ([], "embedded", "as WORDBOND_ENGINE asks"),
        (["--engine", "auto"], "embedded", "no key"),
    ],
)
def test_the_first_line_gives_the_reason(calls, monkeypatch, arguments, setting, why):
    if setting:
        monkeypatch.setenv("WORDBOND_ENGINE", setting)
    result = analyze(calls, "--no-store", *arguments)
    assert why in result.stdout.splitlines()[0]


def test_an_address_that_is_not_there_ends_the_run_before_any_call(calls, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    result = analyze(calls, "--no-store")
    first = result.stdout.splitlines()[0]
    assert "Engine: llm" in first
    assert "since a chat model is set" in first
    assert "personal data masked" in first
    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr
    assert "OPENAI_BASE_URL" in result.stderr
    assert "sk-very-secret" not in result.output


def test_a_call_that_the_engine_cannot_read_is_set_aside(tmp_path, policies):
    spanish = [
        {"role": "agent", "text": "Gracias por llamar, le habla Dana. ¿En qué puedo ayudarle hoy?"},
        {"role": "customer", "text": "Hola, quiero devolver la tetera porque pierde agua siempre."},
        {"role": "agent", "text": "Le devolvemos el dinero el viernes sin falta, se lo prometo."},
    ]
    path = write_calls(tmp_path / "c.jsonl", record("es", turns=spanish), record("c-1"))
    result = analyze(path, "--policies", policies)
    assert result.exit_code == 3
    assert "not in English" in result.stderr
    assert "1 call: " in result.stdout


# --- reading ---------------------------------------------------------------------------------


def test_an_empty_folder_is_told(tmp_path):
    (tmp_path / "none").mkdir()
    result = analyze(tmp_path / "none", "--no-store")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert ".vtt" in result.stderr


def test_an_empty_folder_beside_others_is_noted(tmp_path, calls):
    (tmp_path / "none").mkdir()
    result = analyze(tmp_path / "none", calls, "--no-store")
    assert result.exit_code == 0
    assert f"note: {tmp_path / 'none'}" in result.stderr


def test_a_missing_file_beside_others_is_set_aside(tmp_path, calls):
    result = analyze(tmp_path / "gone.txt", calls, "--no-store")
    assert result.exit_code == 3
    assert "gone.txt: there is no such file" in result.stderr


def test_roles_and_columns_are_the_users_to_set(tmp_path, policies):
    table = tmp_path / "table.csv"
    table.write_text(
        "who spoke,what = said\n"
        "left,I want to send the kettle back.\nright,You have ninety days to send it back.\n"
    )
    out = tmp_path / "out.jsonl"
    result = analyze(
        table, "--policies", policies, "--no-store", "--json", out,
        "--column", "speaker=who spoke", "--column", "text=what = said",
        "--role", "left=customer", "--role", "right=agent",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (one,) = records_of(out)
    assert [turn.role for turn in one.call.turns] == ["customer", "agent"]


def test_a_broken_database_stops_the_run_with_a_sentence(calls, policies, home):
    home.mkdir()
    (home / "wordbond.db").write_text("this is no database at all, but it is long enough\n" * 40)
    result = analyze(calls, "--policies", policies)
    assert result.exit_code == 1
    assert "wordbond.db" in result.stderr
    assert result.stderr.count("\n") == 1


# --- ended half-way --------------------------------------------------------------------------


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_what_was_finished_is_kept_when_the_run_is_ended(tmp_path, policies, home, kill):
    many = write_calls(tmp_path / "many.jsonl", *(record(f"c-{n}") for n in range(3000)))
    out = tmp_path / "out.jsonl"
    process = subprocess.Popen(
        [
            sys.executable, "-c", "from analyzer.cli import main; main()", "analyze", many,
            "--policies", policies, "--json", out,
        ],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        while process.poll() is None and not (out.exists() and out.stat().st_size):
            time.sleep(0.02)
        process.send_signal(kill)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
    found = records_of(out)
    assert 0 < len(found) < 3000
    with stored(home) as store:
        assert len(found) <= store.stats().n_results <= len(found) + 1
        assert store.get_analysis("shop", "c-0") == found[0]
    if kill is signal.SIGINT:
        assert process.returncode == 1
        assert told.startswith("error: Stopped after ")
        assert told.count("\n") == 1
