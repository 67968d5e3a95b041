"""What a person is told about a verdict: the sentence quoted, the conditions, the reason."""

from __future__ import annotations

from analyzer.domain import Condition, Verdict
from analyzer.engines.embedded.clause_index import IndexedClause, Sentence
from analyzer.engines.embedded.pairs import Comparison, Judged, Promise

_CONDITIONAL = (" if ", " where ", " provided ", " unless ", " upon ", " once ", " only ")
#: With so many conditions checked, the clause's other terms are not listed.
_ENOUGH_CONDITIONS = 4
_CONDITION_LENGTH = 160
_QUOTE_LENGTH = 140


def quoted_sentence(judged: Judged, verdict: Verdict) -> Sentence:
    """The sentence of the decisive clause that the verdict rests on."""
    unequal = _nearest_unequal(judged)
    return unequal.sentence if verdict == "contradicted" and unequal else judged.sentence


def conditions_of(promise: Promise, judged: Judged, item: IndexedClause) -> tuple[Condition, ...]:
    """What the clause asks and the call shows: quantities, roles, and its other terms unseen."""
    turn, position = promise.turn, promise.position
    out = [_compared(promise, comparison, item) for comparison in judged.comparisons]
    out += [
        Condition(text=found.how, met=found.agrees or None, turn=turn if found.agrees else None)
        for found in (judged.day, judged.sum)
        if found is not None
    ]
    cap = judged.over_cap or judged.within_cap
    if cap is not None:
        met = judged.over_cap is None
        out.append(Condition(text=f"a {position} may grant {cap.text}", met=met, turn=turn))
    if judged.reserved:
        met_by = False if position else None
        shown = turn if position else None
        out.append(Condition(text=f"for the {judged.reserved[0]} to grant", met=met_by, turn=shown))
    condition = next((s for s in item.sentences if _is_conditional(s)), None)
    if condition and len(out) < _ENOUGH_CONDITIONS:
        out.append(Condition(text=_short(condition.text, _CONDITION_LENGTH)))
    return tuple(out)


def reason_for(verdict: Verdict, promise: Promise, judged: Judged, item: IndexedClause) -> str:
    """The verdict in one sentence, with the clause's and the agent's own words."""
    name = f"{item.clause.id} ({item.clause.title})" if item.clause.title else item.clause.id
    if verdict == "exceeds_authority":
        return f"{name} {_beyond_authority(promise, judged)}"
    if verdict == "contradicted":
        return f"{name} {_contradiction(promise, judged)}"
    if verdict == "supported":
        return f"{name} {_support(promise, judged)}"
    if verdict == "conditions_unverified":
        return f"{name} {_open_conditions(promise, judged)}"
    return f"No clause in force speaks to it; the nearest is {name}."


def _beyond_authority(promise: Promise, judged: Judged) -> str:
    role = _role(promise)
    if judged.over_cap is not None:
        text, about = judged.over_cap.text, judged.over_cap.about.rstrip(".")
        return f"lets a {role} grant {text} at most ({about}); more was promised."
    who = f"the {judged.reserved[0]}" if judged.reserved else "somebody else"
    return f"leaves this to {who}; it was promised by a {role}."


def _contradiction(promise: Promise, judged: Judged) -> str:
    unequal = _nearest_unequal(judged)
    if unequal:
        return f"says “{_written(unequal)}” where “{_spoken(promise, unequal)}” was promised."
    equal = _first(judged, equal=True)
    if equal:
        return (
            f"says “{_written(equal)}” too, but its other terms seem not to be kept: "
            f"“{_short(judged.sentence.text)}”."
        )
    return f"seems to set other terms: “{_short(judged.sentence.text)}”."


def _support(promise: Promise, judged: Judged) -> str:
    if judged.within_cap is not None:
        return f"lets a {_role(promise)} grant {judged.within_cap.text}, and no more was promised."
    worked = next((w for w in (judged.day, judged.sum) if w is not None and w.agrees), None)
    if worked:
        return f"allows it: {worked.how}."
    equal = _first(judged, equal=True)
    if equal:
        return f"allows it: it says “{_written(equal)}”, as promised."
    return f"speaks to it and nothing said goes against it: “{_short(judged.sentence.text)}”."


def _open_conditions(promise: Promise, judged: Judged) -> str:
    if promise.position is None and judged.reserved:
        who = judged.reserved[0]
        return f"leaves this to the {who}, and the call does not say who the agent is."
    return "allows it under conditions that the call does not show to be met."


def _compared(promise: Promise, comparison: Comparison, item: IndexedClause) -> Condition:
    met: bool | None = comparison.relation == "equal"
    if not met and comparison.promised.dimension in {"money", "number"}:
        met = None  # another sum may be right: a total, a share, a rest
    written, spoken = _written(comparison), _spoken(promise, comparison)
    return Condition(
        text=f"{item.clause.id} says {written}; promised: {spoken}",
        met=met,
        turn=None if met is None else promise.turn,
    )


def _first(judged: Judged, *, equal: bool) -> Comparison | None:
    return next((c for c in judged.comparisons if (c.relation == "equal") == equal), None)


def _nearest_unequal(judged: Judged) -> Comparison | None:
    """An unequal quantity of the very sentence that the promise is held against, if none agrees.

    Windows and shares only: another sum may be right, as a total or a rest.
    """
    if _first(judged, equal=True):
        return None
    return next(
        (
            c
            for c in judged.comparisons
            if c.sentence == judged.sentence and c.promised.dimension not in {"money", "number"}
        ),
        None,
    )


def _role(promise: Promise) -> str:
    return promise.position or "an agent of unknown position"


def _spoken(promise: Promise, comparison: Comparison) -> str:
    return promise.quote[comparison.promised.start : comparison.promised.end]


def _written(comparison: Comparison) -> str:
    return comparison.sentence.text[comparison.allowed.start : comparison.allowed.end]


def _is_conditional(sentence: Sentence) -> bool:
    low = f" {sentence.text.lower()} "
    return any(word in low for word in _CONDITIONAL)


def _short(text: str, most: int = _QUOTE_LENGTH) -> str:
    """A sentence cut at a word, its final stop left off."""
    text = " ".join(text.split()).rstrip(".")
    if len(text) <= most:
        return text
    return text[:most].rsplit(" ", 1)[0] + " …"
