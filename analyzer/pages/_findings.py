"""The findings of a call: each mark with what the store knows of it, in the order of the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.domain import Analysis, Call, Commitment, Stonewall
from analyzer.pages._wording import Label, label_of, say_findings
from analyzer.results import FindingRow, ResultStore


@dataclass(frozen=True)
class Finding:
    """One mark of a call as the page shows it.

    Attributes:
        number: 1 for the first in the call.
        mark: The commitment or the stonewall.
        row: What the store knows of it: where its quote stands, and what reviewers said.
    """

    number: int
    mark: Commitment | Stonewall
    row: FindingRow

    @property
    def label(self) -> Label:
        """Sign, word and colour."""
        return label_of(self.mark)

    @property
    def words(self) -> str:
        """What was said, verbatim; empty for a stonewall that quotes nothing."""
        return self.mark.quote or ""

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a reviewer."""
        asked = self.row.needs_review or self.row.status == "reopened"
        return asked and self.row.status not in {"confirmed", "dismissed"}


def pair_findings(analysis: Analysis, rows: Sequence[FindingRow]) -> tuple[Finding, ...]:
    """Join the marks of an analysis to the store's rows of the same result.

    Args:
        analysis: One result of a call.
        rows: The findings of that result, in any order.

    Returns:
        Those that are in both, numbered in the order of the call.
    """
    marks: dict[tuple[str, str], Commitment | Stonewall] = {
        ("commitment", mark.id): mark for mark in analysis.commitments
    }
    marks |= {("stonewall", f"s{n}"): wall for n, wall in enumerate(analysis.stonewalls, start=1)}
    known = sorted(
        (row for row in rows if (row.finding, row.mark_id) in marks),
        key=lambda row: (row.first_turn, row.quote_start, row.finding_id),
    )
    return tuple(
        Finding(number, marks[row.finding, row.mark_id], row)
        for number, row in enumerate(known, start=1)
    )


@dataclass(frozen=True)
class OpenCall:
    """A call as the page opens it.

    Attributes:
        analysis: The result that is shown.
        findings: Its findings, in the order of the call.
        result_id: Which result it is.
        is_current: Whether it is the one that lists show.
    """

    analysis: Analysis
    findings: tuple[Finding, ...]
    result_id: int
    is_current: bool

    @property
    def summary(self) -> str:
        """What was found, in one sentence."""
        return say_findings(
            n_conflicts=len(self.analysis.conflicts),
            n_stonewalls=len(self.analysis.stonewalls),
            n_to_review=sum(finding.is_waiting for finding in self.findings),
            n_marks=len(self.findings),
        )


def open_call(store: ResultStore, company: str, call_id: str, *, result_id: int | None) -> OpenCall:
    """Load a call with one of its results.

    Args:
        store: Where it is.
        company: Its company; empty where it names none.
        call_id: Its id.
        result_id: Which result; None for the current one.

    Raises:
        StoreError: If the call or the result is not there.
    """
    analysis = store.get_analysis(company, call_id, result_id=result_id)
    row = store.find_call_row(company, call_id)
    current = row.result_id if row else None
    shown = result_id or current or 0
    rows = store.list_findings(company=company, call_id=call_id, result_id=shown, limit=None)
    return OpenCall(analysis, pair_findings(analysis, rows), shown, is_current=shown == current)


def first_to_open(findings: Sequence[Finding]) -> int:
    """The number of the finding to look at first: the gravest that nobody has ruled on.

    Returns:
        The gravest of all where every one is ruled on; 0 if there are none.
    """
    ranked = sorted(
        findings,
        key=lambda f: (f.row.status in {"confirmed", "dismissed"}, f.label.rank, f.number),
    )
    return ranked[0].number if ranked else 0


def name_speaker(call: Call, turn: int) -> str:
    """Who speaks a turn: ``Tess, representative``; the role where no name is known."""
    said = call.turns[turn]
    who = said.name or {"agent": "Agent", "customer": "Customer", "system": "System"}[said.role]
    return f"{who}, {said.position}" if said.position else who
