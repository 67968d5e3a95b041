"""What the judge reads: one text for the promise and its facts, one for the clause.

Numbers are written in digits, and what can be compared by rule (numbers of the promise beside the
clause's, the speaker's role beside the roles that the clause names) is compared by rule and told to
the model in words: six layers do not learn arithmetic from three thousand examples.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzer.language.quantities import Quantity, find_quantities
from analyzer.language.roles import find_caps, find_roles, reserved_roles, same_role

VERDICTS = ("contradicted", "exceeds_authority", "conditions_unverified", "supported", "not_addressed")

_UNIT = {"duration": "days", "business_duration": "business days", "percent": "%", "clock": "o'clock"}
_FACT_CHARS = 360
_TURN_CHARS = 160


def _dimension(q: Quantity) -> str:
    return "duration" if q.dimension == "business_duration" else q.dimension


def comparable(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities measure the same thing."""
    a, b = _dimension(one), _dimension(other)
    if "number" in {a, b}:
        return {a, b} <= {"number", "money", "points"}
    if a == "count" and b == "count":
        return one.unit == other.unit
    return a == b


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def show(q: Quantity) -> str:
    """A quantity in digits: ``30 days``, ``15 money``, ``2 bag``."""
    if q.dimension in {"duration", "business_duration"} and q.value < 1:
        return f"{_number(q.value * 24)} hours"
    unit = _UNIT.get(q.dimension) or (q.unit if q.dimension == "count" else q.dimension)
    return f"{_number(q.value)} {unit}"


def digits(text: str) -> str:
    """Write the numbers that a text spells out in digits, units as they stand."""
    out, at = [], 0
    for q in sorted(find_quantities(text), key=lambda q: q.start):
        span = text[q.start : q.end]
        if re.match(r"(?i)[\s-]*(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)\b", text[q.end :]):
            continue
        if q.start < at or re.search(r"\d", span) or q.dimension == "clock" or re.fullmatch(r"(?i)\W*(once|twice|an?|one)\b.*", span):
            continue
        if q.dimension in {"duration", "business_duration"}:
            words = span.split()
            tail = [w for w in words if re.fullmatch(r"(?i)(business|working|calendar|days?|weeks?|months?|years?|hours?|minutes?|nights?|quarters?)\W*", w)]
            scale = {"week": 7, "month": 30, "year": 365, "day": 1, "night": 1}.get(q.unit.rstrip("s"))
            if not scale or not tail:
                continue
            values = sorted({round(r / scale, 2) for r in q.readings})
            new = " to ".join(_number(v) for v in values[:2]) + " " + " ".join(tail)
        elif q.dimension == "percent":
            new = f"{_number(q.value)} per"if span.rstrip().endswith("per") else f"{_number(q.value)} percent"
        elif q.dimension == "count":
            continue
        else:
            new = _number(q.value) + (" " + span.split()[-1] if re.search(r"(?i)(pounds?|dollars?|euros?|quid|bucks?|points?|rand)\W*$", span) else "")
        out += [text[at : q.start], new]
        at = q.end
    return "".join([*out, text[at:]])


def hints(role: str, facts: str, promise: str, title: str, text: str) -> str:
    """What is compared by rule, in words."""
    clause = [q for q in find_quantities(f"{title}. {text}") if q.unit != "bare"]
    said: list[str] = []
    for q in [q for q in find_quantities(promise) if q.dimension != "number" or q.value > 4][:3]:  # noqa: PLR2004
        beside = [c for c in clause if comparable(q, c)]
        if not beside:
            if q.dimension != "number":
                said.append(f"{show(q)} not in clause")
        elif any(q.agrees_with(c) for c in beside):
            said.append(f"{show(q)} same")
        else:
            near = min(beside, key=lambda c: abs(c.value - q.value))
            said.append(f"{show(q)} {'above' if q.value > near.value else 'below'} {show(near)}")
    known: list[str] = []
    for q in find_quantities(facts)[-4:]:
        beside = [c for c in clause if comparable(q, c)]
        if beside and _dimension(q) not in {"number", "count"}:
            near = min(beside, key=lambda c: abs(c.value - q.value))
            word = "equals" if q.agrees_with(near) else "above" if q.value > near.value else "below"
            known.append(f"{show(q)} {word} {show(near)}")
    who: list[str] = []
    reserved = [r for s in re.split(r"(?<=[.;])\s+|\n", text) for r in reserved_roles(s)]
    for r in dict.fromkeys(reserved):
        who.append(f"{r} {'own' if same_role(role, r) else 'other'}")
    caps = [c for c in find_caps(text) if same_role(role, c.role)]
    for c in caps[:1]:
        who += [f"limit {show(x)}" for x in c.limits[:1]] or (["limit nothing"] if c.nothing else [])
    if not who and any(same_role(role, r) for r in find_roles(text)):
        who.append("own role named")
    parts = [f"numbers: {'; '.join(said)}." if said else "", f"facts: {'; '.join(known[-2:])}." if known else "", f"authority: {'; '.join(who[:3])}." if who else ""]
    return " ".join(p for p in parts if p)


def _clip(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half].rsplit(' ', 1)[0]} … {text[-half:].split(' ', 1)[-1]}"


_LABEL = {"customer": "Customer", "agent": "Agent", "system": "Record"}


def facts_of(turns: Sequence[tuple[str, str]], turn: int, quote: str, closeness: Sequence[float]) -> str:
    """The facts of a promise, in the order spoken.

    Args:
        turns: ``(role, text)`` of the whole call.
        turn: The promise's turn.
        quote: Its words.
        closeness: For each turn, how near it is to the clause (cosine of their vectors).
    """
    own = turns[turn][1].replace(quote, "…", 1)
    chosen: dict[int, str] = {}
    if re.search(r"\w", own):
        chosen[turn] = _clip(own, _TURN_CHARS)
    left = _FACT_CHARS - len(chosen.get(turn, ""))
    before = list(range(turn - 1, -1, -1))
    customers = [i for i in before if turns[i][0] == "customer"]
    near = sorted((i for i in range(len(turns)) if i != turn and len(turns[i][1]) > 25), key=lambda i: -closeness[i])
    order = customers[:1] + near[:1] + before[:1] + near[1:2] + before[1:3] + near[2:3]
    for i in dict.fromkeys(order):
        piece = _clip(turns[i][1], _TURN_CHARS)
        if i not in chosen and len(piece) <= left:
            chosen[i] = piece
            left -= len(piece)
    return " ".join(f"{_LABEL.get(turns[i][0], 'Agent')}: {chosen[i]}" for i in sorted(chosen))


def build_input(role: str | None, facts: str, promise: str, title: str, text: str, *, hint: bool = True) -> tuple[str, str]:
    """The two texts that the tokenizer joins: ``[CLS] first [SEP] second [SEP]``.

    The promise stands first in its text, so that what is cut at the end are facts.
    """
    role = role or "representative"
    told = hints(role, facts, promise, title, text) if hint else ""
    first = f"role: {role}. promise: {digits(promise)} {told} context: {digits(facts)}"
    return re.sub(r"\s+", " ", first).strip(), re.sub(r"[ \t]*\|[-:| ]+\|[ \t]*\n", "", f"{title}. {digits(text)}").replace("\n", " ").strip()
