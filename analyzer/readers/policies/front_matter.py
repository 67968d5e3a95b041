"""The ``name: value`` lines between ``---`` at the top of a document."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from analyzer.errors import PolicyError

_BLOCK = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_UNCLOSED = re.compile(
    r"\A---[ \t]*\n\s*(?:company|company_id|document|effective_from|effective_to)[ \t]*:"
)
_NAME = re.compile(r"[A-Za-z][\w \t-]*:")


@dataclass(frozen=True)
class FrontMatter:
    """Front matter as it was written.

    Attributes:
        path: The file, for error messages.
        n_lines: Lines that it takes up, with its ``---`` lines; 0 if there is none.
        fields: Value and 1-based line of each name, in small letters with underscores; a value is
            None where it is no text.
    """

    path: Path
    n_lines: int = 0
    fields: dict[str, tuple[str | None, int]] = field(default_factory=dict)

    def find_text(self, name: str) -> str | None:
        """The value of a field, or None if it is blank or not there.

        Raises:
            PolicyError: If it is a list or a group of fields.
        """
        value, line = self.fields.get(name, ("", 0))
        if value is None:
            raise PolicyError(f"{name} has to be one value", path=self.path, line=line)
        return value.strip() or None

    def find_day(self, name: str) -> dt.date | None:
        """The value of a field as a day, or None if it is blank or not there.

        Raises:
            PolicyError: If it is no day.
        """
        value = self.find_text(name)
        if value is None:
            return None
        try:
            return dt.datetime.fromisoformat(value).date()
        except ValueError:
            raise PolicyError(
                f"{name} is {value!r}, which is no day; write it as 2026-02-01",
                path=self.path, line=self.line_of(name),
            ) from None  # fmt: skip

    def line_of(self, name: str) -> int | None:
        """1-based line of a field, or None if it is not there."""
        return self.fields[name][1] if name in self.fields else None


def split_front_matter(text: str, path: Path) -> tuple[FrontMatter, str]:
    """Take the front matter off a document.

    A ``---`` at the top that no ``name:`` follows is a rule, and part of the document.

    Args:
        text: The document, lines ending in a line feed.
        path: The file, for error messages.

    Returns:
        The front matter, empty if there is none, and the text after it.

    Raises:
        PolicyError: If it is not closed, or its lines are not ``name: value``; with the line.
    """
    block = _BLOCK.match(text)
    if block is None:
        if _UNCLOSED.match(text):
            raise PolicyError(
                "the front matter that begins here does not end; put a --- line after it",
                path=path, line=1,
            )  # fmt: skip
        return FrontMatter(path), text
    inner = block.group(1)
    written = [line for line in inner.split("\n") if line.strip() and not line.startswith("#")]
    if written and not _NAME.match(written[0]):
        return FrontMatter(path), text
    fields = _read_fields(inner, path)
    return FrontMatter(path, block.group(0).count("\n"), fields), text[block.end() :]


def read_fields(text: str, path: Path) -> FrontMatter:
    """Read a file that is nothing but front matter, without its ``---`` lines.

    Raises:
        PolicyError: If its lines are not ``name: value``; with the line.
    """
    fields = _read_fields(text, path)
    return FrontMatter(path, 0, {name: (value, line - 1) for name, (value, line) in fields.items()})


def _read_fields(inner: str, path: Path) -> dict[str, tuple[str | None, int]]:
    try:
        pairs = _yaml_pairs(inner)
    except (yaml.YAMLError, RecursionError) as error:
        pairs, odd = _literal_pairs(inner)
        if odd is not None:
            raise PolicyError(
                "this line of the front matter cannot be read; write 'name: value' lines between "
                "the --- lines",
                path=path, line=odd,
            ) from error  # fmt: skip
    if pairs is None:
        raise PolicyError(
            "the front matter has to be 'name: value' lines, with a blank after the colon",
            path=path, line=2,
        )  # fmt: skip
    fields: dict[str, tuple[str | None, int]] = {}
    for written, value, line in pairs:
        name = re.sub(r"[\s-]+", "_", written.strip().lower())
        if name in fields:
            raise PolicyError(
                f"{name} stands here a second time (first on line {fields[name][1]}); keep one",
                path=path, line=line,
            )  # fmt: skip
        fields[name] = (value, line)
    return fields


def _yaml_pairs(inner: str) -> list[tuple[str, str | None, int]] | None:
    # Composed, not loaded: values stay as written (0042 is no number, no is no False), and each
    # knows its line.
    root = yaml.compose(inner, Loader=yaml.SafeLoader)
    if root is None:
        return []
    if not isinstance(root, yaml.MappingNode):
        return None
    pairs: list[tuple[str, str | None, int]] = []
    for key, node in root.value:
        value = node.value if isinstance(node, yaml.ScalarNode) else None
        is_null = node.tag == "tag:yaml.org,2002:null"
        pairs.append((str(key.value), "" if is_null else value, key.start_mark.line + 2))
    return pairs


def _literal_pairs(inner: str) -> tuple[list[tuple[str, str | None, int]], int | None]:
    """Lines as they stand, for a value that YAML refuses (``document: Returns: the rules``).

    With them the line of the first that is not ``name: value``, or None if all are.
    """
    pairs: list[tuple[str, str | None, int]] = []
    for line, written in enumerate(inner.split("\n"), start=2):
        if not written.strip() or written.startswith("#"):
            continue
        if not _NAME.match(written):
            return pairs, line
        name, _, value = written.partition(":")
        pairs.append((name, value.strip().strip("\"'"), line))
    return pairs, None
