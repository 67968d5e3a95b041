"""What the policy library says of itself and of what was added to it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from analyzer.editions import ClauseChange
from analyzer.errors import PolicyError


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
        embedded: Clauses that went through the embedder.
        supersedes: True if an earlier edition of the document ends where this one begins.
        changes: Clause by clause what is other than in the edition that was replaced or superseded;
            empty for a document that is new altogether.
        notes: What of the document could not be read or is in doubt.
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
    supersedes: bool = False
    changes: tuple[ClauseChange, ...] = ()
    notes: tuple[str, ...] = ()


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
        """Clauses that went through the embedder, in all documents."""
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
        line_of_business: The part of the company that it is for, or None for all.
    """

    company: str
    company_name: str | None
    document: str
    effective_from: dt.date | None
    effective_to: dt.date | None
    source: str
    n_clauses: int
    is_complete: bool
    line_of_business: str | None = None


@dataclass(frozen=True)
class Adoption:
    """A change of the library, as it was noted when it was made.

    Attributes:
        at: When, in UTC.
        company: Key of the company.
        document: Name of the document.
        effective_from: First day of the edition that was added, replaced or removed.
        changed: Ids of the clauses that were added, changed or removed by it.
    """

    at: dt.datetime
    company: str
    document: str
    effective_from: dt.date | None
    changed: tuple[str, ...]
