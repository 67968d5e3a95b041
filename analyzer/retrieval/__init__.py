"""Finding clauses for words: passages, query windows, a lexical index, and how scores join.

Works on texts and vectors, whoever holds them; :mod:`analyzer.policy_book` holds those of policies.
"""

from __future__ import annotations

from analyzer.retrieval.lexical import LexicalIndex
from analyzer.retrieval.passages import split_passages
from analyzer.retrieval.ranking import Found, Passages, rank_clauses
from analyzer.retrieval.windows import split_query

__all__ = [
    "Found",
    "LexicalIndex",
    "Passages",
    "rank_clauses",
    "split_passages",
    "split_query",
]
