"""What a promise and one clause have in common: quantities, caps, roles, days, sums."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analyzer.engines.embedded.arithmetic import (
    WorkedOut,
    check_days,
    check_sum,
    context_quantities,
)
from analyzer.engines.embedded.clause_index import IndexedClause, Sentence
from analyzer.engines.embedded.pairs.promises import Promise, plain_words
from analyzer.language.quantities import Quantity
from analyzer.language.roles import Cap, same_role

Floats = NDArray[np.float32]

#: The kinds of quantity that features tell apart; business days are durations.
KINDS_OF_QUANTITY = ("money", "percent", "duration", "clock", "points", "count")
#: Words of a promise that give something away.
GIFT_WORDS = frozenset(
    ("credit", "goodwill", "gesture", "waive", "waived", "off", "compensation", "refund",
     "discount", "knock", "free", "voucher", "remit", "remitted", "forgive", "forgiven",
     "allowance", "gratuity", "courtesy")
)  # fmt: skip
#: Words that say outright that something is given beyond what is owed.
_GOODWILL_WORDS = frozenset(
    ("credit", "goodwill", "gesture", "waive", "waived", "waiving", "knock", "knocking", "voucher",
     "compensation", "courtesy", "forgive", "remit")
)  # fmt: skip
_OWED_CREDIT = re.compile(
    r"\b(?:store|shop|stay|travel)[ -]credit\b|\bcredit card\b", re.IGNORECASE
)
#: A bare number above this may be a sum ("fifteen off"), one below is more often a count.
_LARGEST_COUNT = 9
#: Names for everybody who works there; a clause that names them reserves nothing.
_EVERYBODY = frozenset(("staff", "team", "office"))

Relation = Literal["equal", "more", "less"]


@dataclass(frozen=True)
class Comparison:
    """One quantity of a promise beside one of a clause.

    ``relation`` is ``equal``, ``more`` or ``less``: what is promised against what the clause has.
    """

    promised: Quantity
    allowed: Quantity
    relation: Relation
    sentence: Sentence


@dataclass(frozen=True)
class Judged:
    """What a promise's comparison with its decisive clause found, for features and for reasons.

    Attributes:
        comparisons: Quantities of the promise that have a counterpart in the clause.
        sentence: The sentence of the clause that the promise is held against.
        own_caps: What the clause lets the agent's own position grant.
        over_cap: The cap that the promise exceeds, or None.
        within_cap: The cap that the promise keeps to, or None.
        reserved: Roles that the clause reserves something to, the agent's own not among them.
        day: The promised day beside the clause's windows, where both name one.
        sum: The promised sum beside the clause's, where both name one.
    """

    comparisons: tuple[Comparison, ...]
    sentence: Sentence
    own_caps: tuple[Cap, ...]
    over_cap: Cap | None
    within_cap: Cap | None
    reserved: tuple[str, ...]
    day: WorkedOut | None = None
    sum: WorkedOut | None = None


def dimension_of(quantity: Quantity) -> str:
    """The kind of quantity as compared: business days are durations."""
    return "duration" if quantity.dimension == "business_duration" else quantity.dimension


def of_kind(quantities: tuple[Quantity, ...], kind: str) -> list[Quantity]:
    """The quantities of one kind; a rate's bare period ("a week") is left out."""
    return [q for q in quantities if dimension_of(q) == kind and q.unit != "bare"]


def comparable(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities measure the same thing."""
    a, b = dimension_of(one), dimension_of(other)
    if "number" in {a, b}:
        # "five sixty" may be a sum; a bare number is compared with sums and points only.
        return {a, b} <= {"number", "money", "points"}
    if a == "count" and b == "count":
        return one.unit == other.unit
    return a == b


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
                relation = _relation(mine, theirs)
                if relation != "equal" and "number" in {mine.dimension, theirs.dimension}:
                    continue  # "sixteen" beside "USD 4": nothing says that they are one thing
                key = (relation == "equal", float(likeness))
                if best is None or key > best[0]:
                    best = (key, Comparison(mine, theirs, relation, sentence))
        if best:
            out.append(best[1])
    return out


def _relation(promised: Quantity, allowed: Quantity) -> Relation:
    if promised.agrees_with(allowed):
        return "equal"
    return "more" if promised.value > allowed.value else "less"


def cap_for(promise: Promise, item: IndexedClause) -> list[Cap]:
    """The caps of the clause that are for the agent's own position."""
    if promise.position is None:
        return []
    position = promise.position
    exact = [c for c in item.caps if c.role == position.lower()]
    return exact or [c for c in item.caps if same_role(c.role, position)]


def reserved_to_others(promise: Promise, item: IndexedClause) -> list[str]:
    """Roles that the clause reserves something to, if the agent's own is not among them."""
    named = [r for s in item.sentences for r in s.roles if r not in _EVERYBODY]
    if promise.position and any(same_role(r, promise.position) for r in named):
        return []
    return list(dict.fromkeys(named))


def names_own_role(promise: Promise, item: IndexedClause) -> bool:
    """Whether the clause names the agent's own position."""
    position = promise.position
    return bool(position) and any(same_role(r, position or "") for r in item.named_roles)


def sums_of(promise: Promise) -> list[Quantity]:
    """Sums of money that the quote names, bare numbers that may be sums among them."""
    return [
        q
        for q in promise.quantities
        if q.dimension == "money" or (q.dimension == "number" and q.value > _LARGEST_COUNT)
    ]


def exceeded_cap(promise: Promise, caps: list[Cap]) -> Cap | None:
    """The cap that the promise exceeds, if it gives money or points beyond each of its role's."""
    found = _against_cap(promise, caps)
    return found[0] if found and found[1] else None


def _against_cap(promise: Promise, caps: list[Cap]) -> tuple[Cap, bool] | None:
    """The largest cap of the role for what is given, and whether the promise lies beyond it."""
    sums = sums_of(promise)
    if not sums and promise.kind == "exception":
        sums = [q for q in promise.context_quantities if q.dimension == "money"]
    points = [q for q in promise.quantities if q.dimension == "points"]
    for mine, kind in ((sums, "money"), (points, "points")):
        limits = [(cap, q) for cap in caps for q in cap.limits if _limits_kind(cap, q, kind)]
        if not mine or not limits:
            continue
        largest = max(limits, key=lambda pair: pair[1].value)
        # Every reading has to lie above it: "eleven fifty" may be 11.50.
        return largest[0], min(mine[0].readings) > largest[1].value
    return None


def _limits_kind(cap: Cap, limit: Quantity, kind: str) -> bool:
    if limit.dimension == kind:
        return True
    # A column headed "Points" holds bare numbers.
    return kind == "points" and limit.dimension == "number" and "point" in cap.about.lower()


def agrees(judged: Judged) -> bool:
    """Whether all that could be compared agrees: every quantity, or the day or sum worked out."""
    if any(w is not None and not w.agrees for w in (judged.day, judged.sum)):
        return False
    if any(w is not None and w.agrees for w in (judged.day, judged.sum)):
        return True
    return bool(judged.comparisons) and all(c.relation == "equal" for c in judged.comparisons)


def is_goodwill(promise: Promise) -> bool:
    """Whether the promise gives something beyond what is owed.

    Words of goodwill say so; an exception does where it gives something at all. Credit in which a
    return is paid ("store credit") and the card of that name are none.
    """
    if promise.kind == "assurance":
        return False
    words = set(plain_words(_OWED_CREDIT.sub(" ", promise.quote)))
    return bool(_GOODWILL_WORDS & words) or (
        promise.kind == "exception" and bool(GIFT_WORDS & words)
    )


def find_authority(promise: Promise, items: Sequence[IndexedClause]) -> int | None:
    """The clause whose cap for the agent's role bears on a goodwill promise.

    Args:
        promise: The promise.
        items: The clauses in force.

    Returns:
        Index of the first clause whose cap is exceeded, else of the first whose cap is kept; None
        if the promise is no goodwill or no clause caps it for the role. Measured on the training
        calls: of goodwill promises beyond a cap three quarters are conflicts, of those within one
        three quarters are supported.
    """
    if not is_goodwill(promise):
        return None
    kept: int | None = None
    for number, item in enumerate(items):
        held = _against_cap(promise, cap_for(promise, item))
        if held and held[1]:
            return number
        if held and kept is None:
            kept = number
    return kept


def caps_that_bear(promise: Promise, item: IndexedClause) -> tuple[Cap | None, Cap | None]:
    """The cap of the agent's own role that a promise exceeds, and the one that it keeps within.

    Only goodwill can exceed a cap, and only what gives something keeps within one.
    """
    held = _against_cap(promise, cap_for(promise, item))
    if held is None:
        return None, None
    cap, is_beyond = held
    if is_beyond:
        return (cap if is_goodwill(promise) else None), None
    gives = promise.kind != "assurance" and bool(GIFT_WORDS & set(plain_words(promise.quote)))
    return None, (cap if gives else None)


def judge_pair(promise: Promise, item: IndexedClause, likeness: Floats) -> Judged:
    """Compare a promise with one clause in full.

    Args:
        promise: The promise.
        item: The clause.
        likeness: For each of its sentences, the best likeness to the promise's queries.
    """
    call, turn, windows = promise.call, promise.turn, list(item.quantities)
    comparisons = compare(promise, item, likeness)
    equal = next((c.sentence for c in comparisons if c.relation == "equal"), None)
    over_cap, within_cap = caps_that_bear(promise, item)
    money = [q for q in promise.quantities if q.dimension == "money"]
    return Judged(
        comparisons=tuple(comparisons),
        sentence=equal or item.sentences[int(np.argmax(likeness))],
        own_caps=tuple(cap_for(promise, item)),
        over_cap=over_cap,
        within_cap=within_cap,
        reserved=tuple(reserved_to_others(promise, item)),
        day=check_days(promise.quote, call, turn, windows),
        sum=check_sum(money[0], windows, context_quantities(call, turn)) if money else None,
    )
