"""Editions of policy documents: when each ends, what changed, and which can stand side by side."""

from __future__ import annotations

import datetime as dt
import difflib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analyzer.domain import Clause, PolicyDocument
from analyzer.errors import PolicyError

#: Texts as like as this are one clause that was renumbered.
_SAME_CLAUSE = 0.6
_MOST_RENUMBERED = 200


@dataclass(frozen=True)
class ClauseChange:
    """What became of one clause from one edition to the next.

    Attributes:
        kind: ``added``, ``changed`` or ``removed``.
        before: The clause as it was; None if it was added.
        after: The clause as it is; None if it was removed. Its id may be another one, where a
            document was renumbered.
    """

    kind: Literal["added", "changed", "removed"]
    before: Clause | None
    after: Clause | None

    @property
    def id(self) -> str:
        """The id by which the clause is known now, or was last."""
        clause = self.after or self.before
        return clause.id if clause else ""


def compare_editions(before: Sequence[Clause], after: Sequence[Clause]) -> tuple[ClauseChange, ...]:
    """Compare two editions of a document clause by clause.

    Clauses are the same by id; of those left over, by like words. A clause whose headings and
    words stayed the same has not changed, whatever the days of its force.

    Returns:
        Changes in the order of ``after``, then what was removed.
    """
    old = {clause.id: clause for clause in before}
    left = [clause for clause in after if clause.id not in old]
    gone = dict(old)
    for clause in after:
        gone.pop(clause.id, None)
    renumbered = _find_renumbered(left, list(gone.values()))
    changes: list[ClauseChange] = []
    for clause in after:
        was = old.get(clause.id) or renumbered.get(clause.id)
        if was is None:
            changes.append(ClauseChange("added", None, clause))
        else:
            gone.pop(was.id, None)
            if was.wording != clause.wording:
                changes.append(ClauseChange("changed", was, clause))
    return (*changes, *(ClauseChange("removed", clause, None) for clause in gone.values()))


def _find_renumbered(added: Sequence[Clause], gone: Sequence[Clause]) -> dict[str, Clause]:
    """For the id of each added clause the removed one that it was, where there is one."""
    if not added or not gone or max(len(added), len(gone)) > _MOST_RENUMBERED:
        return {}
    pairs = []
    for clause in added:
        matcher = difflib.SequenceMatcher(b=clause.text.split(), autojunk=False)
        for was in gone:
            matcher.set_seq1(was.text.split())
            if matcher.quick_ratio() >= _SAME_CLAUSE and matcher.ratio() >= _SAME_CLAUSE:
                pairs.append((matcher.ratio(), clause.id, was))
    out: dict[str, Clause] = {}
    taken: set[str] = set()
    for _, clause_id, was in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2].id)):
        if clause_id not in out and was.id not in taken:
            out[clause_id] = was
            taken.add(was.id)
    return out


#: Of a clause that changed: words that stayed, that went, that came.
WordChange = tuple[Literal["same", "gone", "new"], str]
_LONGEST_TEXT = 20_000


def compare_words(before: str, after: str) -> tuple[WordChange, ...]:
    """What changed in a text, word by word, for showing.

    Returns:
        Runs of words in order; joined with blanks, those that are not ``gone`` give ``after`` and
        those that are not ``new`` give ``before``, white space apart.
    """
    if max(len(before), len(after)) > _LONGEST_TEXT:
        return (("gone", before), ("new", after))
    old, new = before.split(), after.split()
    out: list[WordChange] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind == "equal":
            out.append(("same", " ".join(old[a:b])))
            continue
        if b > a:
            out.append(("gone", " ".join(old[a:b])))
        if d > c:
            out.append(("new", " ".join(new[c:d])))
    return tuple(out)


def redate(document: PolicyDocument, begins: dt.date) -> PolicyDocument:
    """The document as an edition that begins on a day, its clauses with it."""
    day = {"effective_from": begins}
    clauses = tuple(clause.model_copy(update=day) for clause in document.clauses)
    return document.model_copy(update={**day, "clauses": clauses})


def standing_before(clauses: Sequence[Clause], document: PolicyDocument) -> tuple[Clause, ...]:
    """The clauses that an edition replaces: its own if it stands already, else the one before it.

    Args:
        clauses: Clauses of all editions of the document, and of others.
        document: The edition.
    """
    editions: dict[dt.date | None, list[Clause]] = {}
    for clause in clauses:
        if (clause.company, clause.document) == (document.company, document.document):
            editions.setdefault(clause.effective_from, []).append(clause)
    begins = document.effective_from
    if begins in editions:
        return tuple(editions[begins])
    earlier = [day for day in editions if begins and (day is None or day < begins)]
    if not earlier:
        return ()
    return tuple(editions[max(earlier, key=lambda day: day or dt.date.min)])


def close_superseded(clauses: Sequence[Clause]) -> list[Clause]:
    """End each edition of a document on the day before its next edition begins.

    Two editions of one document are told apart by ``effective_from``; an edition whose own
    ``effective_to`` is open, or later than that day, ends there.
    """
    editions: dict[tuple[str, str], set[dt.date]] = {}
    for clause in clauses:
        if clause.effective_from:
            editions.setdefault((clause.company, clause.document), set()).add(clause.effective_from)
    out: list[Clause] = []
    for clause in clauses:
        begins = clause.effective_from or dt.date.min
        later = [day for day in editions.get((clause.company, clause.document), ()) if day > begins]
        if later:
            last = min(later) - dt.timedelta(days=1)
            if clause.effective_to is None or clause.effective_to > last:
                out.append(clause.model_copy(update={"effective_to": last}))
                continue
        out.append(clause)
    return out


def check_documents(
    documents: Sequence[PolicyDocument], *, kept: Sequence[Clause] = ()
) -> dict[int, PolicyError]:
    """Find the documents that cannot stand beside the others.

    Two clauses of one company that are in force on the same day may not share an id, since a
    verdict could not say which of them it means; two documents may not be the same edition, since
    one would replace the other.

    Args:
        documents: Documents to be used together; of two that clash, the later is at fault.
        kept: Clauses that stand already and are not replaced by any of ``documents``.

    Returns:
        For the index of each document at fault the reason, with its source and the line.
    """
    faults: dict[int, PolicyError] = {}
    editions: dict[tuple[str, str, dt.date | None], PolicyDocument] = {}
    for index, document in enumerate(documents):
        edition = (document.company, document.document, document.effective_from)
        first = editions.setdefault(edition, document)
        if first is not document:
            faults[index] = PolicyError(
                f"{document.document!r} from the same day stands in {first.source} already; give "
                "one of the two another `document` name or `effective_from` in its front matter",
                path=document.source, line=1,
            )  # fmt: skip
    closed = iter(close_superseded([*kept, *(c for d in documents for c in d.clauses)]))
    standing: dict[tuple[str, str], list[Clause]] = {}
    for clause in itertools.islice(closed, len(kept)):
        standing.setdefault((clause.company, clause.id), []).append(clause)
    for index, document in enumerate(documents):
        clauses = list(itertools.islice(closed, len(document.clauses)))
        clash = next(
            (
                (clause, other)
                for clause in clauses
                for other in standing.get((clause.company, clause.id), ())
                if other.document != clause.document and _overlap(clause, other)
            ),
            None,
        )
        if index not in faults and clash:
            faults[index] = _same_id(*clash)
        if index not in faults:
            for clause in clauses:
                standing.setdefault((clause.company, clause.id), []).append(clause)
    return faults


def _overlap(one: Clause, other: Clause) -> bool:
    begins = max(one.effective_from or dt.date.min, other.effective_from or dt.date.min)
    return one.is_in_force(begins) and other.is_in_force(begins)


def _same_id(clause: Clause, other: Clause) -> PolicyError:
    return PolicyError(
        f"clause {clause.id} also stands in {other.source or other.document} and is in force "
        "there on the same day; give one of the two another id, end the older document with "
        "effective_to, or take it out",
        path=clause.source, line=clause.line,
    )  # fmt: skip
