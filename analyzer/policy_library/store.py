"""Chroma, in a folder or on a server: rows in, rows out, and its failures in words.

Vectors are read from the metadata, where each stands beside its clause as base64 of float32. Chroma
has them in its index as well, but the index of a process that has the folder open goes stale once
another one adds and removes rows (``Error finding id`` until it is opened anew, chromadb 1.5.9),
and gives vectors back rounded anew. Metadata is read from SQLite, which every process sees alike.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from analyzer.config import Settings
from analyzer.errors import ConfigError, StoreError
from analyzer.policy_book import Vectors
from analyzer.policy_library.rows import Row

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

#: Without the first, Chroma would read our .env for settings of its own.
_CHROMA_SETTINGS: dict[str, Any] = {"_env_file": None, "anonymized_telemetry": False}
#: Rows read or removed in one request; Chroma takes 5,461 at most (1.5.9).
_PAGE = 1000
_VECTOR = "vector"
_N_VECTORS = "n_vectors"
_FLOATS = "<f4"
_REVISION, _WRITING = "revision", "writing"
_MOST_CONDITIONS = 64
_UNIT_TOLERANCE = 1e-3
_READS = 3
_PROBE_S = 5.0
_MAX_DETAIL = 140
_SQLITE_FAULTS = {
    "5": "another program holds it; wait a moment and try again",
    "8": "it is read-only; make its files writable, or point WORDBOND_HOME to another folder",
    "13": "the disk is full; free some space and try again",
}


class ClauseStore:
    """The rows of one embedder's collection. Made by :meth:`open`."""

    # The client is Any since the type that Chroma declares for it lacks `close`.

    def __init__(
        self, place: _Folder | _Server, client: Any, collection: Collection, embedder: str
    ) -> None:
        self._place = place
        self._client = client
        self._collection = collection
        self._embedder = embedder

    @classmethod
    def open(cls, settings: Settings, embedder_name: str) -> ClauseStore:
        """Connect, and begin a collection where the embedder has none yet.

        Raises:
            ConfigError: If ``chroma_url`` is no address.
            StoreError: If the folder cannot be written or is damaged, or no server answers.
        """
        url = settings.chroma_url
        place = _Server.from_url(url) if url else _Folder(settings.chroma_path)
        client = place.connect()
        with _chroma_faults(place):
            collection = client.get_or_create_collection(
                collection_name(embedder_name),
                configuration={"hnsw": {"space": "cosine"}},
                embedding_function=None,
            )
        return cls(place, client, collection, embedder_name)

    @property
    def name(self) -> str:
        """Where the store lies and of which embedder it is, as a name for files."""
        place = hashlib.sha256(str(self._place).encode()).hexdigest()[:12]
        return f"{place}-{collection_name(self._embedder)[-12:]}"

    def load_other(self, embedder_name: str) -> list[Row]:
        """Rows of another embedder's collection; none where there is no such collection."""
        from chromadb.errors import NotFoundError

        with _chroma_faults(self._place):
            try:
                other = self._client.get_collection(
                    collection_name(embedder_name), embedding_function=None
                )
            except (NotFoundError, ValueError):
                return []
        return ClauseStore(self._place, self._client, other, embedder_name).load()[0]

    def close(self) -> None:
        """Let go of the files or the connection."""
        self._place.close(self._client)

    def load(
        self, documents: set[tuple[str, str]] | None = None
    ) -> tuple[list[Row], list[Vectors]]:
        """Rows of some documents or of all, whatever their edition and generation.

        Args:
            documents: Company and name of each; None for all.

        Returns:
            The rows, and for each its vectors, float32 ``(n, d)``: the clause's own first.

        Raises:
            StoreError: If the store fails or is damaged.
        """
        if documents is not None and not documents:
            return [], []
        where: Any = None
        if documents is not None:
            each: list[Any] = [
                {"$and": [{"company": company}, {"document": document}]}
                for company, document in sorted(documents)
            ]
            # Of very many documents all rows are read: a condition for each would be slower.
            if len(each) <= _MOST_CONDITIONS:
                where = each[0] if len(each) == 1 else {"$or": each}
        with _chroma_faults(self._place):
            pages = self._pages(where)
        try:
            rows = [
                Row.from_store(row_id, text, metadata)
                for page in pages
                for row_id, text, metadata in zip(
                    page["ids"], page["documents"], page["metadatas"], strict=True
                )
            ]
            blocks = [_vectors_in(metadata) for page in pages for metadata in page["metadatas"]]
            together = np.concatenate(blocks) if blocks else np.zeros((0, 0), dtype=np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise self._place.damaged("it holds rows that Wordbond did not write") from error
        if not np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=_UNIT_TOLERANCE):
            raise self._place.damaged("it holds vectors that no embedder made")
        return rows, blocks

    @property
    def stamp(self) -> str | None:
        """Changes whenever rows do; None while, or since, a write did not come to its end."""
        with _chroma_faults(self._place):
            revision = (self._fresh().metadata or {}).get(_REVISION)
            if revision == _WRITING:
                return None
            return str(revision or "first")

    @property
    def size(self) -> int:
        """How many rows there are, of every generation."""
        with _chroma_faults(self._place):
            return self._collection.count()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Everything written within gives the store another stamp."""
        self._mark(_WRITING)
        yield
        self._mark(uuid.uuid4().hex)

    def _mark(self, revision: str) -> None:
        with _chroma_faults(self._place):
            self._collection.modify(metadata={"embedder": self._embedder, _REVISION: revision})

    def _fresh(self) -> Collection:
        # What a collection says of itself is read when it is fetched, not again.
        found: Collection = self._client.get_collection(
            self._collection.name, embedding_function=None
        )
        return found

    def notes(self, kind: str) -> list[dict[str, Any]]:
        """What was noted of a kind (:meth:`note`), in the order of writing."""
        with _chroma_faults(self._place):
            found = self._notebook().get(where={"kind": kind}, include=["documents", "metadatas"])
        try:
            numbered = [
                (int(str(metadata["at"])), row_id, json.loads(text))
                for row_id, text, metadata in zip(
                    found["ids"], found["documents"] or [], found["metadatas"] or [], strict=True
                )
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise self._place.damaged("it holds notes that Wordbond did not write") from error
        return [note for _, _, note in sorted(numbered, key=lambda one: one[:2])]

    def note(self, kind: str, content: dict[str, Any]) -> None:
        """Keep something beside the clauses; nothing noted is ever changed or removed."""
        with _chroma_faults(self._place):
            self._notebook().add(
                ids=[uuid.uuid4().hex],
                embeddings=np.ones((1, 1), dtype=np.float32),
                documents=[json.dumps(content, ensure_ascii=False)],
                metadatas=[{"kind": kind, "at": time.time_ns()}],
            )

    def _notebook(self) -> Collection:
        found: Collection = self._client.get_or_create_collection(
            "wordbond-notes", embedding_function=None
        )
        return found

    def upsert(self, rows: Sequence[Row], vectors: Sequence[Vectors]) -> None:
        """Write rows with their vectors, ``(n, d)`` each; at most some hundreds at a time.

        Raises:
            StoreError: If the store fails.
        """
        with _chroma_faults(self._place):
            self._collection.upsert(
                ids=[row.id for row in rows],
                embeddings=np.stack([block[0] for block in vectors]),
                documents=[row.clause.text for row in rows],
                metadatas=[
                    {
                        **row.metadata,
                        _VECTOR: base64.b64encode(block.astype(_FLOATS).tobytes()).decode(),
                        _N_VECTORS: len(block),
                    }
                    for row, block in zip(rows, vectors, strict=True)
                ],
            )

    def delete(self, rows: Sequence[Row]) -> None:
        """Remove rows; those that are not there any more do no harm.

        Raises:
            StoreError: If the store fails.
        """
        for first in range(0, len(rows), _PAGE):
            with _chroma_faults(self._place):
                self._collection.delete(ids=[row.id for row in rows[first : first + _PAGE]])

    def _pages(self, where: Any) -> list[Any]:
        size = min(_PAGE, self._client.get_max_batch_size() - 1)
        pages: list[Any] = []
        for _ in range(_READS):
            n_rows = self._collection.count()
            pages = []
            while not pages or len(pages[-1]["ids"]) == size:
                offset = size * len(pages)
                pages.append(
                    self._collection.get(
                        where=where,
                        include=["documents", "metadatas"],
                        limit=size,
                        offset=offset,
                    )
                )
            # Rows removed between two pages shift those after them past the reader.
            if len(pages) == 1 or self._collection.count() == n_rows:
                break
        return pages


@dataclass(frozen=True)
class _Folder:
    """A store in a folder of this machine."""

    path: Path

    def connect(self) -> Any:
        try:
            # What is kept here is personal data: nobody else may read it.
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise StoreError(
                f"The policy library cannot be written to {self.path} ({error.strerror}); make "
                "that folder writable, or point WORDBOND_HOME to another."
            ) from error
        import chromadb
        from chromadb.config import Settings as ChromaSettings
        from chromadb.errors import ChromaError

        settings = ChromaSettings(**_CHROMA_SETTINGS)
        with _chroma_faults(self):
            try:
                return chromadb.PersistentClient(path=str(self.path), settings=settings)
            except ChromaError:
                # Chroma keeps the half-started store under its path, and lets go of it only when
                # the next client fails on it; without that a mended folder would fail once more.
                with suppress(AttributeError):
                    chromadb.PersistentClient(path=str(self.path), settings=settings)
                raise

    def close(self, client: Any) -> None:
        client.close()

    def failure(self, error: Exception) -> StoreError:
        code = re.search(r"\(code: (\d+)\)", str(error))
        if code and code.group(1) in _SQLITE_FAULTS:
            return StoreError(
                f"The policy library at {self.path} cannot be used: "
                f"{_SQLITE_FAULTS[code.group(1)]}."
            )
        return self.damaged(_one_line(error))

    def damaged(self, found: str) -> StoreError:
        return StoreError(
            f"The policy library at {self.path} is damaged ({found}); move that folder away and "
            "add the policies again with `wordbond policies add`."
        )


@dataclass(frozen=True)
class _Server:
    """A store on a Chroma server; ``shown`` is its address without user and password."""

    url: str
    shown: str
    port: int

    @classmethod
    def from_url(cls, url: str) -> _Server:
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            parts, port = urlsplit(""), 0
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(
                f"WORDBOND_CHROMA_URL is {url!r}, which is no address; write it as "
                "http://localhost:8000, or unset it to keep policies on this machine."
            )
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        return cls(url.rstrip("/"), shown, port)

    def connect(self) -> Any:
        import httpx

        # Asked first, since Chroma's own client has no time limit, and on an address that is not a
        # Chroma server leaves connections open.
        try:
            beat = httpx.get(f"{self.url}/api/v2/heartbeat", timeout=_PROBE_S)
        except httpx.HTTPError as error:
            raise self.failure(error) from error
        if '"nanosecond heartbeat"' not in beat.text:
            raise self._no_server(f"status {beat.status_code} and no heartbeat")
        import chromadb
        from chromadb.config import Settings as ChromaSettings

        settings = ChromaSettings(
            **_CHROMA_SETTINGS,
            chroma_server_host=self.url,
            chroma_server_http_port=self.port,
        )
        with _chroma_faults(self):
            return chromadb.HttpClient(host=self.url, port=self.port, settings=settings)

    def close(self, client: Any) -> None:
        client.close()
        # That leaves two HTTP sessions open (chromadb 1.5.9), which nothing public reaches.
        for part in (client, getattr(client, "_admin_client", None)):
            session = getattr(getattr(part, "_server", None), "_session", None)
            if session is not None:
                session.close()

    def failure(self, error: Exception) -> StoreError:
        return self._no_server(_one_line(error))

    def damaged(self, found: str) -> StoreError:
        return StoreError(
            f"The policy library on the Chroma server at {self.shown} is damaged ({found}); "
            "restore the server's data, or begin with an empty server and add the policies again "
            "with `wordbond policies add`."
        )

    def _no_server(self, detail: str) -> StoreError:
        return StoreError(
            f"The Chroma server at {self.shown} does not answer as one ({detail}); start it, "
            "correct WORDBOND_CHROMA_URL, or unset it to keep policies on this machine."
        )


@contextmanager
def _chroma_faults(place: _Folder | _Server) -> Iterator[None]:
    """Turn what Chroma raises into a :class:`StoreError` that names the place."""
    import httpx
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, httpx.HTTPError, OSError, ValueError, TypeError) as error:
        raise place.failure(error) from error
    except Exception as error:
        # Chroma raises a bare Exception for a server's answer that is not in its own words.
        if type(error) is not Exception:
            raise
        raise place.failure(error) from error


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return text if len(text) <= _MAX_DETAIL else text[: _MAX_DETAIL - 1] + "…"


def _vectors_in(metadata: Any) -> Vectors:
    raw = np.frombuffer(base64.b64decode(metadata[_VECTOR], validate=True), dtype=_FLOATS)
    return raw.reshape(int(metadata.get(_N_VECTORS, 1)), -1).astype(np.float32)


def collection_name(embedder_name: str) -> str:
    """A name that Chroma takes (3 to 512 plain characters) and no other embedder has."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", embedder_name)[:80]
    return f"clauses-{words}-{hashlib.sha256(embedder_name.encode()).hexdigest()[:12]}"
