"""The built wheel, installed elsewhere, carries all that it needs and runs the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_wheel_runs_the_demo_by_itself(tmp_path):
    def run(command, cwd, env=None):
        return subprocess.run(
            command, cwd=cwd, env=env, check=False, capture_output=True, text=True, timeout=300
        )

    built = run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], ROOT
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    target = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    names = {p.relative_to(target).parts[0] for p in target.iterdir()}
    assert not names & {"eval", "tests", "corpus", "prompts"}
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {
        "PYTHONPATH": str(target), "WORDBOND_HOME": str(tmp_path / "home"), "NO_COLOR": "1",
    }  # fmt: skip
    where = run(
        [sys.executable, "-c", "import analyzer; print(analyzer.__file__)"], tmp_path, environment
    )
    assert str(target) in where.stdout
    done = run(
        [
            sys.executable,
            "-c",
            "import sys; from analyzer.cli import main; sys.argv = ['wordbond', 'demo']; sys.exit(main())",
        ],
        tmp_path,
        environment,
    )
    assert done.returncode == 0, done.stderr
    assert "Alpenglow" in done.stdout
    assert "wordbond app" in done.stdout
