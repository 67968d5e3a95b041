"""A promise beside every clause of an index: which of them decides?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from analyzer.engines.embedded.clause_index import ClauseIndex, IndexedClause
from analyzer.engines.embedded.pairs.comparisons import GIFT_WORDS, KINDS_OF_QUANTITY, of_kind
from analyzer.engines.embedded.pairs.promises import QUERY_NAMES, Promise, plain_words
from analyzer.language.quantities import Quantity
from analyzer.language.roles import same_role
from analyzer.language.tokens import content_words

Floats = NDArray[np.float32]

RANK_FEATURES = (
    *(f"cos:{q}" for q in QUERY_NAMES),
    *(f"z:{q}" for q in QUERY_NAMES),
    *(f"sentence:{q}" for q in QUERY_NAMES),
    *(f"words:{q}" for q in QUERY_NAMES),
    *(f"zwords:{q}" for q in QUERY_NAMES),
    "best_any", "title:quote", "title:around", "earlier",
    *(f"shared:{d}" for d in KINDS_OF_QUANTITY),
    *(f"agrees:{d}" for d in KINDS_OF_QUANTITY),
    *(f"near_agrees:{d}" for d in KINDS_OF_QUANTITY),
    "role_named", "caps", "caps_and_gift", "gift_words", "paper_words", "callback_words",
)  # fmt: skip

# Words of a promise about papers and about calling back, and the words (stemmed where the
# clause's are) of the clauses that govern them.
_PAPERS = frozenset(
    ("email", "e-mail", "copy", "receipt", "confirmation", "writing", "statement", "letter", "post",
     "summary", "reference", "document", "paper", "text", "send", "sent", "inbox")
)  # fmt: skip
_PAPER_CLAUSES = frozenset(
    ("receipt", "copy", "confirm", "confirmation", "paper", "statement", "writing", "mail",
     "letter", "email", "electronic", "document", "transcript")
)  # fmt: skip
_CALLBACK = frozenset(
    ("call", "ring", "phone", "contact", "touch", "hear", "back", "manager", "supervisor",
     "complaint")
)  # fmt: skip
_CALLBACK_CLAUSES = frozenset(
    ("call", "supervisor", "manager", "telephone", "complaint", "return", "escalat")
)
#: A bare number above this may be a sum or points that the clause names.
_LARGEST_COUNT = 20
_LEAST_SPREAD = 1e-6


def rank_features(promise: Promise, queries: Floats, index: ClauseIndex) -> Floats:
    """Compare a promise with every clause.

    Args:
        promise: The promise.
        queries: Vectors of its queries, ``(len(QUERY_NAMES), d)`` at least.
        index: The clauses.

    Returns:
        float32 ``(clauses, len(RANK_FEATURES))``.
    """
    columns = {
        **_likeness(promise, queries[: len(QUERY_NAMES)], index),
        **_titles(promise, index),
        **_quantities(promise, index),
        **_topics(promise, index),
    }
    return np.stack([columns[name] for name in RANK_FEATURES], axis=1).astype(np.float32)


def _flags(values: Iterable[bool]) -> Floats:
    return np.array(list(values), dtype=np.float32)


def _z(column: Floats) -> Floats:
    spread = float(column.std())
    scaled = (column - column.mean()) / (spread if spread > _LEAST_SPREAD else 1.0)
    return np.asarray(scaled, dtype=np.float32)


def _likeness(promise: Promise, queries: Floats, index: ClauseIndex) -> dict[str, Floats]:
    """Cosines with clauses and with their best sentences, and words shared, for each query."""
    dense = queries @ index.vectors.T
    by_sentence = queries @ index.sentence_vectors.T
    best = np.stack([by_sentence[:, item.rows].max(axis=1) for item in index.items], axis=1)
    columns = {"best_any": np.maximum(dense.max(axis=0), best.max(axis=0))}
    for row, (name, text) in enumerate(zip(QUERY_NAMES, promise.queries, strict=True)):
        lexical = index.lexical(text)
        columns[f"cos:{name}"], columns[f"z:{name}"] = dense[row], _z(dense[row])
        columns[f"sentence:{name}"] = best[row]
        columns[f"words:{name}"], columns[f"zwords:{name}"] = lexical, _z(lexical)
    return columns


def _titles(promise: Promise, index: ClauseIndex) -> dict[str, Floats]:
    """Shares of the clauses' title words that are said, and how early the clauses stand."""
    columns: dict[str, Floats] = {}
    for name, text in (("quote", promise.quote), ("around", promise.around)):
        said = set(content_words(text))
        columns[f"title:{name}"] = np.array(
            [len(i.title_words & said) / max(len(i.title_words), 1) for i in index.items],
            dtype=np.float32,
        )
    count = len(index.items)
    columns["earlier"] = np.arange(count, dtype=np.float32) / np.float32(max(count, 1))
    return columns


def _quantities(promise: Promise, index: ClauseIndex) -> dict[str, Floats]:
    """Which clauses name the kinds of quantity that the promise names, and which the same ones."""
    columns: dict[str, Floats] = {}
    for kind in KINDS_OF_QUANTITY:
        theirs = [of_kind(item.quantities, kind) for item in index.items]
        named = bool(of_kind(promise.quantities, kind))
        columns[f"shared:{kind}"] = _flags(named and bool(qs) for qs in theirs)
        for name, source in (
            ("agrees", promise.quantities),
            ("near_agrees", promise.context_quantities),
        ):
            mine = _candidates(source, kind)
            columns[f"{name}:{kind}"] = _flags(
                any(a.agrees_with(b) for a in mine for b in qs) for qs in theirs
            )
    return columns


def _candidates(quantities: tuple[Quantity, ...], kind: str) -> list[Quantity]:
    out = of_kind(quantities, kind)
    if kind in {"money", "points"}:
        out += [q for q in quantities if q.dimension == "number" and q.value > _LARGEST_COUNT]
    return out


def _topics(promise: Promise, index: ClauseIndex) -> dict[str, Floats]:
    """Roles and caps, and the few topics that a promise's own words give away."""
    said = set(plain_words(promise.quote))
    gift = bool(said & GIFT_WORDS) or promise.kind == "exception"
    caps = _flags(len({c.role for c in i.caps}) > 1 for i in index.items)
    return {
        "role_named": _flags(_names_position(i, promise.position) for i in index.items),
        "caps": caps,
        "caps_and_gift": caps * float(gift),
        "gift_words": _flags(gift and _has_any(i, GIFT_WORDS) for i in index.items),
        "paper_words": _flags(
            bool(said & _PAPERS) and _has_any(i, _PAPER_CLAUSES) for i in index.items
        ),
        "callback_words": _flags(
            bool(said & _CALLBACK) and _has_any(i, _CALLBACK_CLAUSES) for i in index.items
        ),
    }


def _has_any(item: IndexedClause, words: frozenset[str]) -> bool:
    return not words.isdisjoint(item.words)


def _names_position(item: IndexedClause, position: str | None) -> bool:
    return position is not None and any(
        same_role(role, position) for s in item.sentences for role in s.roles
    )
