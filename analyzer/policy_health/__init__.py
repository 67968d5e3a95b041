"""What is wrong with policies themselves: clauses in force together that disagree."""

from __future__ import annotations

from analyzer.policy_health.conflicts import ClausePair, ConflictKind, find_conflicts

__all__ = ["ClausePair", "ConflictKind", "find_conflicts"]
