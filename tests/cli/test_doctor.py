"""``wordbond doctor`` and ``wordbond app``: what is there, what is not, and the mend."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analyzer.cli import app
from analyzer.cli.open_app import find_app
from analyzer.demo import find_corpus, get_corpus

RUNNER = CliRunner()
KEY = "sk-this-is-a-secret"


def doctor(*arguments: str):
    return RUNNER.invoke(app, ["doctor", *arguments])


def checks(*arguments: str) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(doctor("--json", *arguments).stdout)}


def test_a_fresh_machine_is_well_and_nothing_is_made_there(tmp_path):
    result = doctor()
    assert result.exit_code == 0, result.output
    found = checks()
    assert {check["state"] for check in found.values()} <= {"ok", "note"}
    assert found["policy library"]["state"] == "note"
    assert "wordbond policies add" in found["policy library"]["mend"]
    assert "none yet" in found["database"]["found"]
    assert "SHA-256" in found["packaged model"]["found"]
    assert "no key" in found["engine"]["found"]
    assert not (tmp_path / "home").exists()
    assert "✓ ok" in result.stdout
    assert "! note" in result.stdout


def test_a_key_is_named_and_never_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://user:{KEY}@127.0.0.1:9/v1?key={KEY}")
    result = doctor()
    assert result.exit_code == 1
    found = checks()["chat model"]
    assert found["state"] == "fault"
    assert "http://127.0.0.1:9/v1" in found["found"]
    assert "OPENAI_BASE_URL" in found["found"]
    assert KEY not in result.output
    assert KEY not in json.dumps(checks())


def test_what_was_stored_and_added_is_counted(tmp_path):
    folder = tmp_path / "policies" / "shop"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("## RET-1 Returns\n\nThirty days.\n")
    call = tmp_path / "call.txt"
    call.write_text("Agent: I will refund the fee by Friday.\nCustomer: Thank you, that is kind.\n")
    assert RUNNER.invoke(app, ["policies", "add", str(folder)]).exit_code == 0
    assert RUNNER.invoke(app, ["analyze", str(call)]).exit_code == 0
    found = checks()
    assert ": 1 call, 1 result, 0 inputs set aside" in found["database"]["found"]
    assert "shop 1" in found["policy library"]["found"]


def test_faults_are_told_with_their_mend_and_end_with_1(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / "wordbond.db").write_text("no database\n" * 500)
    monkeypatch.setenv("WORDBOND_CHROMA_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WORDBOND_EMBEDDING_MODEL", "some-model")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("WORDBOND_ENGINE", "cascade")
    result = doctor()
    assert result.exit_code == 1
    assert result.stderr.startswith("error: Something is wrong with: ")
    found = checks()
    for name in ("database", "policy library", "embeddings", "chat model"):
        assert found[name]["state"] == "fault", found[name]
        assert name in result.stderr
    assert "WORDBOND_CHROMA_URL" in found["policy library"]["found"]
    assert "embedded" in found["chat model"]["found"]
    assert found["packaged model"]["state"] == "ok"


def test_a_home_that_is_a_file_is_a_fault(tmp_path):
    (tmp_path / "home").write_text("not a folder")
    found = checks()
    assert found["home"]["state"] == "fault"
    assert "WORDBOND_HOME" in found["home"]["mend"]


def test_a_setting_that_cannot_be_used_is_a_fault(monkeypatch):
    monkeypatch.setenv("WORDBOND_ENGINE", "psychic")
    result = doctor()
    assert result.exit_code == 1
    assert "✕ fault" in result.stdout
    assert "engine" in result.stdout


def test_the_corpus_and_the_app_are_found_in_the_checkout():
    corpus = find_corpus()
    assert corpus == get_corpus()
    assert corpus is not None
    assert list(corpus.glob("*/policies/*.md"))
    assert find_app() is not None


def test_a_package_finds_what_it_carries(tmp_path):
    package = tmp_path / "analyzer"
    source = Path(sys.modules["analyzer.cli"].__file__ or "").parents[1]
    shutil.copytree(source / "cli", package / "cli")
    for name in ("__init__.py", "errors.py", "demo.py"):
        shutil.copy(source / name, package / name)
    code = (
        "from analyzer.demo import find_corpus\nfrom analyzer.cli.open_app import find_app\n"
        "print(find_corpus(), find_app(), sep='\\n')"
    )

    def found() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout.split()

    (tmp_path / "corpus").mkdir()
    assert found() == ["None", "None"]
    for inner in ("policies", "calls"):
        (package / "corpus" / "shop" / inner).mkdir(parents=True)
    (package / "app_entry.py").write_text("")
    assert found() == [str(package / "corpus"), str(package / "app_entry.py")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_app_opens_on_this_machine_alone_and_ends_with_the_command(tmp_path):
    port = free_port()
    command = [sys.executable, "-c", "from analyzer.cli import main; main()", "app", "--port"]
    process = subprocess.Popen(
        [*command, str(port)],
        cwd=tmp_path,
        env={**os.environ, "STREAMLIT_SERVER_HEADLESS": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for _ in range(600):
            assert process.poll() is None
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer:
                    assert answer.status == 200
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        else:
            pytest.fail("the app did not answer")
        taken = RUNNER.invoke(app, ["app", "--port", str(port)])
        assert taken.exit_code == 1
        assert f"Port {port} cannot be used" in taken.stderr
        process.terminate()
        said, _ = process.communicate(timeout=30)
        assert f"127.0.0.1:{port}" in said
    finally:
        process.kill()
        process.wait()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
