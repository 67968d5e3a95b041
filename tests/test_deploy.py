"""The files under deploy/: each checked by its own tool where that is here, else by its shape."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from analyzer.cli import app

DEPLOY = Path(__file__).parents[1] / "deploy"


def command_lines() -> dict[str, str]:
    service = (DEPLOY / "wordbond-batch.service").read_text()
    cron = (DEPLOY / "crontab").read_text().splitlines()[-1]
    job = yaml.safe_load((DEPLOY / "cronjob.yaml").read_text())
    container = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    return {
        "systemd": re.findall(r"^ExecStart=\S+/wordbond (.*)$", service, re.MULTILINE)[0],
        "cron": re.findall(r"bin/wordbond (.*?) \|\|", cron)[0],
        "kubernetes": re.findall(r"^wordbond (.*?) \|\|", container["args"][0])[0],
    }


@pytest.mark.parametrize("where", ["systemd", "cron", "kubernetes"])
def test_the_command_line_is_one_that_wordbond_takes(where: str, tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    line = command_lines()[where]
    for place in re.findall(r"(?<= )/\S+", f" {line}"):
        line = line.replace(place, str(tmp_path / Path(place).name), 1)
    result = CliRunner().invoke(app, shlex.split(line))
    assert result.exit_code == 0, result.output
    assert "0 calls analysed" in result.stdout


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for name in ("wordbond-batch.service", "wordbond-batch.timer"):
        text = (DEPLOY / name).read_text()
        # The program is not where the unit will find it.
        (tmp_path / name).write_text(text.replace("/opt/wordbond/bin/wordbond", "/bin/echo"))
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_copies_what_there_is_and_the_job_names_its_volumes() -> None:
    root = DEPLOY.parent
    for line in (DEPLOY / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for name in line.split()[1:-1]:
                assert (root / name).exists(), name
    job = yaml.safe_load((DEPLOY / "cronjob.yaml").read_text())
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
