"""Uploaded policy documents: read one by one, and the company asked for where they name none."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from analyzer.domain import Clause, PolicyDocument
from analyzer.editions import ClauseChange, redate
from analyzer.errors import PolicyError
from analyzer.pages._clauses import render_clause, say_force, say_place
from analyzer.pages._escaping import as_html
from analyzer.pages._redline import render_history
from analyzer.pages._wording import say_day
from analyzer.readers.policies import read_policy

#: Stands for the company while it is not known; no key can be this, since a key is one line.
_UNKNOWN = "\n"
#: A note may name an option of the command line, which has no place here.
_NO_OPTION = re.compile(r" with --[\w-]+\.$")


@dataclass(frozen=True)
class PolicyUpload:
    """One uploaded policy document."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class PolicyUploads:
    """What the uploaded documents are.

    Attributes:
        documents: Those that can be added.
        nameless: Names of the files that need a company's key.
        failures: Why a file cannot be used, a sentence each.
    """

    documents: tuple[PolicyDocument, ...]
    nameless: tuple[str, ...]
    failures: tuple[str, ...]


def read_policy_uploads(uploads: Sequence[PolicyUpload], *, company: str | None) -> PolicyUploads:
    """Read uploaded policy documents.

    Args:
        uploads: The files.
        company: Key of the company of those that do not name theirs; None if not said yet.
    """
    documents: list[PolicyDocument] = []
    nameless: list[str] = []
    failures: list[str] = []
    for upload in uploads:
        try:
            document = _read(upload, (company or "").strip() or _UNKNOWN)
        except PolicyError as error:
            failures.append(str(PolicyError(error.message, path=upload.name, line=error.line)))
            continue
        if document.company == _UNKNOWN:
            nameless.append(upload.name)
        else:
            documents.append(document)
    return PolicyUploads(tuple(documents), tuple(nameless), tuple(failures))


def _read(upload: PolicyUpload, company: str) -> PolicyDocument:
    # A browser may send a path with the name; only its last part names a file here.
    name = PureWindowsPath(PurePosixPath(upload.name).name).name or "policy.txt"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(upload.data)
        return read_policy(path, company=company)


@dataclass(frozen=True)
class Beside:
    """What is shown with a clause.

    Attributes:
        score: What a search gave it, in [0, 1]; None where nothing was searched for.
        related: Clauses that have to be read with it.
        changes: How it came to its words, the newest change first.
    """

    score: float | None = None
    related: tuple[Clause, ...] = ()
    changes: tuple[ClauseChange, ...] = ()


def render_clauses(found: Sequence[tuple[Clause, Beside]]) -> str:
    """Clauses as HTML, each with its place and what is shown with it.

    Args:
        found: Clauses, in order.
    """
    return f'<div class="wb-clauses">{"".join(_clause(*pair) for pair in found)}</div>'


def _clause(clause: Clause, beside: Beside) -> str:
    owner = clause.company_name or clause.company
    path = " / ".join((owner, clause.document, *clause.heading_path))
    place = say_place(clause)
    where = f"{path} · {place}" if place else path
    score = beside.score
    tail = "" if score is None else f'<span class="wb-score">{score:.2f}</span>'
    related = "".join(_related(other, clause) for other in beside.related)
    return (
        f'<article class="wb-clause-card"><header><b>{as_html(clause.id)}</b> '
        f"{as_html(_title(clause))}{tail}</header>"
        f"<small>{as_html(where)} · {as_html(say_force(clause))}</small>"
        f'<div class="wb-clause">{render_clause(clause.text)}</div>'
        f"{related}{render_history(beside.changes)}</article>"
    )


def _related(other: Clause, clause: Clause) -> str:
    elsewhere = "" if other.document == clause.document else f" · {other.document}"
    name = as_html(f"{other.id} {_title(other)}".strip())
    return (
        f"<details><summary>Read with <b>{name}</b>{as_html(elsewhere)}</summary>"
        f'<div class="wb-clause">{render_clause(other.text)}</div></details>'
    )


def _title(clause: Clause) -> str:
    return "" if clause.title == clause.id else clause.title


def render_reading(document: PolicyDocument, *, change: str) -> str:
    """What was read of a document besides its clauses: its days of force, and its notes.

    Args:
        document: As it would be added.
        change: A sentence on what adding it would change.
    """
    begins, ends = document.effective_from, document.effective_to
    days = [f"from {say_day(begins)}"] if begins else []
    days += [f"until {say_day(ends)}"] if ends else []
    force = f"In force {' '.join(days)}." if days else "In force on every day: it names none."
    notes = [_NO_OPTION.sub(" in its front matter.", note) for note in document.notes]
    lines = "".join(f"<li>{as_html(line)}</li>" for line in (change, *notes))
    return f'<ul class="wb-notes"><li><b>{as_html(force)}</b></li>{lines}</ul>'


def date_documents(
    documents: Sequence[PolicyDocument],
    undated: Sequence[PolicyDocument],
    standing: Sequence[Clause],
    *,
    begins: dt.date | None,
) -> list[PolicyDocument]:
    """Documents as they are to be added: those that name no day are given one where they need it.

    Args:
        documents: As they were read.
        undated: Those that name no day and say other words than what is there.
        standing: What the library holds.
        begins: First day of ``undated``; None where they correct the newest version that is there,
            whose day they then take, as one that says the very same words does.
    """
    changing = {id(document) for document in undated}
    out = []
    for document in documents:
        day = document.effective_from
        if day is None:
            day = begins if id(document) in changing else None
            day = day or _newest_day(document, standing)
        out.append(redate(document, day) if day and day != document.effective_from else document)
    return out


def _newest_day(document: PolicyDocument, standing: Sequence[Clause]) -> dt.date | None:
    days = [
        clause.effective_from
        for clause in standing
        if (clause.company, clause.document) == (document.company, document.document)
    ]
    return max((day for day in days if day), default=None)
