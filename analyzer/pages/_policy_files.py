"""Uploaded policy documents: read one by one, and the company asked for where they name none."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from analyzer.domain import Clause, PolicyDocument
from analyzer.errors import PolicyError
from analyzer.pages._clauses import render_clause, say_force
from analyzer.pages._escaping import as_html
from analyzer.readers.policies import read_policy

#: Stands for the company while it is not known; no key can be this, since a key is one line.
_UNKNOWN = "\n"


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


def render_clauses(found: Sequence[tuple[Clause, float | None]]) -> str:
    """Clauses as HTML, each with its place and, if it was searched for, its score.

    Args:
        found: Clauses, with the score in [0, 1] or None.
    """
    return f'<div class="wb-clauses">{"".join(_clause(*pair) for pair in found)}</div>'


def _clause(clause: Clause, score: float | None) -> str:
    owner = clause.company_name or clause.company
    path = " / ".join((owner, clause.document, *clause.heading_path))
    tail = "" if score is None else f'<span class="wb-score">{score:.2f}</span>'
    return (
        f'<article class="wb-clause-card"><header><b>{as_html(clause.id)}</b> '
        f"{as_html(clause.title)}{tail}</header>"
        f"<small>{as_html(path)} · {as_html(say_force(clause))}</small>"
        f'<div class="wb-clause">{render_clause(clause.text)}</div></article>'
    )
