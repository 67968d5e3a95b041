"""Transcripts to calls: finds the format by the file's shape and reads it.

A format is one module of this package with a constant ``FORMAT`` (see
:class:`analyzer.readers.transcripts.reading.TranscriptFormat`); adding the file is all it takes.

Where a file holds many calls and one of them is broken, :func:`read_transcripts` and
:func:`read_bytes` raise for the first that is, while :func:`read_many` and :func:`scan_bytes` give
every call that can be read and a :class:`~analyzer.errors.TranscriptError` for each that cannot.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from analyzer.errors import TranscriptError
from analyzer.readers.text_files import DecodedText, NotTextError, decode
from analyzer.readers.transcripts.reading import (
    Parsed,
    ReadCall,
    ReadOptions,
    Speaker,
    TranscriptFormat,
)

__all__ = [
    "ReadCall",
    "ReadOptions",
    "Speaker",
    "TranscriptFormat",
    "find_transcripts",
    "known_formats",
    "read_bytes",
    "read_many",
    "read_transcripts",
    "scan_bytes",
]

_SKIPPED_FOLDERS = frozenset({"policies"})
_NOT_TRANSCRIPTS = frozenset({"readme", "notice", "license", "licence", "changelog", "sources"})
_DEFAULTS = ReadOptions()


def known_formats() -> tuple[TranscriptFormat, ...]:
    """Every format of this package, by name."""
    return _discover(tuple(__path__))


@lru_cache(maxsize=4)
def _discover(path: tuple[str, ...]) -> tuple[TranscriptFormat, ...]:
    found = []
    for module in pkgutil.iter_modules(list(path)):
        declared = getattr(importlib.import_module(f"{__name__}.{module.name}"), "FORMAT", None)
        if isinstance(declared, TranscriptFormat):
            found.append(declared)
    return tuple(sorted(found, key=lambda declared: declared.name))


def find_transcripts(paths: Sequence[Path]) -> list[Path]:
    """List the files that may be transcripts.

    Of a folder, those with a transcript's suffix at any depth, in the order of their names; hidden
    files and folders, folders called ``policies``, and files called README, NOTICE and the like are
    passed over. A file that is named itself is always listed, even one that is not there, so that
    reading it says so.

    Args:
        paths: Files and folders.

    Returns:
        Every file once.
    """
    suffixes = {suffix for declared in known_formats() for suffix in declared.suffixes}
    found: dict[str, Path] = {}
    for path in paths:
        for file in _in_folder(path, suffixes) if path.is_dir() else [path]:
            found.setdefault(os.path.abspath(file), file)  # noqa: PTH100 - resolve() follows links
    return list(found.values())


def _in_folder(folder: Path, suffixes: set[str]) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name.lower() not in _SKIPPED_FOLDERS
        )
        for name in sorted(files):
            path = Path(root, name)
            is_wanted = path.suffix.lower() in suffixes and not name.startswith(".")
            if is_wanted and path.stem.lower() not in _NOT_TRANSCRIPTS:
                yield path


def read_transcripts(path: Path, *, options: ReadOptions = _DEFAULTS) -> list[ReadCall]:
    """Read every call of one file.

    Args:
        path: A file of any supported format; its shape tells which, not its suffix.
        options: What the user says about the calls.

    Returns:
        The calls in the order of the file; at least one.

    Raises:
        TranscriptError: If the file, or any call in it, cannot be read.
    """
    return _all_good(_scan(str(path), _read(path), options))


def read_bytes(name: str, data: bytes, options: ReadOptions = _DEFAULTS) -> list[ReadCall]:
    """Read every call of an uploaded file.

    Args:
        name: The file's name, for the messages.
        data: What it holds.
        options: What the user says about the calls.

    Returns:
        The calls in the order of the file; at least one.

    Raises:
        TranscriptError: If the file, or any call in it, cannot be read.
    """
    return _all_good(_scan(name, data, options))


def read_many(
    paths: Sequence[Path], options: ReadOptions = _DEFAULTS
) -> Iterator[ReadCall | TranscriptError]:
    """Read files and folders; what cannot be read never stops the rest.

    Args:
        paths: Files and folders; see :func:`find_transcripts`.
        options: What the user says about the calls.

    Yields:
        The calls in the order of the files, and in the place of a file or of a call that cannot be
        read, why.
    """
    for path in find_transcripts(paths):
        try:
            yield from _scan(str(path), _read(path), options)
        except TranscriptError as error:
            yield error


def scan_bytes(
    name: str, data: bytes, options: ReadOptions = _DEFAULTS
) -> Iterator[ReadCall | TranscriptError]:
    """Read an uploaded file; a call in it that cannot be read never stops the rest.

    Args:
        name: The file's name, for the messages.
        data: What it holds.
        options: What the user says about the calls.

    Yields:
        The calls, and in the place of what cannot be read, why.
    """
    try:
        yield from _scan(name, data, options)
    except TranscriptError as error:
        yield error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise TranscriptError("there is no such file; check the path", path=path) from None
    except IsADirectoryError:
        message = "this is a folder, not a transcript; name a file in it"
        raise TranscriptError(message, path=path) from None
    except OSError as error:
        message = f"the file cannot be opened ({error.strerror}); check its permissions"
        raise TranscriptError(message, path=path) from error


def _all_good(items: Parsed) -> list[ReadCall]:
    calls = []
    for item in items:
        if isinstance(item, TranscriptError):
            raise item
        calls.append(item)
    return calls


def _scan(source: str, data: bytes, options: ReadOptions) -> Parsed:
    """The calls of one file and its broken ones; raises where the file as a whole is broken."""
    text = _decode(source, data)
    chosen = _recognise(text.text, source)
    parsed = chosen.parse(text.text, source, options)
    if not parsed:
        message = f"the file was read as {chosen.name} but holds no call; check that it is complete"
        raise TranscriptError(message, path=source)
    note = (f"The encoding was guessed to be {text.encoding}.",) if text.guessed else ()
    return [
        item
        if isinstance(item, TranscriptError)
        else replace(item, format=chosen.name, encoding=text.encoding, notes=(*note, *item.notes))
        for item in parsed
    ]


def _decode(source: str, data: bytes) -> DecodedText:
    try:
        return decode(data)
    except NotTextError as error:
        mend = (
            "export the transcript again"
            if "empty" in str(error)
            else "export the call as plain text, WebVTT, CSV or JSON"
        )
        raise TranscriptError(f"{error}; {mend}", path=source) from None


def _recognise(text: str, source: str) -> TranscriptFormat:
    formats = known_formats()
    sure = {declared.name: declared.recognises(text, source) for declared in formats}
    best = max(formats, key=lambda declared: sure[declared.name])
    if sure[best.name] > 0:
        return best
    tried = "; ".join(f"{declared.name} ({declared.shape})" for declared in formats)
    message = f"no transcript format fits this file; tried {tried}; export the call as one of these"
    raise TranscriptError(message, path=source)
