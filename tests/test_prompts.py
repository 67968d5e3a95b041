"""Prompts as data: what is released is frozen, what is broken is refused with the reason."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from analyzer.errors import PromptError
from analyzer.prompts import get_prompt, prompts_folder, read_prompt

FOLDER = Path(__file__).parents[1] / "prompts"
GOOD = """+++
task = "mark"
version = 7
answer = "MarkAnswer"
inputs = ["call"]
why = "A test."
+++
# system
Cost: $5 {"a": 1}
# user
Read $call for $$5.
"""


def write(tmp_path, text, name="mark.v7.md"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_prompt_of_the_folder_reads():
    paths = sorted(FOLDER.glob("*.v*.md"))
    assert len(paths) >= 6
    for path in paths:
        prompt = read_prompt(path)
        assert path.name == f"{prompt.name}.md"
        assert f"`{prompt.task}`" in (FOLDER / "README.md").read_text(encoding="utf-8")
    assert prompts_folder() == FOLDER


def test_released_prompts_are_frozen():
    lines = (FOLDER / "RELEASED").read_text(encoding="utf-8").splitlines()
    for digest, name in (line.split() for line in lines if line and line[0] != "#"):
        found = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
        assert found == digest, f"{name} was edited after its release; write the next version"


def test_slots_are_filled_and_their_values_are_never_read_for_slots(tmp_path):
    prompt = read_prompt(write(tmp_path, GOOD))
    assert prompt.render(call="$call ${call} $other {x}") == (
        "Read $call ${call} $other {x} for $5."
    )
    assert prompt.system == 'Cost: $5 {"a": 1}'
    with pytest.raises(PromptError, match="takes"):
        prompt.render()
    with pytest.raises(PromptError, match="takes"):
        prompt.render(call="x", more="y")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("+++\n", "---\n", "front matter"),
        ("version = 7", "version = 8", "names mark.v8"),
        ("version = 7", "version = seven", "not TOML"),
        ('why = "A test."', "", "lacks why"),
        ("# user", "# somebody", "# user"),
        ("$call for", "$cal for", "slots"),
        ("$$5", "$5", "slots"),
    ],
)
def test_a_broken_prompt_is_refused_with_the_reason(tmp_path, old, new, told):
    with pytest.raises(PromptError, match=told):
        read_prompt(write(tmp_path, GOOD.replace(old, new)))


def test_a_prompt_of_another_name_or_none_is_refused(tmp_path):
    with pytest.raises(PromptError, match="name a prompt"):
        read_prompt(write(tmp_path, GOOD, "mark.md"))
    with pytest.raises(PromptError, match="no prompt"):
        get_prompt("nothing")
    with pytest.raises(PromptError, match="no prompt"):
        get_prompt("mark", 99)
    with pytest.raises(PromptError, match="UTF-8"):
        read_prompt(tmp_path / "mark.v9.md")
