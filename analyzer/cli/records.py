"""Records for programs: one JSON object a line, there as soon as its call is finished."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from analyzer.errors import ConfigError

STANDARD_OUTPUT = Path("-")


def render_line(record: Any, *, is_ascii: bool = False) -> str:
    """A record as one line of JSON, without the line break.

    Characters that a terminal may obey, or a reader take for the end of a line, are escaped. A
    number that JSON does not know, in a field that a transcript carries beside ours, is null.

    Args:
        record: Plain JSON types.
        is_ascii: Whether every other character is escaped too.
    """
    try:
        text = json.dumps(record, ensure_ascii=is_ascii, allow_nan=False)
    except ValueError:
        record = json.loads(json.dumps(record), parse_constant=lambda _: None)
        text = json.dumps(record, ensure_ascii=is_ascii)
    return text if text.isprintable() else json.dumps(json.loads(text))


class RecordWriter:
    """Writes records to a file or to standard output, each at once; a context manager.

    Args:
        path: The file, which is begun anew with the first record; ``-`` is standard output.

    Raises:
        ConfigError: If the file cannot be written, here or later.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_stdout = path == STANDARD_OUTPUT
        self._is_ascii = False
        # What an earlier run left goes with the first record, not before: a run that comes to
        # nothing takes nothing away.
        self._is_begun = self._is_stdout
        try:
            self._file: IO[str] = (
                sys.stdout if self._is_stdout else path.open("a", encoding="utf-8", newline="\n")
            )
        except OSError as error:
            raise self._failure(error) from error
        if self._is_stdout:
            self._is_ascii = "utf" not in (sys.stdout.encoding or "").lower()

    def write(self, record: Any) -> None:
        """Write one record; when this returns, a kill of the process cannot take it back."""
        try:
            if not self._is_begun:
                if self._path.is_file():
                    self._file.truncate(0)
                self._is_begun = True
            self._file.write(f"{render_line(record, is_ascii=self._is_ascii)}\n")
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failure(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._is_stdout:
            return
        # Each record was flushed when it was written: what fails here has been raised there.
        with suppress(OSError):
            self._file.close()

    def _failure(self, error: OSError) -> ConfigError:
        return ConfigError(
            f"The records cannot be written to {self._path} "
            f"({error.strerror or type(error).__name__}); name another file with --json."
        )


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, links followed; a file need not be there."""
    return os.path.realpath(one) == os.path.realpath(other)
