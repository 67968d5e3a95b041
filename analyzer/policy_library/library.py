"""The library itself: documents in, clauses out."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np

from analyzer.authority import AuthorityCorrection
from analyzer.config import Settings
from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import (
    check_documents,
    close_superseded,
    compare_editions,
    redate,
    standing_before,
)
from analyzer.embedders import Embedder
from analyzer.errors import ConfigError
from analyzer.language.authority import Grant
from analyzer.policy_book import (
    WEAK_LIKENESS,
    PolicyBook,
    Vectors,
    embed_clause,
    join_vectors,
)
from analyzer.policy_library.reports import (
    AddReport,
    Adoption,
    DocumentReport,
    StoredDocument,
)
from analyzer.policy_library.rows import (
    EditionKey,
    Row,
    current_rows,
    edition_of,
    rows_of,
    text_key,
)
from analyzer.policy_library.snapshots import Snapshots
from analyzer.policy_library.store import ClauseStore
from analyzer.retrieval import rank_clauses, split_query
from analyzer.retrieval.ranking import LEXICAL_WEIGHT

#: Clauses written at a time: what a kill can lose of the embedding that was done.
_CHUNK = 64
_ADOPTION, _AUTHORITY = "adoption", "authority"


class SearchHit(NamedTuple):
    """A clause that a search found.

    Attributes:
        clause: The clause.
        score: Joined score of meaning and words, within [0, 1]; 1 for the very words.
        is_weak: True if neither its meaning nor its words are near enough to rely on.
    """

    clause: Clause
    score: float
    is_weak: bool


class PolicyLibrary:
    """The clauses of all policy documents that were added, in one Chroma collection an embedder.

    Made by :meth:`open`; a context manager that closes it. Other processes may read while one
    adds. Of two that add the same edition at once, the edition of one is kept whole.
    """

    def __init__(self, store: ClauseStore, embedder: Embedder, snapshots: Snapshots) -> None:
        self._store = store
        self._embedder = embedder
        self._snapshots = snapshots
        self._book: tuple[str, PolicyBook] | None = None

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
        store = ClauseStore.open(settings, embedder.name)
        folder = settings.home / "policy-snapshots" / store.name
        library = cls(store, embedder, Snapshots(folder, embedder.name))
        library._take_over()
        return library

    def close(self) -> None:
        """Let go of the files; the library is not to be used afterwards."""
        self._store.close()

    def _take_over(self) -> None:
        """Embed anew what stands in the library of an embedder that this one has replaced."""
        for name in getattr(self._embedder, "predecessors", ()):
            if not self._store.size:
                rows = current_rows(self._store.load_other(name))
                editions: dict[EditionKey, list[Clause]] = defaultdict(list)
                for row in rows:
                    editions[row.edition].append(row.clause)
                if editions:
                    self._write([_document_of(clauses) for clauses in editions.values()])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def add(
        self,
        documents: Sequence[PolicyDocument],
        *,
        undated_from: dt.date | None = None,
        is_correction: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> AddReport:
        """Add editions of documents, or bring them up to date.

        An edition that is there already gets the clauses of the new reading. Editions of the same
        document that begin on other days stay, and the earlier ends where the later begins. A
        clause is embedded, by itself, only if no clause of these companies holds the same words
        under the same headings.

        Args:
            documents: Documents as they were read.
            undated_from: First day of a document that names none and of which other words are
                there already, so that it becomes a new version; None to correct what is there.
            is_correction: Whether a document that names no day takes the place of the newest
                version, and so its day; otherwise it is an edition in force on every day.
            progress: Called with the number of clauses done, out of all in ``documents``.

        Returns:
            What was done, a document at a time, in order. A document that contradicts another
            (see :func:`analyzer.editions.check_documents`) stands in ``set_aside`` instead.

        Raises:
            StoreError: If the store fails; documents that were done by then stay.
            EngineUnavailable: If the embedder does not answer.
            ConfigError: If the embedder refuses.
        """
        book = self.book()
        if undated_from or is_correction:
            day = None if is_correction else undated_from
            documents = [_dated(d, book.clauses, day) for d in documents]
        replaced = {edition_of(document) for document in documents}
        companies = {document.company for document in documents}
        kept = [c for c in book.clauses if c.company in companies and edition_of(c) not in replaced]
        refused = check_documents(documents, kept=kept)
        taken = [d for index, d in enumerate(documents) if index not in refused]
        reports = self._write(taken, book, progress) if taken else []
        if progress:
            progress(sum(len(d.clauses) for d in documents))
        return AddReport(tuple(reports), tuple(refused.values()))

    def find_undated(self, documents: Sequence[PolicyDocument]) -> list[PolicyDocument]:
        """Documents that name no day of force and would change what is there already.

        Raises:
            StoreError: If the store fails or is damaged.
        """
        clauses = self.book().clauses
        day = dt.date.max
        return [
            d
            for d in documents
            if d.effective_from is None and _dated(d, clauses, day).effective_from == day
        ]

    def _write(
        self,
        documents: Sequence[PolicyDocument],
        book: PolicyBook | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[DocumentReport]:
        """Write editions, whatever they contradict; ``book`` is the library before."""
        rows, blocks = self._store.load({(d.company, d.document) for d in documents})
        known = {row.text_key: block for row, block in zip(rows, blocks, strict=True)}
        stored: dict[EditionKey, list[Row]] = defaultdict(list)
        for row in rows:
            stored[row.edition].append(row)
        if book is not None:
            companies = {document.company for document in documents}
            known = _known_vectors(book, companies) | known
        n_done = 0

        def tick(n_clauses: int) -> None:
            nonlocal n_done
            n_done += n_clauses
            if progress:
                progress(n_done)

        reports: list[DocumentReport] = []
        with self._writing():
            for document in documents:
                there = stored[edition_of(document)]
                done = self._add_edition(document, there, known, tick)
                reports.append(_compared(done, document, book.clauses if book else ()))
        for report in reports:
            changed = [change.id for change in report.changes] or (
                [] if report.unchanged and not report.added else ["*"]
            )
            if changed:
                self._note_adoption(report.company, report.document, report.effective_from, changed)
        return reports

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._book = None
        with self._store.writing():
            yield

    def _note_adoption(
        self, company: str, document: str, begins: dt.date | None, changed: Sequence[str]
    ) -> None:
        self._store.note(
            _ADOPTION,
            {
                "at": dt.datetime.now(dt.UTC).isoformat(),
                "company": company,
                "document": document,
                "effective_from": begins.isoformat() if begins else None,
                "changed": list(changed),
            },
        )

    def list_adoptions(self) -> list[Adoption]:
        """Every change of the library, in the order in which they were made.

        Raises:
            StoreError: If the store fails or is damaged.
        """
        return [
            Adoption(
                at=dt.datetime.fromisoformat(note["at"]),
                company=note["company"],
                document=note["document"],
                effective_from=dt.date.fromisoformat(note["effective_from"])
                if note["effective_from"]
                else None,
                changed=tuple(note["changed"]),
            )
            for note in self._store.notes(_ADOPTION)
        ]

    def correct_authority(
        self,
        clause: Clause,
        grants: Sequence[Grant],
        *,
        reviewer: str,
        reason: str | None = None,
    ) -> AuthorityCorrection:
        """Say who may grant what by a clause, in place of what is read from it.

        Holds for the clause in its present words; every correction is kept, the newest counts.

        Args:
            clause: The clause, as the library has it.
            grants: All that it grants; none where it grants nothing.
            reviewer: Who says so.
            reason: Why.

        Raises:
            ConfigError: If nobody is named as reviewer.
            StoreError: If the store fails.
        """
        if not reviewer.strip():
            raise ConfigError("A correction needs a name; say who makes it.")
        correction = AuthorityCorrection(
            company=clause.company,
            clause_id=clause.id,
            wording=clause.wording,
            grants=tuple(grants),
            reviewer=reviewer.strip(),
            reason=(reason or "").strip() or None,
            at=dt.datetime.now(dt.UTC),
        )
        with self._writing():
            self._store.note(_AUTHORITY, correction.to_record())
        self._note_adoption(clause.company, clause.document, clause.effective_from, [clause.id])
        return correction

    def list_corrections(self) -> list[AuthorityCorrection]:
        """Every correction of what a clause grants, in the order in which they were made.

        Raises:
            StoreError: If the store fails or is damaged.
        """
        return [AuthorityCorrection.from_record(note) for note in self._store.notes(_AUTHORITY)]

    def book(self) -> PolicyBook:
        """Everything in the library, in memory, each edition ending where the next begins.

        Kept until the library changes, by this process or another.

        Returns:
            Clauses in the order of company, document, edition and place in the document.

        Raises:
            StoreError: If the store fails or is damaged.
        """
        stamp = self._store.stamp
        if self._book is not None and self._book[0] == stamp:
            return self._book[1]
        # The number of rows tells what a writer left behind that was killed beside another.
        name = f"{stamp}-{self._store.size}" if stamp else None
        book = self._snapshots.load(name) if name else None
        if book is None:
            book = self._read_book()
            # What was read while another process wrote may be of neither stamp.
            if name and self._store.stamp == stamp:
                self._snapshots.save(name, book)
        book.corrections = self.list_corrections()
        if stamp:
            self._book = (stamp, book)
        return book

    def _read_book(self) -> PolicyBook:
        rows, blocks = self._store.load()
        place = {row.id: index for index, row in enumerate(rows)}
        current = current_rows(rows)
        clauses = close_superseded([row.clause for row in current])
        vectors, parts = join_vectors(
            [blocks[place[row.id]] for row in current], dimension=self._embedder.dimension
        )
        return PolicyBook(self._embedder.name, tuple(clauses), vectors, parts)

    def search(
        self,
        query: str,
        *,
        k: int = 5,
        on: dt.date | None = None,
        company: str | None = None,
        line_of_business: str | None = None,
    ) -> list[SearchHit]:
        """The clauses nearest to a query, in meaning and in words.

        Args:
            query: A question or a sentence, or the description of a whole case.
            k: How many to return at most; k >= 1.
            on: Only clauses in force on this day; None for those of every edition.
            company: Only those of this company, by key or shown name; None for all.
            line_of_business: Only those of this line of business and those of all lines.

        Returns:
            Best first; of every document each edition counts by itself.

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
        chosen = book.select(company=key, on=on, line_of_business=line_of_business)
        if not chosen.any():
            return []
        windows = self._embedder.embed(split_query(query))
        found = rank_clauses(
            windows,
            book.passages,
            book.lexical.shares(query),
            k=k,
            allowed=None if chosen.all() else chosen[book.passages.owner],
        )
        best = (1 + LEXICAL_WEIGHT) * (1.5 if len(windows) > 1 else 1.0)
        return [
            SearchHit(
                book.clauses[row],
                min(max(float(score) / best, 0.0), 1.0),
                float(likeness) < WEAK_LIKENESS and not has_words,
            )
            for row, score, likeness, has_words in zip(
                found.rows, found.scores, found.likeness, found.lexical, strict=True
            )
        ]

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
                line_of_business=clauses[0].line_of_business,
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
        gone, _ = self._store.load({(company, document)})
        if gone:
            with self._writing():
                self._store.delete(gone)
            ids = sorted({row.clause.id for row in gone})
            self._note_adoption(company, document, None, ids)
        return len(current_rows(gone))

    def count(self) -> int:
        """How many clauses the library holds, in all editions that are complete.

        Raises:
            StoreError: If the store fails or is damaged.
        """
        return len(self.book().clauses)

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
                        known[row.text_key] = embed_clause(row.clause, self._embedder)
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


def _document_of(clauses: Sequence[Clause]) -> PolicyDocument:
    """The edition that clauses of one edition make up."""
    first = clauses[0]
    return PolicyDocument(
        company=first.company,
        company_name=first.company_name,
        line_of_business=first.line_of_business,
        document=first.document,
        effective_from=first.effective_from,
        effective_to=first.effective_to,
        source=first.source,
        clauses=tuple(clauses),
    )


def _dated(
    document: PolicyDocument, standing: Sequence[Clause], begins: dt.date | None
) -> PolicyDocument:
    """A document that names no day, with one, if a version of it is there.

    With other words it is a new version from ``begins``, or where that is None takes the place,
    and so the day, of the newest version that is there.
    """
    if document.effective_from is not None:
        return document
    before = [
        c for c in standing if (c.company, c.document) == (document.company, document.document)
    ]
    newest = max(before, key=lambda c: c.effective_from or dt.date.min, default=None)
    if newest is None:
        return document
    current = [c for c in before if c.effective_from == newest.effective_from]
    same = {(c.id, c.wording) for c in current} == {(c.id, c.wording) for c in document.clauses}
    if same:
        # The very edition that is there: its day is known.
        return (
            document if newest.effective_from is None else redate(document, newest.effective_from)
        )
    if begins is None:
        begins = newest.effective_from
    return redate(document, begins) if begins else document


def _known_vectors(book: PolicyBook, companies: set[str]) -> dict[str, Vectors]:
    """Vectors of the short clauses of companies, by :attr:`Row.text_key`."""
    whole = np.bincount(book.passages.owner, minlength=len(book.clauses)) == 1
    return {
        text_key(clause): book.vectors[row : row + 1]
        for row, clause in enumerate(book.clauses)
        if clause.company in companies and whole[row]
    }


def _compared(
    report: DocumentReport, document: PolicyDocument, standing: Sequence[Clause]
) -> DocumentReport:
    before = standing_before(standing, document)
    return replace(
        report,
        supersedes=bool(before) and before[0].effective_from != document.effective_from,
        changes=compare_editions(before, document.clauses) if before else (),
        notes=document.notes,
    )


def _company_key(book: PolicyBook, name: str) -> str:
    key = book.find_company(name)
    if key and name.strip().casefold() in {key.casefold(), book.companies[key].casefold()}:
        return key
    nearest = book.nearest_company(name)
    mend = f"did you mean {nearest!r}?" if nearest else "add them with `wordbond policies add`."
    raise ConfigError(f"The policy library has no policies of company {name!r}; {mend}")
