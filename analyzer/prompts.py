"""Prompts as data: read from ``prompts/``, checked, and rendered.

A prompt is a file ``<task>.v<N>.md``: TOML front matter between ``+++`` lines (``task``,
``version``, ``answer``, ``inputs``, ``why``), then ``# system`` and ``# user`` parts whose slots
are ``$name``. What is released is frozen: ``RELEASED`` lists each file's SHA-256.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Template

from analyzer.errors import PromptError

_PACKAGE = Path(__file__).parent
_NAME = re.compile(r"(?P<task>[a-z_]+)\.v(?P<version>\d+)\.md")
_FIELDS = {"task": str, "version": int, "answer": str, "inputs": list, "why": str}


@dataclass(frozen=True)
class Prompt:
    """One prompt.

    Attributes:
        task: What it asks for.
        version: Its number.
        answer: Name of the answer's class; empty where it goes behind another prompt.
        inputs: Names of its slots.
        system: The static part, sent first; may be empty. It has no slots, so that it is the same
            from call to call.
        user: What differs from call to call, with its slots.
        sha256: Of the file.
    """

    task: str
    version: int
    answer: str
    inputs: tuple[str, ...]
    system: str
    user: str
    sha256: str

    @property
    def name(self) -> str:
        """``task.vN``."""
        return f"{self.task}.v{self.version}"

    def render(self, **values: str) -> str:
        """The user part with its slots filled; what fills them is never read for slots itself.

        Raises:
            PromptError: If a slot is left empty or a value has none.
        """
        if set(values) != set(self.inputs):
            raise PromptError(
                f"Prompt {self.name} takes {sorted(self.inputs)}, not {sorted(values)}."
            )
        return Template(self.user).substitute(values)


def prompts_folder() -> Path:
    """Where the prompts lie: beside the code in an installed package, at the top in a checkout.

    Raises:
        PromptError: If there are none.
    """
    for folder in (_PACKAGE / "prompts", _PACKAGE.parent / "prompts"):
        if any(folder.glob("*.v*.md")):
            return folder
    raise PromptError(
        f"The prompts are neither in {_PACKAGE} nor beside it; install Wordbond again."
    )


def read_prompt(path: Path) -> Prompt:
    """Read and check one prompt file.

    Raises:
        PromptError: If it cannot be read, lacks a part, or its slots are not its ``inputs``.
    """
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise PromptError(f"{path}: name a prompt <task>.v<N>.md.")
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(
            f"{path} cannot be read as UTF-8 text; install Wordbond again."
        ) from error
    parts = text.split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():  # noqa: PLR2004 - before, between and after the marks
        raise PromptError(f"{path}: begin it with front matter between two lines of +++.")
    try:
        about = tomllib.loads(parts[1])
    except tomllib.TOMLDecodeError as error:
        raise PromptError(f"{path}: its front matter is not TOML ({error}).") from error
    for field, kind in _FIELDS.items():
        if not isinstance(about.get(field), kind):
            raise PromptError(f"{path}: its front matter lacks {field} as a {kind.__name__}.")
    if about["task"] != named["task"] or about["version"] != int(named["version"]):
        raise PromptError(f"{path}: its front matter names {about['task']}.v{about['version']}.")
    system, user = _parts(path, parts[2])
    prompt = Prompt(
        task=about["task"],
        version=about["version"],
        answer=about["answer"],
        inputs=tuple(about["inputs"]),
        system=system,
        user=user,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
    template = Template(user)
    if not template.is_valid() or set(template.get_identifiers()) != set(prompt.inputs):
        raise PromptError(
            f"{path}: its slots are {sorted(template.get_identifiers())}, its inputs "
            f"{sorted(prompt.inputs)}; write a literal dollar as $$."
        )
    return prompt


def _parts(path: Path, body: str) -> tuple[str, str]:
    before, mark, user = body.partition("# user\n")
    if not mark or not user.strip():
        raise PromptError(f"{path}: it has no part headed '# user'.")
    _, _, system = before.partition("# system\n")
    return system.strip(), user.strip()


@lru_cache(maxsize=32)
def get_prompt(task: str, version: int | None = None) -> Prompt:
    """A prompt of this installation; its newest version unless one is named.

    Raises:
        PromptError: If there is none such, or it is broken.
    """
    folder = prompts_folder()
    found = {
        int(named["version"]): path
        for path in folder.iterdir()
        if (named := _NAME.fullmatch(path.name)) and named["task"] == task
    }
    if not found or (version is not None and version not in found):
        raise PromptError(f"There is no prompt {task!r} of version {version} in {folder}.")
    return read_prompt(found[max(found) if version is None else version])
