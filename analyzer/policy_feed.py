"""What results say about the policies themselves, for whoever owns them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.domain import CONFLICTS
from analyzer.embedders import Embedder
from analyzer.results.rows import FindingRow

_EXAMPLES = 3
#: Promises as like as this are about one thing.
_ALIKE = 0.55
_MOST_GAPS = 2000
#: A clause counts as misread where so many promises were held against it, by so many agents, and
#: such a share of them went against it.
_LEAST_JUDGED, _LEAST_AGENTS, _LEAST_SHARE = 3, 2, 0.5


@dataclass(frozen=True)
class Promised:
    """A promise as an example: the call, the agents, the words."""

    company: str | None
    call_id: str
    turn: int
    agents: tuple[str, ...]
    quote: str


@dataclass(frozen=True)
class ClauseRecord:
    """How promises fare against one clause.

    Attributes:
        company: The calls' company.
        clause: Id of the clause.
        n_judged: Promises that it decided.
        n_contradicted: Those that it rules out or that exceed an authority by it.
        n_agents: Agents who made those.
        is_misread: Whether several agents get it wrong, more often than not: its wording may be
            at fault rather than they.
        examples: Up to three of those promises, of different agents first.
    """

    company: str | None
    clause: str
    n_judged: int
    n_contradicted: int
    n_agents: int
    is_misread: bool
    examples: tuple[Promised, ...]


@dataclass(frozen=True)
class Gap:
    """Promises about one thing that no clause speaks to.

    Attributes:
        n_promises: How many.
        n_agents: By how many agents.
        examples: Up to three, the most typical first.
    """

    n_promises: int
    n_agents: int
    examples: tuple[Promised, ...]


@dataclass(frozen=True)
class PolicyFeed:
    """The clauses that promises go against, most often first; the gaps, largest first."""

    clauses: tuple[ClauseRecord, ...]
    gaps: tuple[Gap, ...]


def read_feed(findings: Sequence[FindingRow], embedder: Embedder) -> PolicyFeed:
    """Gather what the policies' owner should know.

    Args:
        findings: Commitments of current results. What a reviewer has dismissed does not count.
        embedder: Tells which promises are about one thing.
    """
    kept = [f for f in findings if f.finding == "commitment" and f.status != "dismissed"]
    by_clause: dict[tuple[str | None, str], list[FindingRow]] = defaultdict(list)
    for finding in kept:
        if finding.clause:
            by_clause[finding.company, finding.clause].append(finding)
    records = [_record(key, found) for key, found in by_clause.items()]
    wrong = [record for record in records if record.n_contradicted]
    wrong.sort(key=lambda r: (-r.n_contradicted, -r.n_agents, r.company or "", r.clause))
    open_ones = [f for f in kept if f.verdict == "not_addressed" and f.quote]
    return PolicyFeed(tuple(wrong), _gaps(open_ones[:_MOST_GAPS], embedder))


def _record(key: tuple[str | None, str], found: Sequence[FindingRow]) -> ClauseRecord:
    wrong = [f for f in found if f.verdict in CONFLICTS]
    agents = Counter(agent for f in wrong for agent in f.agents[:1])
    is_misread = (
        len(found) >= _LEAST_JUDGED
        and len(agents) >= _LEAST_AGENTS
        and len(wrong) >= _LEAST_SHARE * len(found)
    )
    return ClauseRecord(
        company=key[0],
        clause=key[1],
        n_judged=len(found),
        n_contradicted=len(wrong),
        n_agents=len(agents),
        is_misread=is_misread,
        examples=_examples(wrong),
    )


def _examples(found: Sequence[FindingRow]) -> tuple[Promised, ...]:
    """Up to three, each of another agent as far as there are several."""
    seen: set[str] = set()
    first: list[FindingRow] = []
    more: list[FindingRow] = []
    for finding in found:
        agent = finding.agents[0] if finding.agents else ""
        (more if agent in seen else first).append(finding)
        seen.add(agent)
    return tuple(
        Promised(f.company, f.call_id, f.turn, tuple(f.agents), f.quote or "")
        for f in (*first, *more)[:_EXAMPLES]
    )


def _gaps(found: Sequence[FindingRow], embedder: Embedder) -> tuple[Gap, ...]:
    """Group promises by likeness, the densest first."""
    if not found:
        return ()
    vectors = np.concatenate([embedder.embed([f.quote or "-"]) for f in found])
    alike = vectors @ vectors.T >= _ALIKE
    left = np.ones(len(found), dtype=np.bool_)
    gaps: list[Gap] = []
    while left.any():
        counts = (alike & left).sum(axis=1) * left
        centre = int(np.argmax(counts))
        members = np.flatnonzero(alike[centre] & left)
        left[members] = False
        left[centre] = False
        order = members[np.argsort(-(vectors[members] @ vectors[centre]), kind="stable")]
        rows = [found[i] for i in order]
        agents = {agent for f in rows for agent in f.agents[:1]}
        gaps.append(Gap(len(rows), len(agents), _examples(rows)))
    return tuple(sorted(gaps, key=lambda gap: -gap.n_promises))
