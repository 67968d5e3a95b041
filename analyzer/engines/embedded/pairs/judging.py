"""A promise beside its decisive clause: what speaks for which verdict?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.engines.embedded.clause_index import ClauseIndex, IndexedClause
from analyzer.engines.embedded.pairs.comparisons import (
    KINDS_OF_QUANTITY,
    Judged,
    cap_for,
    dimension_of,
    exceeded_cap,
    judge_pair,
    names_own_role,
    sums_of,
)
from analyzer.engines.embedded.pairs.promises import Promise
from analyzer.engines.embedded.pairs.ranking import RANK_FEATURES
from analyzer.language.cues import CUE_NAMES, cue_vector

Floats = NDArray[np.float32]

_RELATIONS = ("equal", "more", "less")
JUDGE_FEATURES = (
    *(f"quote:{c}" for c in CUE_NAMES),
    *(f"sentence:{c}" for c in CUE_NAMES),
    *(f"clause:{c}" for c in CUE_NAMES),
    *(f"asked:{c}" for c in CUE_NAMES),
    "promise", "assurance", "exception", "conditional",
    "relevance", "margin", "cosine", "best_cosine", "words", "entropy",
    *(f"{r}:{d}" for r in _RELATIONS for d in KINDS_OF_QUANTITY),
    "any_equal", "any_unequal", "unequal_without_equal", "near_equal", "names_quantity",
    "cap_known", "over_cap", "cap_nothing", "under_cap", "reserved_to_others", "own_role_named",
    "clause_negates_quote_affirms", "quote_waives_requirement", "needs_paper", "needs_paper_waived",
    "strict_clause", "free_vs_charge", "role_missing", "short_quote", "gift_money",
    "promise_over_reserved", "money_over_any_cap", "late_vs_window", "quote_all", "quote_automatic",
    "second_equal", "second_reserved", "authority_conflict", "authority_relevance",
    "day:agrees", "day:differs", "sum:agrees", "sum:differs",
)  # fmt: skip

_RANK_COLUMN = {name: column for column, name in enumerate(RANK_FEATURES)}
_PAPER_NEED = (
    "proof", "certificate", "letter", "note", "form", "written", "writing", "signed", "document",
    "receipt", "statement", "evidence", "photograph", "identification", "notice",
)  # fmt: skip
_WAIVES = (
    "don't need", "no need", "needn't", "don't have to", "not need", "won't need", "without",
    "no rush", "whenever", "skip", "don't worry", "never mind", "toss", "forget", "do not need",
    "nothing from you", "no paperwork", "automatic",
)  # fmt: skip
_FREE = ("free", "no charge", "nothing to pay")
_SHORT = 4
#: So many of the best clauses are searched for who may grant what.
_AUTHORITY_AMONG = 6


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
    item = index.items[order[0]]
    second = index.items[order[1]] if len(order) > 1 else item
    judged = judge_pair(promise, item, by_sentence[item.rows])
    second_judged = judge_pair(promise, second, by_sentence[second.rows])
    values = {
        **_cues(promise, item, judged),
        **_ranking(features[order[0]], relevance, order),
        **_quantities(promise, judged, features[order[0]]),
        **_authority(promise, judged, item),
        **_elsewhere(promise, relevance, index, order),
        **_wording(promise, judged, item),
        "second_equal": any(c.relation == "equal" for c in second_judged.comparisons),
        "second_reserved": bool(second_judged.reserved),
    }
    return [float(values[name]) for name in JUDGE_FEATURES], judged


def _named(values: tuple[float, ...]) -> dict[str, float]:
    return dict(zip(CUE_NAMES, values, strict=True))


def _gives(promise: Promise) -> bool:
    return bool(_named(cue_vector(promise.quote))["give"]) or promise.kind == "exception"


def _cues(promise: Promise, item: IndexedClause, judged: Judged) -> dict[str, float]:
    """How the promise, the sentence, the clause and the customer's words are put; its kind."""
    sources = {
        "quote": cue_vector(promise.quote),
        "sentence": judged.sentence.cues,
        "clause": item.cues,
        "asked": cue_vector(promise.asked),
    }
    return {
        **{f"{source}:{c}": v for source, cues in sources.items() for c, v in _named(cues).items()},
        **{kind: promise.kind == kind for kind in ("promise", "assurance", "exception")},
        "conditional": promise.strength == "conditional",
    }


def _ranking(row: Floats, relevance: Floats, order: list[int]) -> dict[str, float]:
    """How sure the ranker is of the clause."""
    top = order[0]
    return {
        "relevance": relevance[top],
        "margin": relevance[top] - relevance[order[1]] if len(order) > 1 else 1.0,
        "cosine": row[_RANK_COLUMN["cos:around"]],
        "best_cosine": row[_RANK_COLUMN["best_any"]],
        "words": row[_RANK_COLUMN["words:asked"]],
        "entropy": -float((relevance * np.log(np.maximum(relevance, 1e-9))).sum()),
    }


def _quantities(promise: Promise, judged: Judged, row: Floats) -> dict[str, float]:
    """Whether what is promised is as much as the clause has, or more, or less."""
    relations = set()
    for comparison in judged.comparisons:
        kind = dimension_of(comparison.promised)
        relations.add((comparison.relation, "money" if kind == "number" else kind))
    equal = any(c.relation == "equal" for c in judged.comparisons)
    unequal = any(c.relation != "equal" for c in judged.comparisons)
    return {
        **{f"{r}:{d}": (r, d) in relations for r in _RELATIONS for d in KINDS_OF_QUANTITY},
        "any_equal": equal,
        "any_unequal": unequal,
        "unequal_without_equal": unequal and not equal,
        "near_equal": any(row[_RANK_COLUMN[f"near_agrees:{d}"]] for d in KINDS_OF_QUANTITY),
        "names_quantity": bool(promise.quantities),
        "late_vs_window": any(
            dimension_of(c.promised) == "duration" and c.relation == "more"
            for c in judged.comparisons
        ),
        "day:agrees": judged.day is not None and judged.day.agrees,
        "day:differs": judged.day is not None and not judged.day.agrees,
        "sum:agrees": judged.sum is not None and judged.sum.agrees,
        "sum:differs": judged.sum is not None and not judged.sum.agrees,
    }


def _authority(promise: Promise, judged: Judged, item: IndexedClause) -> dict[str, float]:
    """Whether the clause lets an agent of this position grant it."""
    reserved, gives = bool(judged.reserved), _gives(promise)
    return {
        "cap_known": bool(judged.own_caps),
        "over_cap": judged.over_cap is not None,
        "cap_nothing": any(c.nothing for c in judged.own_caps),
        "under_cap": bool(judged.own_caps) and judged.over_cap is None and gives,
        "reserved_to_others": reserved,
        "own_role_named": names_own_role(promise, item),
        "role_missing": promise.position is None,
        "gift_money": gives and bool(sums_of(promise)),
        "promise_over_reserved": promise.kind != "assurance" and reserved,
    }


def _elsewhere(
    promise: Promise, relevance: Floats, index: ClauseIndex, order: list[int]
) -> dict[str, float]:
    """Whether a clause that ranks near says who may grant how much, and whether this is more."""
    authority = [
        i for i in order[:_AUTHORITY_AMONG] if len({c.role for c in index.items[i].caps}) > 1
    ]
    over = any(exceeded_cap(promise, cap_for(promise, index.items[i])) for i in authority)
    return {
        "money_over_any_cap": over,
        "authority_conflict": over and _gives(promise),
        "authority_relevance": max((float(relevance[i]) for i in authority), default=0.0),
    }


def _wording(promise: Promise, judged: Judged, item: IndexedClause) -> dict[str, float]:
    """Words of the promise that go against words of the clause."""
    quote = promise.quote.lower()
    cue, sentence = _named(cue_vector(promise.quote)), _named(judged.sentence.cues)
    waives = any(w in quote for w in _WAIVES)
    needs_paper = any(w in item.words or w in item.clause.text.lower() for w in _PAPER_NEED)
    return {
        "clause_negates_quote_affirms": bool(sentence["negation"]) and not cue["negation"],
        "quote_waives_requirement": waives and sentence["condition"],
        "needs_paper": needs_paper,
        "needs_paper_waived": needs_paper and waives,
        "strict_clause": _named(item.cues)["restrict"] and cue["all_of"],
        "free_vs_charge": "charge" in item.words and any(w in quote for w in _FREE),
        "short_quote": len(quote.split()) <= _SHORT,
        "quote_all": cue["all_of"],
        "quote_automatic": cue["automatic"],
    }
