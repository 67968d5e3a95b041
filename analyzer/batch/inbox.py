"""Where a batch takes its transcripts from: a folder, a glob, a manifest, an object store."""

from __future__ import annotations

import csv
import datetime as dt
import glob
import hashlib
import io
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

from analyzer.errors import ConfigError, TranscriptError
from analyzer.readers.text_files import NotTextError, decode
from analyzer.readers.transcripts import ReadOptions, find_transcripts, known_formats, scan_bytes
from analyzer.results.batch_queue import KnownInput, ReadInput

_URL = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_EXTRAS = {"s3": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure"}
#: Columns of a manifest that name the file.
_FILE_COLUMNS = ("path", "file", "transcript", "filename")
_SET_BY_MANIFEST = frozenset(
    f.name for f in fields(ReadOptions) if f.name not in {"roles", "columns"}
)
#: A file above this is no transcript; reading it could take all memory.
_LARGEST = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of an inbox.

    Attributes:
        name: Its name within the inbox, the same every night.
        size: In bytes.
        stamp: What changes when the file, or what the manifest says of it, does.
        said: What the manifest says of its calls.
    """

    name: str
    size: int
    stamp: str
    said: Mapping[str, str] | None = None


class Inbox(Protocol):
    """Files that may be transcripts.

    Attributes:
        address: The inbox in full, so that it is the same however it was named.
    """

    address: str

    def find(self) -> Iterator[Listed | ReadInput]:
        """The files in the order of their names; in the place of one that is not there, why."""
        ...

    def read(self, name: str) -> bytes:
        """What a file holds.

        Raises:
            OSError: If it cannot be read.
        """
        ...


def open_inbox(place: str) -> Inbox:
    """The inbox that a name stands for.

    Args:
        place: A folder, a glob (``calls/2026-*/*.vtt``), a manifest (a CSV file with a column
            ``path``), a single transcript, or a URL such as ``s3://bucket/calls``.

    Raises:
        ConfigError: If there is no such place, or what is needed to reach it is not installed.
    """
    if _URL.match(place):
        return _ObjectStore(place)
    path = Path(place).expanduser()
    if path.is_dir():
        return _Folder(path)
    if path.is_file():
        rows = _read_manifest(path)
        return _Files(place, [path]) if rows is None else _Manifest(path, rows)
    if glob.has_magic(place):
        return _Glob(place)
    raise ConfigError(
        f"There is no inbox {place}; name a folder, a glob in quotation marks, a CSV manifest, or "
        "a URL such as s3://bucket/calls."
    )


class _OnDisk:
    """Files of this machine."""

    address: str

    def read(self, name: str) -> bytes:
        return Path(name).read_bytes()


def _listed(path: str, said: Mapping[str, str] | None = None) -> Listed | ReadInput:
    try:
        found = os.stat(path)  # noqa: PTH116 - a hundred thousand times a night
    except OSError as error:
        reason = (
            f"{path}: the file cannot be read ({error.strerror}); check the path and its rights"
        )
        return ReadInput(path, 0, "", reader_version(), reason=reason)
    stamp = str(found.st_mtime_ns)
    if said:
        digest = hashlib.sha256(repr(sorted(said.items())).encode()).hexdigest()[:12]
        stamp = f"{stamp}+{digest}"
    return Listed(path, found.st_size, stamp, said)


class _Folder(_OnDisk):
    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self.address = str(self._path)

    def find(self) -> Iterator[Listed | ReadInput]:
        for path in find_transcripts([self._path]):
            yield _listed(str(path))


class _Files(_OnDisk):
    def __init__(self, place: str, paths: list[Path]) -> None:
        self.address = str(Path(place).resolve())
        self._paths = paths

    def find(self) -> Iterator[Listed | ReadInput]:
        for path in self._paths:
            yield _listed(str(path.resolve()))


class _Glob(_OnDisk):
    def __init__(self, pattern: str) -> None:
        self.address = os.path.abspath(os.path.expanduser(pattern))  # noqa: PTH100, PTH111 - a pattern

    def find(self) -> Iterator[Listed | ReadInput]:
        suffixes = {suffix for form in known_formats() for suffix in form.suffixes}
        for name in sorted(glob.iglob(self.address, recursive=True)):  # noqa: PTH207 - as typed
            if Path(name).is_file() and Path(name).suffix.lower() in suffixes:
                yield _listed(name)


class _Manifest(_OnDisk):
    def __init__(self, path: Path, rows: list[dict[str, str]]) -> None:
        self.address = str(path.resolve())
        self._folder = path.resolve().parent
        self._rows = rows

    def find(self) -> Iterator[Listed | ReadInput]:
        for row in self._rows:
            said = dict(row)
            name = next(said.pop(c) for c in _FILE_COLUMNS if c in said)
            known = {k: v for k, v in said.items() if k in _SET_BY_MANIFEST and v}
            yield _listed(str(self._folder / name), known)


class _ObjectStore:
    """Files behind fsspec."""

    def __init__(self, url: str) -> None:
        import fsspec  # type: ignore[import-untyped] # comes with chromadb's requirements

        scheme = url.partition("://")[0].lower()
        try:
            self._system, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            extra = _EXTRAS.get(scheme)
            mend = (
                f"run `pip install 'wordbond[{extra}]'`" if extra else "use a folder, s3, gs or az"
            )
            raise ConfigError(
                f"The inbox {scheme}://… cannot be reached from here; {mend}."
            ) from error
        self.address = url.rstrip("/")

    def find(self) -> Iterator[Listed | ReadInput]:
        suffixes = {suffix for form in known_formats() for suffix in form.suffixes}
        try:
            if glob.has_magic(self._root):
                found = self._system.glob(self._root, detail=True)
            else:
                found = self._system.find(self._root, detail=True)
        except Exception as error:  # each kind of store has errors of its own
            raise ConfigError(
                f"The inbox {self.address} cannot be listed ({type(error).__name__}); check its "
                "name and the credentials of this machine."
            ) from error
        for name in sorted(found):
            if Path(name).suffix.lower() in suffixes:
                yield Listed(name, int(found[name].get("size") or 0), _tag(found[name]))

    def read(self, name: str) -> bytes:
        try:
            data = self._system.cat_file(name)
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"{type(error).__name__}") from error
        return bytes(data)


def _tag(entry: Mapping[str, Any]) -> str:
    for key in ("ETag", "etag", "md5Hash", "mtime", "LastModified", "updated", "last_modified"):
        if entry.get(key):
            return str(entry[key])
    return str(entry.get("size"))


def _read_manifest(path: Path) -> list[dict[str, str]] | None:
    """The rows of a manifest, or None if the file is none (a table of turns, say)."""
    if path.suffix.lower() not in {".csv", ".tsv"}:
        return None
    try:
        text = decode(path.read_bytes()).text
    except (OSError, NotTextError):
        return None
    table = csv.DictReader(
        io.StringIO(text), delimiter="\t" if path.suffix.lower() == ".tsv" else ","
    )
    columns = [str(c).strip().lower() for c in table.fieldnames or ()]
    if not set(columns) & set(_FILE_COLUMNS) or "text" in columns:
        return None
    rows = []
    for number, row in enumerate(table, start=2):
        told = {
            c: (v or "").strip()
            for c, v in zip(columns, row.values(), strict=False)
            if isinstance(v, str)
        }
        if not any(told.get(c) for c in _FILE_COLUMNS):
            raise ConfigError(
                f"{path}, line {number}: the manifest names no file; fill in its path."
            )
        rows.append(told)
    return rows


def is_changed(listed: Listed, known: KnownInput | None) -> bool:
    """Whether a file has to be read: new, not as it was, or refused by an earlier reader."""
    if known is None or (listed.size, listed.stamp) != (known.size, known.stamp):
        return True
    return known.reason is not None and known.reader != reader_version()


def read_input(inbox: Inbox, listed: Listed, options: ReadOptions) -> ReadInput:
    """Read one file; what cannot be read is told in the outcome.

    Args:
        inbox: The inbox.
        listed: The file.
        options: What the user says about all calls.
    """
    calls, reasons = [], []
    try:
        _check_size(listed)
        asked = _with_manifest(options, listed)
        for item in scan_bytes(listed.name, inbox.read(listed.name), asked):
            if isinstance(item, TranscriptError):
                reasons.append(f"line {item.line}: {item.message}" if item.line else item.message)
            else:
                calls.append((item.call, listed.name, item.format))
    except TranscriptError as error:
        reasons.append(error.message)
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        reasons.append(f"the file cannot be read ({why}); check its rights")
    except Exception as error:  # noqa: BLE001 - one bad file never holds up the others
        reasons.append(f"the reader met something that it did not foresee ({type(error).__name__})")
    return ReadInput(
        listed.name, listed.size, listed.stamp, reader_version(), tuple(calls),
        "; ".join(reasons) or None,
    )  # fmt: skip


def _check_size(listed: Listed) -> None:
    if listed.size > _LARGEST:
        raise TranscriptError(
            f"the file has {listed.size} bytes, more than any transcript; split it"
        )


def _with_manifest(options: ReadOptions, listed: Listed) -> ReadOptions:
    if not listed.said:
        return options
    said: dict[str, Any] = dict(listed.said)
    if "date" in said:
        try:
            said["date"] = dt.date.fromisoformat(said["date"])
        except ValueError:
            raise TranscriptError(
                f"the manifest gives the day {said['date']!r}; write it as 2026-03-04"
            ) from None
    return replace(options, **said)


_version: list[str] = []


def reader_version() -> str:
    """Twelve hex digits that change with the code that reads transcripts."""
    if not _version:
        import analyzer.readers.transcripts as package

        digest = hashlib.sha256()
        for path in sorted(Path(package.__path__[0]).glob("*.py")):
            digest.update(path.read_bytes())
        _version.append(digest.hexdigest()[:12])
    return _version[0]
