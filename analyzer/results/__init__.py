"""Where calls, results and reviewers' decisions are kept: SQLAlchemy on SQLite or PostgreSQL.

:class:`ResultStore` is the way in; the rest is what it hands out.
"""

from __future__ import annotations

from analyzer.results.rows import (
    CallRow,
    Decision,
    DecisionType,
    FindingRow,
    FindingType,
    MarkKind,
    Order,
    ResultRow,
    SavedCall,
    SavedResult,
    SetAsideInput,
    Status,
    StoreStats,
    VerdictClass,
    verdict_class,
)
from analyzer.results.store import ResultStore

__all__ = [
    "CallRow",
    "Decision",
    "DecisionType",
    "FindingRow",
    "FindingType",
    "MarkKind",
    "Order",
    "ResultRow",
    "ResultStore",
    "SavedCall",
    "SavedResult",
    "SetAsideInput",
    "Status",
    "StoreStats",
    "VerdictClass",
    "verdict_class",
]
