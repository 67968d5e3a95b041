"""Clauses that a policy's owner should look at."""

from __future__ import annotations

from analyzer.policy_health.conflicts import (
    ClausePair,
    ConflictKind,
    ConflictReport,
    find_conflicts,
)

__all__ = ["ClausePair", "ConflictKind", "ConflictReport", "find_conflicts"]
