"""The README is true: its commands exist, its settings are read, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.config import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
LINES = [
    line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()
]


def wordbond(arguments, cwd=ROOT):
    return subprocess.run(
        [str(Path(sys.executable).with_name("wordbond")), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        timeout=120,
    )


def test_every_make_target_named_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {t for line in LINES if line.startswith("make ") for t in line.split()[1:]}
    assert named
    assert named <= set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))


def test_the_keyless_commands_run(tmp_path):
    commands = [line for line in LINES if line.startswith(".venv/bin/wordbond")]
    assert len(commands) >= 4
    for command in commands:
        arguments = shlex.split(command)[1:]
        arguments = [str(tmp_path / a) if a in {"out.jsonl", "reports"} else a for a in arguments]
        done = wordbond(arguments)
        assert done.returncode == 0, (command, done.stderr)
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8").count("\n") == 5


def test_every_command_is_documented():
    helped = wordbond(["--help"]).stdout
    commands = re.findall(r"^  (\w+)  ", helped.split("Commands:")[1], re.MULTILINE)
    assert commands
    for command in commands:
        assert f"`wordbond {command}" in README, command


def test_every_setting_is_documented_and_every_documented_one_is_read():
    named = set(
        re.findall(
            r"`((?:WORDBOND|OPENAI)_[A-Z_]+)`", README.split("## Settings")[1].split("## How")[0]
        )
    )
    read = {
        str(field.validation_alias or f"WORDBOND_{name.upper()}")
        for name, field in Settings.model_fields.items()
    }
    assert named == read


@pytest.mark.parametrize(
    "path",
    sorted(set(re.findall(r"`((?:analyzer|docs|eval|requirements|corpus)/[\w./-]*)`", README))),
)
def test_every_path_named_is_there(path):
    assert (ROOT / path.rstrip("/")).exists() or (ROOT / f"{path}.py").exists()


def test_no_lock_or_config_names_an_index():
    for path in [
        *ROOT.glob("requirements/*.txt"),
        ROOT / "pyproject.toml",
        ROOT / "Makefile",
        ROOT / ".ci/run",
    ]:
        assert not re.search(
            r"(?<!emit)-index-url|find-links|https?://[^\s]*(?:pypi|simple)",
            path.read_text(encoding="utf-8"),
        ), path


def test_the_core_install_carries_no_pytorch():
    core = (ROOT / "requirements/core.txt").read_text(encoding="utf-8")
    assert not re.search(r"^(?:torch|tensorflow|jax|nvidia-\S+)==", core, re.MULTILINE)


def test_the_sample_corpus_is_what_its_source_says():
    done = subprocess.run(
        [sys.executable, str(ROOT / "eval" / "make_corpus.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
