"""The whole library as files that open at once; Chroma stays the store of record.

Reading 100,000 clauses out of Chroma takes most of a minute. What was read is kept beside it under
the stamp of the store, and taken instead as long as the stamp is the same. A snapshot that is
damaged, or of another version, counts as none.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from analyzer.domain import Clause
from analyzer.policy_book import PolicyBook
from analyzer.retrieval import LexicalIndex, Passages

#: Fewer clauses are read from Chroma as quickly.
LEAST_CLAUSES = 2000
_FORMAT = "1"
_log = logging.getLogger(__name__)


class Snapshots:
    """The snapshots of one store; at most one is kept.

    Args:
        folder: Where they lie; private to the user, since policies may not be everybody's.
        embedder_name: Which embedder the vectors are of.
    """

    def __init__(self, folder: Path, embedder_name: str) -> None:
        self._folder = folder
        self._embedder = embedder_name

    def load(self, stamp: str) -> PolicyBook | None:
        """The library at a stamp, or None where no whole snapshot of it is there."""
        place = self._folder / f"{stamp}-{_FORMAT}"
        if not place.is_dir():
            return None
        try:
            lines = (place / "clauses.jsonl").read_bytes().splitlines()
            clauses = tuple(Clause.model_validate_json(line) for line in lines)
            vectors = np.load(place / "vectors.npy", allow_pickle=False)
            parts = None
            if (place / "owner.npy").is_file():
                parts = Passages(
                    np.load(place / "passages.npy", allow_pickle=False),
                    np.load(place / "owner.npy", allow_pickle=False),
                )
            book = PolicyBook(self._embedder, clauses, vectors, parts)
            if (place / "words").is_dir():
                book.lexical = LexicalIndex.load(place / "words")
        except (OSError, ValueError, KeyError, EOFError) as error:
            _log.info("policy snapshot not used: %s", type(error).__name__)
            return None
        return book if len(vectors) == len(clauses) else None

    def save(self, stamp: str, book: PolicyBook) -> None:
        """Keep the library at a stamp; where that cannot be done, nothing is lost but time."""
        if len(book.clauses) < LEAST_CLAUSES:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder, prefix="new-") as scratch:
                self._write(Path(scratch) / "book", book)
                place = self._folder / f"{stamp}-{_FORMAT}"
                # Another process may have written the same one in the meantime.
                with suppress(OSError):
                    (Path(scratch) / "book").rename(place)
            self._remove_all_but(place)
        except OSError as error:
            _log.info("policy snapshot not kept: %s", error.strerror)

    @staticmethod
    def _write(place: Path, book: PolicyBook) -> None:
        place.mkdir()
        lines = "\n".join(clause.model_dump_json() for clause in book.clauses)
        (place / "clauses.jsonl").write_text(lines, encoding="utf-8")
        np.save(place / "vectors.npy", book.vectors, allow_pickle=False)
        if book.parts is not None and len(book.parts.owner) != len(book.clauses):
            np.save(place / "passages.npy", book.parts.vectors, allow_pickle=False)
            np.save(place / "owner.npy", book.parts.owner, allow_pickle=False)
        book.lexical.save(place / "words")

    def _remove_all_but(self, place: Path) -> None:
        for other in self._folder.iterdir():
            if other != place and not other.name.startswith("new-"):
                shutil.rmtree(other, ignore_errors=True)
