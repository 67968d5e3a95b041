"""Colours: each tone reads on each background in both themes, and the settings of the app hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STYLE = (ROOT / "analyzer/pages/style.css").read_text("utf-8")
CONFIG = tomllib.loads((ROOT / ".streamlit/config.toml").read_text("utf-8"))
COLORS = {
    name: (light, dark)
    for name, light, dark in re.findall(
        r"--wb-([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", STYLE
    )
}
TONES = ("conflict", "authority", "wall", "fine", "quiet")
AA = 4.5


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("tone", [*TONES, "ink", "mute", "link"])
def test_text_reads_on_every_background_that_it_stands_on(tone, theme):
    grounds = ["page", "card", "soft", "chosen"]
    grounds += [f"{tone}-soft"] if tone in TONES else []
    grounds += [f"{name}-soft" for name in TONES] if tone == "ink" else []
    for ground in grounds:
        assert contrast(COLORS[tone][theme], COLORS[ground][theme]) >= AA, ground


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_reads(theme):
    colors = CONFIG["theme"][theme]
    for name in ("textColor", "linkColor", *(key for key in colors if key.endswith("TextColor"))):
        for ground in ("backgroundColor", "secondaryBackgroundColor"):
            assert contrast(colors[name], colors[ground]) >= AA, (name, ground)
    assert contrast("#ffffff", colors["primaryColor"]) >= AA


def test_every_class_of_a_tone_is_in_the_style_sheet():
    for tone in (*TONES, "hedged"):
        assert f".wb-tone-{tone}" in STYLE


def test_the_app_listens_on_this_machine_and_tells_nobody():
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert CONFIG["server"]["maxUploadSize"] == 200
