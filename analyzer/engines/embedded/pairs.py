"""A promise beside each clause: what can be compared, as numbers.

The ranker chooses the decisive clause from these, the judge the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Call
from analyzer.engines.embedded.arithmetic import (
    WorkedOut,
    check_days,
    check_sum,
    context_quantities,
)
from analyzer.engines.embedded.clause_index import ClauseIndex, IndexedClause, Sentence
from analyzer.language.cues import CUE_NAMES, cue_vector
from analyzer.language.quantities import Quantity, find_quantities
from analyzer.language.roles import Cap, find_roles, same_role
from analyzer.language.tokens import content_words

Floats = NDArray[np.float32]

_KINDS_OF_QUANTITY = ("money", "percent", "duration", "clock", "points", "count")
_QUERIES = ("quote", "asked", "turn", "around")
#: What is asked of the encoder for each promise, beside the quote's own segments.
QUERY_NAMES = _QUERIES

RANK_FEATURES = (
    *(f"cos:{q}" for q in _QUERIES),
    *(f"z:{q}" for q in _QUERIES),
    *(f"sentence:{q}" for q in _QUERIES),
    *(f"words:{q}" for q in _QUERIES),
    *(f"zwords:{q}" for q in _QUERIES),
    "best_any", "title:quote", "title:around", "earlier",
    *(f"shared:{d}" for d in _KINDS_OF_QUANTITY),
    *(f"agrees:{d}" for d in _KINDS_OF_QUANTITY),
    *(f"near_agrees:{d}" for d in _KINDS_OF_QUANTITY),
    "role_named", "caps", "caps_and_gift", "gift_words", "paper_words", "callback_words",
)  # fmt: skip

_PAPERS = frozenset(
    {
        "email",
        "e-mail",
        "copy",
        "receipt",
        "confirmation",
        "writing",
        "statement",
        "letter",
        "post",
        "summary",
        "reference",
        "document",
        "paper",
        "text",
        "send",
        "sent",
        "inbox",
    }
)
_CALLBACK = frozenset(
    {
        "call",
        "ring",
        "phone",
        "contact",
        "touch",
        "hear",
        "back",
        "manager",
        "supervisor",
        "complaint",
    }
)
_GIFT = frozenset(
    {
        "credit",
        "goodwill",
        "gesture",
        "waive",
        "waived",
        "off",
        "compensation",
        "refund",
        "discount",
        "knock",
        "free",
        "voucher",
        "remit",
        "remitted",
        "forgive",
        "forgiven",
        "allowance",
        "gratuity",
        "courtesy",
    }
)


@dataclass(frozen=True)
class Promise:
    """A mark with the words around it, before it has a verdict.

    Attributes:
        call: Its call.
        turn: Its turn.
        quote: Its words.
        kind: promise, assurance or exception.
        strength: firm, conditional or hedged.
        asked: What the customer said last before it.
        answer: What the customer said next after it.
        around: The turns before it and its own, as one text.
        quantities: What the quote names.
        context_quantities: What the turn and the two turns before it name.
        position: The agent's position, or None.
    """

    call: Call
    turn: int
    quote: str
    kind: str
    strength: str
    asked: str
    answer: str
    around: str
    quantities: tuple[Quantity, ...]
    context_quantities: tuple[Quantity, ...]
    position: str | None

    @property
    def queries(self) -> tuple[str, ...]:
        """The texts that are embedded for it, in the order of :data:`QUERY_NAMES`."""
        own = self.call.turns[self.turn].text
        return (self.quote, f"{self.asked} {self.quote}".strip(), own, self.around)


def describe_promise(call: Call, turn: int, quote: str, kind: str, strength: str) -> Promise:
    """Gather what the words around a mark say."""
    before = [t for t in call.turns[:turn] if t.role == "customer"]
    asked = before[-1].text if before else ""
    earlier_agent = [t.text for t in call.turns[:turn] if t.role == "agent"][-1:]
    own = call.turns[turn].text
    pieces = [*(t.text for t in before[-2:-1]), *earlier_agent, asked, own]
    around = " ".join(p for p in pieces if p)
    near = " ".join(t.text for t in call.turns[max(0, turn - 3) : turn + 2] if t.role != "system")
    after = next((t.text for t in call.turns[turn + 1 :] if t.role == "customer"), "")
    return Promise(
        call, turn, quote, kind, strength, asked, after, around,
        find_quantities(quote), find_quantities(near), call.turns[turn].position,
    )  # fmt: skip


def dimension_of(quantity: Quantity) -> str:
    """The kind of quantity as compared: business days are durations."""
    return "duration" if quantity.dimension == "business_duration" else quantity.dimension


def comparable(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities measure the same thing."""
    a, b = dimension_of(one), dimension_of(other)
    if "number" in {a, b}:
        # "five sixty" may be a sum; a bare number is compared with sums and points only.
        return {a, b} <= {"number", "money", "points"}
    if a == "count" and b == "count":
        return one.unit == other.unit
    return a == b


def _split(quantities: tuple[Quantity, ...], dimension: str) -> list[Quantity]:
    return [q for q in quantities if dimension_of(q) == dimension and q.unit != "bare"]


def _overlap(words: frozenset[str], text_words: set[str]) -> float:
    return len(words & text_words) / len(words) if words else 0.0


def _z(column: Floats) -> Floats:
    spread = float(column.std())
    return ((column - column.mean()) / (spread if spread > 1e-6 else 1.0)).astype(np.float32)  # noqa: PLR2004


def rank_features(promise: Promise, queries: Floats, index: ClauseIndex) -> Floats:
    """Compare a promise with every clause.

    Args:
        promise: The promise.
        queries: Vectors of its queries, ``(len(QUERY_NAMES), d)`` at least.
        index: The clauses.

    Returns:
        float32 ``(clauses, len(RANK_FEATURES))``.
    """
    n = len(index.items)
    queries = queries[: len(QUERY_NAMES)]
    dense = queries @ index.vectors.T
    by_sentence = queries @ index.sentence_vectors.T
    best = np.stack([by_sentence[:, item.rows].max(axis=1) for item in index.items], axis=1)
    texts = promise.queries
    lexical = np.stack([index.lexical(t) for t in texts])
    quote_words, around_words = (
        set(content_words(promise.quote)),
        set(content_words(promise.around)),
    )
    quote_low = set(content_of(promise.quote))
    gift = bool(quote_low & _GIFT) or promise.kind == "exception"
    paper, callback = bool(quote_low & _PAPERS), bool(quote_low & _CALLBACK)
    columns: list[Floats] = [
        *dense,
        *(_z(row) for row in dense),
        *best,
        *lexical,
        *(_z(row) for row in lexical),
    ]
    columns.append(np.maximum(dense.max(axis=0), best.max(axis=0)))
    columns.append(
        np.array([_overlap(i.title_words, quote_words) for i in index.items], dtype=np.float32)
    )
    columns.append(
        np.array([_overlap(i.title_words, around_words) for i in index.items], dtype=np.float32)
    )
    columns.append(np.arange(n, dtype=np.float32) / max(n, 1))
    for dimension in _KINDS_OF_QUANTITY:
        mine = _split(promise.quantities, dimension)
        columns.append(
            np.array(
                [bool(mine) and bool(_split(i.quantities, dimension)) for i in index.items],
                dtype=np.float32,
            )
        )
    for source in (promise.quantities, promise.context_quantities):
        for dimension in _KINDS_OF_QUANTITY:
            mine = [q for q in source if dimension_of(q) == dimension and q.unit != "bare"]
            if dimension in {"money", "points"}:
                mine += [q for q in source if q.dimension == "number" and q.value > 20]  # noqa: PLR2004
            columns.append(
                np.array(
                    [
                        any(a.agrees_with(b) for a in mine for b in _split(i.quantities, dimension))
                        for i in index.items
                    ],
                    dtype=np.float32,
                )
            )
    columns.append(
        np.array(
            [
                any(same_role(r, promise.position) for s in i.sentences for r in s.roles)
                if promise.position
                else False
                for i in index.items
            ],
            dtype=np.float32,
        )
    )
    caps = np.array([len({c.role for c in i.caps}) >= 2 for i in index.items], dtype=np.float32)  # noqa: PLR2004
    columns.append(caps)
    columns.append(caps * float(gift))
    columns.append(
        np.array([gift and bool(_GIFT & i.words.keys()) for i in index.items], dtype=np.float32)
    )
    columns.append(
        np.array(
            [
                paper
                and bool(
                    {
                        "receipt",
                        "copy",
                        "confirm",
                        "confirmation",
                        "paper",
                        "statement",
                        "writing",
                        "mail",
                        "letter",
                        "email",
                        "electronic",
                        "document",
                        "transcript",
                    }
                    & i.words.keys()
                )
                for i in index.items
            ],
            dtype=np.float32,
        )
    )
    columns.append(
        np.array(
            [
                callback
                and bool(
                    {"call", "supervisor", "manager", "telephone", "complaint", "return", "escalat"}
                    & i.words.keys()
                )
                for i in index.items
            ],
            dtype=np.float32,
        )
    )
    return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Comparison:
    """One quantity of a promise beside one of a clause.

    ``relation`` is ``equal``, ``more`` or ``less``: what is promised against what the clause has.
    """

    promised: Quantity
    allowed: Quantity
    relation: str
    sentence: Sentence


def compare(promise: Promise, item: IndexedClause, relevance: Floats) -> list[Comparison]:
    """Set each quantity of the quote beside the one of the clause that it is best compared with.

    An equal one anywhere in the clause wins; else the one in the sentence nearest in meaning.

    Args:
        promise: The promise.
        item: The clause.
        relevance: For each sentence of the clause its likeness to the promise.

    Returns:
        One comparison for each quantity that has a counterpart, in the order of the quote.
    """
    out: list[Comparison] = []
    for mine in promise.quantities:
        if mine.unit == "bare":
            continue
        best: tuple[tuple[bool, float], Comparison] | None = None
        for sentence, likeness in zip(item.sentences, relevance, strict=True):
            for theirs in sentence.quantities:
                if theirs.unit == "bare" or not comparable(mine, theirs):
                    continue
                equal = mine.agrees_with(theirs)
                relation = "equal" if equal else "more" if mine.value > theirs.value else "less"
                key = (equal, float(likeness))
                if best is None or key > best[0]:
                    best = (key, Comparison(mine, theirs, relation, sentence))
        if best:
            out.append(best[1])
    return out


def cap_for(promise: Promise, item: IndexedClause) -> list[Cap]:
    """The caps of the clause that are for the agent's own position."""
    if promise.position is None:
        return []
    position = promise.position
    exact = [c for c in item.caps if c.role == position.lower()]
    return exact or [c for c in item.caps if same_role(c.role, position)]


def reserved_to_others(promise: Promise, item: IndexedClause) -> list[str]:
    """Roles that the clause reserves something to, if the agent's own is not among them."""
    named = [r for s in item.sentences for r in s.roles if r not in {"staff", "team", "office"}]
    if promise.position and any(same_role(r, promise.position) for r in named):
        return []
    return list(dict.fromkeys(named))


JUDGE_FEATURES = (
    *(f"quote:{c}" for c in CUE_NAMES),
    *(f"sentence:{c}" for c in CUE_NAMES),
    *(f"clause:{c}" for c in CUE_NAMES),
    *(f"asked:{c}" for c in CUE_NAMES),
    "promise", "assurance", "exception", "conditional",
    "relevance", "margin", "cosine", "best_cosine", "words", "entropy",
    *(f"{r}:{d}" for r in ("equal", "more", "less") for d in _KINDS_OF_QUANTITY),
    "any_equal", "any_unequal", "unequal_without_equal", "near_equal", "names_quantity",
    "cap_known", "over_cap", "cap_nothing", "under_cap", "reserved_to_others", "own_role_named",
    "clause_negates_quote_affirms", "quote_waives_requirement", "needs_paper", "needs_paper_waived",
    "strict_clause", "free_vs_charge", "role_missing", "short_quote", "gift_money",
    "promise_over_reserved", "money_over_any_cap", "late_vs_window", "quote_all", "quote_automatic",
    "second_equal", "second_reserved", "authority_conflict", "authority_relevance",
    "day:agrees", "day:differs", "sum:agrees", "sum:differs",
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """What a promise's comparison with its decisive clause found, for features and for reasons."""

    comparisons: tuple[Comparison, ...]
    sentence: Sentence
    own_caps: tuple[Cap, ...]
    over_cap: Cap | None
    within_cap: Cap | None
    reserved: tuple[str, ...]
    day: WorkedOut | None = None
    sum: WorkedOut | None = None


def content_of(text: str) -> list[str]:
    """Lower-case words of a text, punctuation stripped."""
    return [w.strip(".,;:!?\"'") for w in text.lower().split()]


def _money_like(promise: Promise) -> list[Quantity]:
    return [
        q
        for q in promise.quantities
        if q.dimension == "money" or (q.dimension == "number" and q.value > 9)
    ]


def _over(promise: Promise, caps: list[Cap]) -> Cap | None:
    """The cap that the promise exceeds, if it gives money or points beyond each of its role's."""
    found = _against_cap(promise, caps)
    return found[0] if found and found[1] else None


def _against_cap(promise: Promise, caps: list[Cap]) -> tuple[Cap, bool] | None:
    """The largest cap of the role for what is given, and whether the promise lies beyond it."""
    sums = _money_like(promise) or [
        q
        for q in promise.context_quantities
        if q.dimension == "money" and promise.kind == "exception"
    ]
    points = [q for q in promise.quantities if q.dimension == "points"]
    for mine, kind in ((sums, "money"), (points, "points")):
        limits = [
            (cap, q) for cap in caps for q in cap.limits
            if q.dimension == kind or (kind == "points" and q.dimension == "number" and "point" in cap.about.lower())
        ]  # fmt: skip
        if not mine or not limits:
            continue
        largest = max(limits, key=lambda pair: pair[1].value)
        # Every reading has to lie above it: "eleven fifty" may be 11.50.
        return largest[0], min(mine[0].readings) > largest[1].value
    return None


def judge_pair(promise: Promise, item: IndexedClause, likeness: Floats) -> Judged:
    """Compare a promise with one clause in full.

    Args:
        promise: The promise.
        item: The clause.
        likeness: For each of its sentences, the best likeness to the promise's queries.
    """
    comparisons = compare(promise, item, likeness)
    nearest = item.sentences[int(np.argmax(likeness))]
    equal = next((c.sentence for c in comparisons if c.relation == "equal"), None)
    caps = cap_for(promise, item)
    held = _against_cap(promise, caps)
    gives = promise.kind != "assurance" and bool(_GIFT & set(content_of(promise.quote)))
    sums = [q for q in promise.quantities if q.dimension == "money"]
    return Judged(
        tuple(comparisons), equal or nearest, tuple(caps),
        held[0] if held and held[1] else None, held[0] if held and not held[1] and gives else None,
        tuple(reserved_to_others(promise, item)),
        check_days(promise.quote, promise.call, promise.turn, list(item.quantities)),
        check_sum(sums[0], list(item.quantities), context_quantities(promise.call, promise.turn)) if sums else None,
    )  # fmt: skip


_PAPER_NEED = (
    "proof",
    "certificate",
    "letter",
    "note",
    "form",
    "written",
    "writing",
    "signed",
    "document",
    "receipt",
    "statement",
    "evidence",
    "photograph",
    "identification",
    "notice",
)
_WAIVES = (
    "don't need",
    "no need",
    "needn't",
    "don't have to",
    "not need",
    "won't need",
    "without",
    "no rush",
    "whenever",
    "skip",
    "don't worry",
    "never mind",
    "toss",
    "forget",
    "do not need",
    "nothing from you",
    "no paperwork",
    "automatic",
)


def judge_features(
    promise: Promise,
    features: Floats,
    relevance: Floats,
    index: ClauseIndex,
    by_sentence: Floats,
    order: list[int],
) -> tuple[list[float], Judged]:
    """The features of a verdict, for the clause that ranks first.

    Args:
        promise: The promise.
        features: Its rank features for all clauses.
        relevance: The ranker's probability of each clause, ``(clauses,)``.
        index: The clauses.
        by_sentence: Likeness of the promise to each sentence of the index, ``(sentences,)``.
        order: Clauses by relevance, best first.

    Returns:
        Numbers in the order of :data:`JUDGE_FEATURES`, and what they rest on.
    """
    top = order[0]
    item = index.items[top]
    judged = judge_pair(promise, item, by_sentence[item.rows])
    quote = promise.quote.lower()
    q_cues, s_cues = cue_vector(promise.quote), judged.sentence.cues
    cue = dict(zip(CUE_NAMES, q_cues, strict=True))
    clause_cue = dict(zip(CUE_NAMES, item.cues, strict=True))
    sentence_cue = dict(zip(CUE_NAMES, s_cues, strict=True))
    relations = {
        (c.relation, dimension_of(c.promised) if dimension_of(c.promised) != "number" else "money")
        for c in judged.comparisons
    }
    equal = any(c.relation == "equal" for c in judged.comparisons)
    unequal = any(c.relation != "equal" for c in judged.comparisons)
    second = index.items[order[1]] if len(order) > 1 else item
    second_judged = judge_pair(promise, second, by_sentence[second.rows])
    needs_paper = any(w in item.words or w in item.clause.text.lower() for w in _PAPER_NEED)
    waives = any(w in quote for w in _WAIVES)
    gives = cue["give"] or promise.kind == "exception"
    authority = [
        (relevance[i], index.items[i])
        for i in order[:6]
        if len({c.role for c in index.items[i].caps}) > 1
    ]
    over_elsewhere = any(_over(promise, cap_for(promise, other)) for _, other in authority)
    late = [
        c for c in judged.comparisons
        if dimension_of(c.promised) == "duration" and c.relation == "more"
    ]  # fmt: skip
    own_role = bool(promise.position) and any(
        same_role(r, promise.position or "") for r in find_roles(item.clause.text)
    )
    column = {name: i for i, name in enumerate(RANK_FEATURES)}
    row = features[top]
    spread = -float((relevance * np.log(np.maximum(relevance, 1e-9))).sum())
    values = [
        *q_cues, *s_cues, *item.cues, *cue_vector(promise.asked),
        float(promise.kind == "promise"), float(promise.kind == "assurance"), float(promise.kind == "exception"),
        float(promise.strength == "conditional"),
        float(relevance[top]), float(relevance[top] - relevance[order[1]]) if len(order) > 1 else 1.0,
        float(row[column["cos:around"]]), float(row[column["best_any"]]), float(row[column["words:asked"]]), spread,
        *(float((r, d) in relations) for r in ("equal", "more", "less") for d in _KINDS_OF_QUANTITY),
        float(equal), float(unequal), float(unequal and not equal),
        float(any(row[column[f"near_agrees:{d}"]] for d in _KINDS_OF_QUANTITY)), float(bool(promise.quantities)),
        float(bool(judged.own_caps)), float(judged.over_cap is not None),
        float(any(c.nothing for c in judged.own_caps)), float(bool(judged.own_caps) and judged.over_cap is None and gives),
        float(bool(judged.reserved)), float(own_role),
        float(sentence_cue["negation"] and not cue["negation"]), float(waives and sentence_cue["condition"]),
        float(needs_paper), float(needs_paper and waives),
        float(clause_cue["restrict"] and cue["all_of"]), float("charge" in item.words and ("free" in quote or "no charge" in quote or "nothing to pay" in quote)),
        float(promise.position is None), float(len(quote.split()) <= 4), float(bool(gives and _money_like(promise))),  # noqa: PLR2004
        float(promise.kind != "assurance" and bool(judged.reserved)),
        float(over_elsewhere), float(bool(late)), float(cue["all_of"]), float(cue["automatic"]),
        float(any(c.relation == "equal" for c in second_judged.comparisons)), float(bool(second_judged.reserved)),
        float(over_elsewhere and gives), float(max((r for r, _ in authority), default=0.0)),
        *(float(found is not None and found.agrees == wanted) for found in (judged.day, judged.sum) for wanted in (True, False)),
    ]  # fmt: skip
    return values, judged
