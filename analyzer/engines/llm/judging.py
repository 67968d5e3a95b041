"""The stages ``judge`` and ``guide``: a clause and a verdict for every commitment, then advice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.domain import Call, Clause, Commitment
from analyzer.engines.embedded.clause_index import index_clause
from analyzer.engines.embedded.pairs import Promise, caps_that_bear, describe_promise
from analyzer.engines.llm.answers import Guidance, GuideAnswer, JudgeAnswer, Judgement
from analyzer.engines.llm.asking import Asker, CutOff
from analyzer.engines.llm.chat import Message
from analyzer.engines.llm.deriving import Derived, derive
from analyzer.engines.llm.faults import ContextOverflow
from analyzer.engines.llm.fencing import fence_text, render_clause, render_turns
from analyzer.engines.llm.retrieval import ClauseSearch, Selection
from analyzer.engines.llm.windows import estimate_tokens
from analyzer.errors import BadAnswer, EngineRefused
from analyzer.evidence import find_quote
from analyzer.policy_book import PolicyView
from analyzer.prompts import get_prompt

COMMITMENTS_OPEN, COMMITMENTS_CLOSE = "<<<COMMITMENTS", "COMMITMENTS>>>"
#: Turns before and after a commitment that go along where a whole call is too long.
_AROUND = 15
_MOST_CLAUSES = 3


@dataclass(frozen=True)
class Asked:
    """A commitment as it is put to the judge.

    Attributes:
        id: Its id in this call.
        turn: Its turn.
        shown_quote: Its quote as the model saw it.
        kind: promise, assurance or exception.
        strength: firm or conditional.
        summary: The model's own sentence, or empty.
        query: What its rule is searched by.
    """

    id: str
    turn: int
    shown_quote: str
    kind: str
    strength: str
    summary: str
    query: str


@dataclass(frozen=True)
class Judged:
    """A judgement with what the code made of it.

    Attributes:
        judgement: The model's.
        clauses: Ids in force, the decisive one first, at most three.
        conflict: Ids of clauses that disagree.
        quote: The decisive clause's own words, None where no clause governs.
        derived: Verdict and conditions.
        doubts: Why a person should look, one sentence each.
    """

    judgement: Judgement
    clauses: tuple[str, ...]
    conflict: tuple[str, ...]
    quote: str | None
    derived: Derived
    doubts: tuple[str, ...]


async def judge_commitments(
    shown: Call,
    asked: Sequence[Asked],
    search: ClauseSearch,
    selection: Selection,
    asker: Asker,
    *,
    window_tokens: int,
) -> dict[str, Judged]:
    """Ask for the judgements of a call's commitments.

    Args:
        shown: The call as the model sees it.
        asked: Its firm and conditional commitments; at least one.
        search: Of the clauses in force.
        selection: What was found for them.
        asker: Asks for this call.
        window_tokens: Estimated tokens of turns that one request may hold.

    Returns:
        By commitment; one that the model left out twice is missing.

    Raises:
        EngineRefused: If the model declined.
        BadAnswer: If an answer cannot be used, or is cut off for one commitment alone.
    """
    turns = _turns_for(shown, asked, window_tokens)
    prompt = get_prompt("judge")
    listed = "\n".join(_line(shown, one) for one in asked)
    system, clauses = prompt.system, ""
    if selection.is_whole:
        system = f"{system}\n\n{search.whole_text}"
    else:
        clauses = search.render(selection.clauses) + "\n\n"
    user = prompt.render(
        policies=clauses,
        call=render_turns(shown, turns),
        commitments=f"{COMMITMENTS_OPEN}\n{listed}\n{COMMITMENTS_CLOSE}",
    )
    messages = [Message("system", system), Message("user", user)]
    try:
        answer, reply = await asker.ask(prompt, JudgeAnswer, messages)
    except (CutOff, ContextOverflow) as error:
        if len(asked) == 1:
            raise BadAnswer(
                f"The model's answer about commitment {asked[0].id} alone is cut off; use a model "
                "with longer answers."
            ) from error
        half = len(asked) // 2
        out: dict[str, Judged] = {}
        for part in (asked[:half], asked[half:]):
            out |= await judge_commitments(
                shown, part, search, selection, asker, window_tokens=window_tokens
            )
        return out
    found = {j.commitment: j for j in answer.judgements}
    faults = _faults(asked, found, search.view)
    if faults:
        found |= await _mend(asker, faults, [*messages, Message("assistant", reply.text)])
    out = {}
    for one in asked:
        judgement = found.get(one.id)
        if judgement is not None:
            out[one.id] = _settle(judgement, one, shown, search.view)
    return out


def _turns_for(shown: Call, asked: Sequence[Asked], window_tokens: int) -> list[int] | None:
    if sum(estimate_tokens(t.text) + 12 for t in shown.turns) <= window_tokens:
        return None
    near = {
        n
        for one in asked
        for n in range(max(0, one.turn - _AROUND), min(len(shown.turns), one.turn + _AROUND + 1))
    }
    return sorted(near | {t.turn for t in shown.turns if t.role == "system"})


def _line(shown: Call, one: Asked) -> str:
    position = shown.turns[one.turn].position or "position unknown"
    quote = json.dumps(one.shown_quote, ensure_ascii=False)
    summary = fence_text(f" - {one.summary}") if one.summary else ""
    return (
        f"{one.id}: turn {one.turn}, {position}, {one.strength} {one.kind}: {quote}"
        + fence_text(summary)
    )


def _faults(
    asked: Sequence[Asked], found: dict[str, Judgement], view: PolicyView
) -> dict[str, str]:
    """What is wrong with judgements that cannot be shown in a clause, by commitment."""
    out: dict[str, str] = {}
    for one in asked:
        judgement = found.get(one.id)
        if judgement is None:
            out[one.id] = "it has no judgement"
            continue
        if not judgement.clauses:
            continue
        unknown = [c for c in judgement.clauses[:1] if view.find_clause(c) is None]
        if unknown:
            out[one.id] = "its first clause id is not among the clauses"
            continue
        clause = view.find_clause(judgement.clauses[0])
        if clause and not find_quote(judgement.clause_quote or "", clause.text):
            out[one.id] = f"the clause quote does not stand in {clause.id}"
    return out


async def _mend(
    asker: Asker, faults: dict[str, str], conversation: Sequence[Message]
) -> dict[str, Judgement]:
    listed = "\n".join(f"{fence_text(name)}: {reason}" for name, reason in faults.items())
    told = get_prompt("rejudge")
    try:
        answer, _ = await asker.ask(
            told, JudgeAnswer, [*conversation, Message("user", told.render(faults=listed))]
        )
    except (BadAnswer, EngineRefused, CutOff, ContextOverflow):
        return {}
    return {j.commitment: j for j in answer.judgements if j.commitment in faults}


def _settle(judgement: Judgement, one: Asked, shown: Call, view: PolicyView) -> Judged:
    doubts: list[str] = []
    known = tuple(dict.fromkeys(c for c in judgement.clauses if view.find_clause(c)))
    if len(known) < len(set(judgement.clauses)):
        doubts.append("the model named a clause that is not in force")
    clauses = known[:_MOST_CLAUSES]
    clause = view.find_clause(clauses[0]) if clauses else None
    derived = derive(judgement, clause, len(shown.turns))
    if derived.verdict == "not_addressed":
        # The guide leaves the list empty where no clause speaks to it.
        clauses, clause = (), None
    quote = None
    if clause is not None:
        span = find_quote(judgement.clause_quote or "", clause.text)
        if span is None:
            span = _nearest_sentence(judgement.clause_quote or one.shown_quote, clause, view)
            doubts.append("the model's words of the clause do not stand there; the nearest do")
        quote = clause.text[span[0] : span[1]]
    doubts += derived.disagreements
    if clause is not None and derived.verdict in ("supported", "exceeds_authority"):
        promise = describe_promise(shown, one.turn, one.shown_quote, one.kind, one.strength)
        doubts += _cap_doubts(promise, clause, derived, view)
    if clause is not None and clause in view.earlier:
        doubts.append(
            f"an earlier edition of {clause.id} decides; check that what was agreed is older"
        )
    conflict = tuple(dict.fromkeys(c for c in judgement.policy_conflict if view.find_clause(c)))
    return Judged(
        judgement=judgement,
        clauses=clauses,
        conflict=conflict if len(conflict) > 1 else (),
        quote=quote,
        derived=derived,
        doubts=tuple(doubts),
    )


def _nearest_sentence(words: str, clause: Clause, view: PolicyView) -> tuple[int, int]:
    item = index_clause(clause, view.find_grants(clause))
    wanted = set(words.lower().split())
    best = max(item.sentences, key=lambda s: len(wanted & set(s.text.lower().split())))
    return best.start, best.end


def _cap_doubts(promise: Promise, clause: Clause, derived: Derived, view: PolicyView) -> list[str]:
    """Where the cap of the agent's own role, worked out in code, speaks against the verdict."""
    item = index_clause(clause, view.find_grants(clause))
    over, within = caps_that_bear(promise, item)
    if over is not None and derived.verdict == "supported":
        return [f"the sum lies beyond what {clause.id} lets a {over.role} grant"]
    if within is not None and derived.verdict == "exceeds_authority":
        return [f"the sum lies within what {clause.id} lets a {within.role} grant"]
    return []


async def guide_conflicts(
    shown: Call, conflicts: Sequence[tuple[Commitment, str, Clause | None]], asker: Asker
) -> dict[str, Guidance]:
    """Ask what to do about the conflicts of a call.

    Args:
        shown: The call as the model sees it.
        conflicts: Each with its quote as shown and its decisive clause.
        asker: Asks for this call.

    Returns:
        By commitment; empty where the model declined or its answer cannot be used, as advice is
        no evidence and its lack loses no mark.
    """
    listed = []
    for mark, quote, clause in conflicts:
        said = json.dumps(quote, ensure_ascii=False)
        taken_back = f", taken back in turn {mark.withdrawn_at}" if mark.withdrawn_at else ""
        listed.append(f"{mark.id}: turn {mark.turn}, {mark.verdict}{taken_back}: {said}")
        if clause is not None:
            listed.append(f"  clause {' '.join(render_clause(clause).split())}")
    prompt = get_prompt("guide")
    user = prompt.render(
        call=render_turns(shown),
        conflicts="\n".join((COMMITMENTS_OPEN, *listed, COMMITMENTS_CLOSE)),
    )
    messages = [Message("system", prompt.system), Message("user", user)]
    try:
        answer, _ = await asker.ask(prompt, GuideAnswer, messages)
    except (BadAnswer, EngineRefused, CutOff, ContextOverflow):
        return {}
    return {g.commitment: g for g in answer.guidance}


def explain(judged: Judged, ranked: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """How a verdict came about, for whoever asks: retrieval, the model's word, the code's."""
    return {
        "retrieved": [{"clause": c, "score": s} for c, s in ranked],
        "model": judged.judgement.model_dump(mode="json"),
        "derived": judged.derived.verdict,
        "disagreements": list(judged.derived.disagreements),
        "doubts": list(judged.doubts),
    }
