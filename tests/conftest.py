"""What all tests share: a home of their own, no settings from outside, no network."""

from __future__ import annotations

import os
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
