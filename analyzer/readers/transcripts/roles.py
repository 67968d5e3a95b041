"""Finds who is the agent and who the customer where a transcript does not say.

Speakers are told apart by what they say: agents greet, offer help, ask for account numbers, look
things up; customers tell what happened to them and ask for it to be put right (see
:mod:`analyzer.readers.transcripts.cues`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from analyzer.domain import Role
from analyzer.readers.transcripts.cues import AGENT_CUES, CUSTOMER_CUES
from analyzer.readers.transcripts.labels import read_label


@dataclass(frozen=True)
class Finding:
    """The role found for a speaker, how sure it is in [0, 1], and why in a few words."""

    role: Role
    confidence: float
    how: str


_MOST_PER_CUE = 4
#: Characters of each speaker that are listened to: an hour of talk settles it.
_LISTENED_TO = 40_000
_SPEAKS_FIRST = 0.8
#: In a call that is handed over the customer is the one who stays.
_SPEAKS_MOST = -1.5
_SEVERAL = 3
_NAMES_COMPANY = 2.5
_STEEPNESS = 0.6
_SUREST = 0.98
#: The author's estimate of how often the only speaker left over is what is missing.
_LEFT_OVER = 0.9
_LEFT_OVER_DOUBTED = 0.6
_LIKE_AN_AGENT = 4.0
_LIKE_A_CUSTOMER = -3.0


def find_roles(
    spoken: Mapping[str, Sequence[str]],
    *,
    known: Mapping[str, Finding],
    company: str | None = None,
) -> dict[str, Finding]:
    """Find the role of every speaker of a call.

    What is known wins, then a role that the label names, then what the words tell. Where
    they tell, one speaker is the customer and all others are agents, as in a call handed over.

    Args:
        spoken: Label to what was said under it, in order; labels in the order first heard.
        known: What the user or the file says of a speaker, by label in the spelling of ``spoken``.
        company: The company's name; who says it early on is likely its agent.

    Returns:
        A finding for every label.
    """
    found: dict[str, Finding] = {}
    for label in spoken:
        role = read_label(label).role
        if label in known:
            found[label] = known[label]
        elif role is not None:
            found[label] = Finding(role, 1.0, "the label says so")
    unknown = [label for label in spoken if label not in found]
    if not unknown:
        return found
    if by_letters := _by_letters(list(spoken), unknown):
        return found | by_letters
    heard = [label for label in spoken if label not in found or found[label].role != "system"]
    scores = {label: _score(spoken[label], company) for label in unknown}
    if heard[0] in scores:
        total, reasons = scores[heard[0]]
        scores[heard[0]] = (total + _SPEAKS_FIRST, [*reasons, ("speaks first", _SPEAKS_FIRST)])
    most = max(heard, key=lambda label: len(spoken[label]))
    if len(heard) >= _SEVERAL and most in scores:
        total, reasons = scores[most]
        scores[most] = (total + _SPEAKS_MOST, [*reasons, ("speaks with all others", _SPEAKS_MOST)])
    roles = {finding.role for finding in found.values()}
    found.update(_by_words(unknown, scores, roles))
    return found


def _by_letters(labels: list[str], unknown: list[str]) -> dict[str, Finding] | None:
    """``A:`` and ``C:`` in one call are agent and customer; ``A:`` and ``B:`` say nothing."""
    letters = {label.casefold() for label in labels}
    if not ({"a", "c"} <= letters <= {"a", "c", "s"}) or len(unknown) != len(labels):
        return None
    roles: dict[str, Role] = {"a": "agent", "c": "customer", "s": "system"}
    return {u: Finding(roles[u.casefold()], _LEFT_OVER, "the letters A and C") for u in unknown}


_Score = tuple[float, list[tuple[str, float]]]


def _score(texts: Sequence[str], company: str | None) -> _Score:
    """How much a speaker sounds like an agent, with the habits that count."""
    words = "\n".join(texts)[:_LISTENED_TO].replace("\u2019", "'")
    reasons: list[tuple[str, float]] = []
    for cue in (*AGENT_CUES, *CUSTOMER_CUES):
        n = sum(1 for _ in islice(cue.pattern.finditer(words), _MOST_PER_CUE))
        if n:
            reasons.append((cue.what, cue.weight * (1 + math.log(n))))
    if company and company.casefold() in "\n".join(texts[:2]).casefold():
        reasons.append(("names the company", _NAMES_COMPANY))
    return sum(weight for _, weight in reasons), reasons


def _by_words(
    unknown: list[str], scores: Mapping[str, _Score], known: set[Role]
) -> dict[str, Finding]:
    if len(unknown) == 1 and {"agent", "customer"} & known != {"agent", "customer"}:
        return {unknown[0]: _left_over(scores[unknown[0]], known)}
    ranked = sorted(unknown, key=lambda label: scores[label][0])
    if "customer" in known:
        beside = {label: _beside_a_customer(scores[label]) for label in unknown}
        if "agent" not in known | {finding.role for finding in beside.values()}:
            beside[ranked[-1]] = Finding("agent", _LEFT_OVER_DOUBTED, "the least like a customer")
        return beside
    customer, others = ranked[0], ranked[1:]
    if not others:
        return {customer: _left_over(scores[customer], known)}
    low = scores[customer][0]
    out = {
        label: Finding("agent", _confidence(scores[label][0] - low), _why(scores[label], 1))
        for label in others
    }
    margin = scores[others[0]][0] - low
    out[customer] = Finding("customer", _confidence(margin), _why(scores[customer], -1))
    return out


def _left_over(score: _Score, known: set[Role]) -> Finding:
    role: Role = "agent" if "customer" in known else "customer"
    doubted = score[0] > _LIKE_AN_AGENT if role == "customer" else score[0] < _LIKE_A_CUSTOMER
    if not doubted:
        return Finding(role, _LEFT_OVER, "the only speaker left")
    return Finding(role, _LEFT_OVER_DOUBTED, "the only speaker left, but the words say otherwise")


def _beside_a_customer(score: _Score) -> Finding:
    if score[0] < _LIKE_A_CUSTOMER:
        return Finding("customer", _confidence(-score[0]), _why(score, -1))
    return Finding("agent", _confidence(score[0] - _LIKE_A_CUSTOMER), _why(score, 1))


def _confidence(margin: float) -> float:
    sure = 1 / (1 + math.exp(-_STEEPNESS * max(0.0, min(margin, 50.0))))
    return round(min(sure, _SUREST), 2)


def _why(score: _Score, sign: int) -> str:
    told = sorted((r for r in score[1] if r[1] * sign > 0), key=lambda r: -abs(r[1]))
    return ", ".join(what for what, _ in told[:2]) or "by contrast with the others"
