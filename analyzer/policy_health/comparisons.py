"""What two sentences of two clauses have in common, and where they part, in numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Clause
from analyzer.embedders import Embedder
from analyzer.engines.embedded.clause_index import Sentence, split_clause
from analyzer.language.quantities import Quantity
from analyzer.language.tokens import content_words

Floats = NDArray[np.float32]

#: Dimensions of quantity that are amounts, and those that are times.
AMOUNTS = frozenset(("money", "percent", "points", "count"))
WINDOWS = frozenset(("duration", "business_duration", "clock"))
#: Words that take something away from the reader, and words that give it.
_FORBIDS = re.compile(
    r"\b(?:not|no|never|none|cannot|nobody|neither|nor|without|refus\w+|declin\w+|exclud\w+|"
    r"forfeit\w*|prohibit\w*|non-?\w+able|unable|lost|lapses?|only|void|\w+n't|ineligible|barred)\b",
    re.IGNORECASE,
)
_PERMITS = re.compile(
    r"\b(?:may|can|allow\w*|permit\w*|includ\w+|cover\w*|entitled|eligible|accept\w*|welcome|"
    r"refund\w*|free|always|any|every|all|receives?|gets?|keeps?|able)\b",
    re.IGNORECASE,
)
_FREE = re.compile(
    r"\b(?:free|no (?:extra |further |additional )?(?:charge|cost|fee|excess|deduction)s?|"
    r"(?:without|not) (?:a |any |extra |further |additional )?"
    r"(?:charged?|cost|fee|excess|deduction)s?|costs? (?:you |the customer )?nothing|"
    r"at (?:our|the company's) (?:expense|cost)|"
    r"included|waived|on the house|nothing (?:is |to )(?:charged|pay))\b",
    re.IGNORECASE,
)
_CHARGED = re.compile(
    r"\b(?:charge[ds]?|fees?|pays?|payable|cost[s]?|excess|rate|price[ds]?|bill(?:ed)?|deduct\w*)\b",
    re.IGNORECASE,
)
#: Words that set cases apart: where only one of two sentences has one, both may hold.
_CASES = re.compile(
    r"\b(?:except\w*|unless|instead|additional|other than|apart from|before|after|during|abroad|"
    r"gold|silver|platinum|premium|basic|standard|business|student|senior|child(?:ren)?|express|"
    r"first|second|new|existing|online|in store|by phone|minimum|at least|international|domestic|"
    r"faulty|damaged|used|opened|sale|cancelled|late|early|where|if)\b",
    re.IGNORECASE,
)
#: What a window counts from: the noun after it.
_ANCHOR = re.compile(
    r"\b(?:of|from|after|since|following|before|until)\s+(?:the\s+|its\s+|their\s+|your\s+|a\s+|"
    r"day\s+|date\s+|on\s+|which\s+|of\s+|end\s+|start\s+|it\s+|was\s+|he\s+|we\s+|you\s+)*(\w{4,})",
    re.IGNORECASE,
)
_ANCHOR_REACH = 60
_MOST_SENTENCES = 64

#: What the trained head is given of two sentences, in order.
PAIR_FEATURES = (
    "clauses alike", "sentences alike", "alike but for quantities", "words shared",
    "amounts differ", "amounts agree", "windows differ", "windows agree", "other kind of day",
    "anchors differ", "counts differ", "free against a sum", "free against charged",
    "forbids against permits", "negation differs", "cases differ", "quantities on one side",
    "amounts differ, alike", "windows differ, alike", "free, alike", "forbids, alike",
    "titles alike", "anchors agree",
)  # fmt: skip


@dataclass(frozen=True)
class ReadClause:
    """A clause taken apart for comparison.

    Attributes:
        clause: The clause.
        sentences: Its sentences and table rows.
        vectors: Their vectors, each read with the clause's title, ``(n, d)``.
        masked: The same with the quantities left out, ``(n, d)``.
        title: The title's vector, ``(d,)``.
        words: The content words of each.
    """

    clause: Clause
    sentences: tuple[Sentence, ...]
    vectors: Floats
    masked: Floats
    title: Floats
    words: tuple[frozenset[str], ...]


def read_clause(clause: Clause, embedder: Embedder) -> ReadClause:
    """Take a clause apart; its texts are embedded one by one, so that no other clause counts."""
    sentences = split_clause(clause)
    texts = [f"{clause.title}. {s.text}" for s in sentences]
    masked = [f"{clause.title}. {_without_quantities(s)}" for s in sentences]
    rows = np.concatenate([embedder.embed([t]) for t in (*texts, *masked, clause.title or "-")])
    n = len(sentences)
    words = tuple(frozenset(content_words(f"{clause.title} {s.text}")) for s in sentences)
    return ReadClause(clause, sentences, rows[:n], rows[n : 2 * n], rows[2 * n], words)


def _without_quantities(sentence: Sentence) -> str:
    out, at = [], 0
    for quantity in sentence.quantities:
        start, end = quantity.start, quantity.end
        if start >= at:
            out += [
                sentence.text[at:start],
                "so much" if quantity.dimension in AMOUNTS else "so long",
            ]
            at = end
    return "".join((*out, sentence.text[at:]))


def compare_clauses(
    one: ReadClause, other: ReadClause, alike: float
) -> tuple[Floats, list[tuple[int, int]]]:
    """The features of every two sentences of two clauses.

    Args:
        one: A clause.
        other: The other clause.
        alike: Likeness of the two.

    Returns:
        ``(n, len(PAIR_FEATURES))``, n >= 1, and for each row which sentences it is of: the
        nearest, at most 64.
    """
    near = np.maximum(one.vectors @ other.vectors.T, one.masked @ other.masked.T)
    order = np.argsort(-near, axis=None, kind="stable")[:_MOST_SENTENCES]
    places = [(int(i) // near.shape[1], int(i) % near.shape[1]) for i in order]
    rows = [compare_sentences(one, row, other, column, alike) for row, column in places]
    return np.stack(rows), places


def compare_sentences(
    one: ReadClause, row: int, other: ReadClause, column: int, alike: float
) -> Floats:
    """The features of two sentences, ``(len(PAIR_FEATURES),)``.

    Args:
        one: A clause.
        row: Its sentence.
        other: The other clause.
        column: Its sentence.
        alike: Likeness of the two clauses.
    """
    a, b = one.sentences[row], other.sentences[column]
    likeness = float(one.vectors[row] @ other.vectors[column])
    bare = float(one.masked[row] @ other.masked[column])
    mine, theirs = one.words[row], other.words[column]
    shared = len(mine & theirs) / max(min(len(mine), len(theirs)), 1)
    amounts = _agreement(a.quantities, b.quantities, AMOUNTS)
    windows = _agreement(a.quantities, b.quantities, WINDOWS)
    counts = _agreement(a.quantities, b.quantities, frozenset(("count",)))
    anchors = _anchors(a), _anchors(b)
    has_sum = tuple(
        any(q.dimension == "money" and q.value > 0 for q in s.quantities) for s in (a, b)
    )
    free = tuple(bool(_FREE.search(s.text)) for s in (a, b))
    charged = tuple(bool(_CHARGED.search(_FREE.sub("", s.text))) for s in (a, b))
    forbids = tuple(bool(_FORBIDS.search(_FREE.sub("", s.text))) for s in (a, b))
    permits = tuple(bool(_PERMITS.search(s.text)) for s in (a, b))
    negated = forbids[0] != forbids[1]
    against = (forbids[0] and permits[1] and not forbids[1]) or (
        forbids[1] and permits[0] and not forbids[0]
    )
    free_sum = (free[0] and has_sum[1] and not free[1]) or (free[1] and has_sum[0] and not free[0])
    free_charged = (free[0] and charged[1] and not free[1]) or (
        free[1] and charged[0] and not free[0]
    )
    cases = _cases(a.text) ^ _cases(b.text)
    n_a, n_b = (sum(q.unit != "bare" for q in s.quantities) for s in (a, b))
    values = (
        alike, likeness, bare, shared,
        amounts < 0, amounts > 0, windows < 0, windows > 0,
        _other_days(a.quantities, b.quantities),
        bool(anchors[0] and anchors[1] and not anchors[0] & anchors[1]),
        counts < 0, free_sum, free_charged, against, negated,
        min(len(cases), 4) / 4, bool(n_a) != bool(n_b),
        (amounts < 0) * bare, (windows < 0) * bare, (free_sum or free_charged) * bare,
        against * bare, float(one.title @ other.title), bool(anchors[0] & anchors[1]),
    )  # fmt: skip
    return np.array(values, dtype=np.float32)


def _agreement(one: Sequence[Quantity], other: Sequence[Quantity], kinds: frozenset[str]) -> int:
    """1 where each quantity of the shorter side has its like, -1 where one has none, 0 for none."""
    mine = [q for q in one if q.dimension in kinds and q.unit != "bare"]
    theirs = [q for q in other if q.dimension in kinds and q.unit != "bare"]
    if len(mine) > len(theirs):
        mine, theirs = theirs, mine
    told = [
        [
            q
            for q in theirs
            if q.dimension == p.dimension and (p.dimension != "count" or p.unit == q.unit)
        ]
        for p in mine
    ]
    compared = [(p, qs) for p, qs in zip(mine, told, strict=True) if qs]
    if not compared:
        return 0
    return 1 if all(any(p.agrees_with(q) for q in qs) for p, qs in compared) else -1


def _other_days(one: Sequence[Quantity], other: Sequence[Quantity]) -> bool:
    """Whether one names business days and the other calendar days of a like number."""
    kinds = {"duration", "business_duration"}
    return any(
        {p.dimension, q.dimension} == kinds and "bare" not in {p.unit, q.unit}
        for p in one
        for q in other
    )


def _anchors(sentence: Sentence) -> frozenset[str]:
    out: set[str] = set()
    for q in sentence.quantities:
        if q.dimension in {"duration", "business_duration"} and q.unit != "bare":
            found = _ANCHOR.match(sentence.text[q.end : q.end + _ANCHOR_REACH].lstrip(" ,"))
            if found:
                out.add(found.group(1).lower()[:5])
    return frozenset(out)


def _cases(text: str) -> frozenset[str]:
    return frozenset(m.group().lower() for m in _CASES.finditer(text))
