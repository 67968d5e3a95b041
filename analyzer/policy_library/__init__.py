"""Where policies are kept: clauses and their vectors in Chroma, and what is in force when.

A row of the store is one clause of one edition of a document; the key of an edition is (company,
document, effective_from). Chroma has no transaction that spans calls, so an edition is replaced in
three steps: its rows are written anew under the next generation number, the generation is whole
once its last row is there, and only then are the rows of earlier generations removed. Readers take
the newest whole generation of each edition. Whenever a process is killed, the library opens and
shows the edition as it was or as it was to be, never a mixture; adding it again finishes the work
and embeds only what was not embedded yet.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from analyzer.config import Settings
from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import check_documents, close_superseded
from analyzer.embedders import Embedder
from analyzer.errors import ConfigError, PolicyError
from analyzer.policy_book import PolicyBook, PolicyView, Vectors
from analyzer.policy_library.rows import EditionKey, Row, current_rows, edition_of, rows_of
from analyzer.policy_library.store import ClauseStore

__all__ = ["AddReport", "DocumentReport", "PolicyLibrary", "StoredDocument"]

#: Clauses written at a time: what a kill can lose of the embedding that was done.
_CHUNK = 64


@dataclass(frozen=True)
class DocumentReport:
    """What adding one edition of a document did, in clauses.

    Attributes:
        company: Key of the company.
        document: Name of the document.
        effective_from: First day of the edition, or None.
        source: File it was read from.
        added: Clauses that the edition did not hold before.
        unchanged: Clauses whose words, headings and days stayed as they were.
        replaced: Clauses that were there with other words, headings or days.
        removed: Clauses that were there and are no longer in the document.
        embedded: Texts that went through the embedder.
    """

    company: str
    document: str
    effective_from: dt.date | None
    source: str
    added: int
    unchanged: int
    replaced: int
    removed: int
    embedded: int


@dataclass(frozen=True)
class AddReport:
    """What :meth:`PolicyLibrary.add` did: a report a document, and the documents it refused."""

    documents: tuple[DocumentReport, ...]
    set_aside: tuple[PolicyError, ...] = ()

    @property
    def added(self) -> int:
        """Clauses added, in all documents."""
        return sum(report.added for report in self.documents)

    @property
    def unchanged(self) -> int:
        """Clauses unchanged, in all documents."""
        return sum(report.unchanged for report in self.documents)

    @property
    def replaced(self) -> int:
        """Clauses replaced, in all documents."""
        return sum(report.replaced for report in self.documents)

    @property
    def removed(self) -> int:
        """Clauses removed, in all documents."""
        return sum(report.removed for report in self.documents)

    @property
    def embedded(self) -> int:
        """Texts that went through the embedder, for all documents."""
        return sum(report.embedded for report in self.documents)


@dataclass(frozen=True)
class StoredDocument:
    """One edition of a document in the library.

    Attributes:
        company: Key of the company.
        company_name: Name it is shown by, or None.
        document: Name of the document.
        effective_from: First day of the edition, or None for no limit.
        effective_to: Its last day, given the editions after it, or None for no limit.
        source: File it was read from.
        n_clauses: Clauses that are there.
        is_complete: False if adding it was interrupted or rows were lost; none of its clauses is
            used until it is added again.
    """

    company: str
    company_name: str | None
    document: str
    effective_from: dt.date | None
    effective_to: dt.date | None
    source: str
    n_clauses: int
    is_complete: bool


class PolicyLibrary:
    """The clauses of all policy documents that were added, in one Chroma collection an embedder.

    Made by :meth:`open`; a context manager that closes it. Other processes may read while one
    adds. Of two that add the same edition at once, the edition of one is kept whole.
    """

    def __init__(self, store: ClauseStore, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder

    @classmethod
    def open(cls, settings: Settings, embedder: Embedder) -> PolicyLibrary:
        """Open the library of the settings, or begin an empty one.

        Args:
            settings: Where it lies: ``chroma_url`` if that is set, else ``chroma_path``.
            embedder: What turns clauses and queries into vectors. Each embedder has a collection
                of its own, so with another one the library begins empty.

        Raises:
            ConfigError: If ``chroma_url`` is no address.
            StoreError: If the folder cannot be written or is damaged, or no server answers.
        """
        return cls(ClauseStore.open(settings, embedder.name), embedder)

    def close(self) -> None:
        """Let go of the files; the library is not to be used afterwards."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def add(
        self,
        documents: Sequence[PolicyDocument],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> AddReport:
        """Add editions of documents, or bring them up to date.

        An edition that is there already gets the clauses of the new reading. Editions of the same
        document that begin on other days stay. A clause is embedded, by itself, only if no clause
        of these companies holds the same words under the same headings.

        Args:
            documents: Documents as they were read.
            progress: Called with the number of clauses done, out of all in ``documents``.

        Returns:
            What was done, a document at a time, in order. A document that contradicts another
            (see :func:`analyzer.editions.check_documents`) stands in ``set_aside`` instead.

        Raises:
            StoreError: If the store fails; documents that were done by then stay.
            EngineUnavailable: If the embedder does not answer.
            ConfigError: If the embedder refuses.
        """
        rows, vectors = self._store.load({document.company for document in documents})
        replaced = {edition_of(document) for document in documents}
        kept = [row.clause for row in current_rows(rows) if row.edition not in replaced]
        refused = check_documents(documents, kept=kept)
        known = {row.text_key: vector for row, vector in zip(rows, vectors, strict=True)}
        n_done = 0

        def tick(n_clauses: int) -> None:
            nonlocal n_done
            n_done += n_clauses
            if progress:
                progress(n_done)

        stored: dict[EditionKey, list[Row]] = defaultdict(list)
        for row in rows:
            stored[row.edition].append(row)
        reports: list[DocumentReport] = []
        for index, document in enumerate(documents):
            if index in refused:
                tick(len(document.clauses))
            else:
                there = stored[edition_of(document)]
                reports.append(self._add_edition(document, there, known, tick))
        return AddReport(tuple(reports), tuple(refused.values()))

    def book(self) -> PolicyBook:
        """Everything in the library, in memory, each edition ending where the next begins.

        Returns:
            Clauses in the order of company, document, edition and place in the document.

        Raises:
            StoreError: If the store fails or is damaged.
        """
        rows, vectors = self._store.load()
        place = {row.id: index for index, row in enumerate(rows)}
        current = current_rows(rows)
        clauses = close_superseded([row.clause for row in current])
        matrix = vectors[[place[row.id] for row in current]]
        if not current:
            matrix = np.zeros((0, self._embedder.dimension), dtype=np.float32)
        return PolicyBook(self._embedder.name, tuple(clauses), matrix)

    def search(
        self, query: str, *, k: int = 5, on: dt.date | None = None, company: str | None = None
    ) -> list[tuple[Clause, float]]:
        """The clauses nearest in meaning to a query.

        Args:
            query: A question or a sentence, in words.
            k: How many to return at most; k >= 1.
            on: Only clauses in force on this day; None for those of every edition.
            company: Only those of this company, by key or shown name; None for all.

        Returns:
            ``(clause, score)``, best first; the score is the cosine, held within [0, 1].

        Raises:
            ConfigError: If the query is blank, ``k`` is below 1, or the company has no policies.
            StoreError: If the store fails or is damaged.
            EngineUnavailable: If the embedder does not answer.
        """
        if not query.strip():
            raise ConfigError("The search query is blank; give a question or a few words.")
        if k < 1:
            raise ConfigError(f"A search cannot return {k} clauses; ask for 1 or more.")
        book = self.book()
        key = _company_key(book, company) if company is not None else None
        rows = [
            index
            for index, clause in enumerate(book.clauses)
            if (key is None or clause.company == key) and (on is None or clause.is_in_force(on))
        ]
        if not rows:
            return []
        view = PolicyView(key or "", tuple(book.clauses[i] for i in rows), book.vectors[rows])
        (found,) = view.search(self._embedder.embed([query]), k)
        return [(clause, min(max(score, 0.0), 1.0)) for clause, score in found]

    def list_documents(self) -> list[StoredDocument]:
        """Every edition in the library, by company, document and first day.

        Raises:
            StoreError: If the store fails or is damaged.
        """
        rows, _ = self._store.load()
        current = current_rows(rows)
        closed = close_superseded([row.clause for row in current])
        whole: dict[EditionKey, list[Clause]] = defaultdict(list)
        for row, clause in zip(current, closed, strict=True):
            whole[row.edition].append(clause)
        partial: dict[EditionKey, list[Clause]] = defaultdict(list)
        for row in rows:
            if row.edition not in whole:
                partial[row.edition].append(row.clause)
        return [
            StoredDocument(
                company=clauses[0].company,
                company_name=clauses[0].company_name,
                document=clauses[0].document,
                effective_from=clauses[0].effective_from,
                effective_to=clauses[0].effective_to,
                source=clauses[0].source,
                n_clauses=len(clauses),
                is_complete=edition in whole,
            )
            for edition, clauses in sorted((whole | partial).items())
        ]

    def remove(self, company: str, document: str) -> int:
        """Remove every edition of a document.

        Args:
            company: Key of the company.
            document: Name of the document.

        Returns:
            How many clauses left the library; 0 if there is no such document.

        Raises:
            StoreError: If the store fails.
        """
        rows, _ = self._store.load({company})
        gone = [row for row in rows if row.clause.document == document]
        self._store.delete(gone)
        return len(current_rows(gone))

    def count(self) -> int:
        """How many clauses the library holds, in all editions that are complete.

        Raises:
            StoreError: If the store fails or is damaged.
        """
        rows, _ = self._store.load()
        return len(current_rows(rows))

    def _add_edition(
        self,
        document: PolicyDocument,
        stored: Sequence[Row],
        known: dict[str, Vectors],
        tick: Callable[[int], None],
    ) -> DocumentReport:
        """Bring one edition up to date; ``known`` is added to as texts are embedded."""
        old = current_rows(stored)
        rows = rows_of(document, generation=1 + max((r.generation for r in stored), default=0))
        n_embedded = 0
        if old and old[0].digest == rows[0].digest:
            tick(len(rows))
            rows = old
        else:
            for first in range(0, len(rows), _CHUNK):
                chunk = rows[first : first + _CHUNK]
                for row in chunk:
                    if row.text_key not in known:
                        known[row.text_key] = self._embedder.embed([row.clause.embedded_text])[0]
                        n_embedded += 1
                    tick(1)
                self._store.upsert(chunk, [known[row.text_key] for row in chunk])
        # Only what is older than a whole generation may go: a newer one is another process's work.
        self._store.delete([row for row in stored if row.generation < rows[0].generation])
        before = {row.clause.id: _wording(row.clause) for row in old}
        after = {clause.id: _wording(clause) for clause in document.clauses}
        common = before.keys() & after.keys()
        n_unchanged = sum(before[clause_id] == after[clause_id] for clause_id in common)
        return DocumentReport(
            company=document.company,
            document=document.document,
            effective_from=document.effective_from,
            source=document.source,
            added=len(after.keys() - before.keys()),
            unchanged=n_unchanged,
            replaced=len(common) - n_unchanged,
            removed=len(before.keys() - after.keys()),
            embedded=n_embedded,
        )


def _wording(clause: Clause) -> tuple[str, tuple[str, ...]]:
    return clause.version, clause.heading_path


def _company_key(book: PolicyBook, name: str) -> str:
    key = book.find_company(name)
    if key and name.strip().casefold() in {key.casefold(), book.companies[key].casefold()}:
        return key
    nearest = book.nearest_company(name)
    mend = f"did you mean {nearest!r}?" if nearest else "add them with `wordbond policies add`."
    raise ConfigError(f"The policy library has no policies of company {name!r}; {mend}")
