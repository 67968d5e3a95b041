"""The LLM engine: mark, retrieve, judge, guide; every mark in the call's own words."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from analyzer.config import Settings
from analyzer.domain import Amount, Analysis, Call, Commitment, Due, SetAside, Stonewall
from analyzer.embedders import Embedder
from analyzer.engines.embedded.arithmetic import days_in_full
from analyzer.engines.llm.asking import Asker
from analyzer.engines.llm.chat import Chat, Meter
from analyzer.engines.llm.endpoint_check import check_endpoint
from analyzer.engines.llm.fencing import fence_call
from analyzer.engines.llm.judging import (
    Asked,
    Judged,
    explain,
    guide_conflicts,
    judge_commitments,
)
from analyzer.engines.llm.marking import PlacedCommitment, PlacedStonewall, mark_call
from analyzer.engines.llm.retrieval import Searches
from analyzer.errors import BadAnswer, CallSetAside, EngineRefused
from analyzer.language.dates import find_due
from analyzer.policy_book import PolicyView
from analyzer.prompts import get_prompt
from analyzer.redaction import Redaction, keep, redact
from analyzer.resolution import propose_resolution

_Result = TypeVar("_Result")

#: How sure a verdict is, until calibrated on reviewers' decisions: nothing spoke against it, or
#: something did.
_UNDISPUTED, _DISPUTED = 0.9, 0.5
#: From here a mark of the embedded engine is one that the model should have seen.
_STRONG = 0.85
_CLOSING_S = 5.0


@dataclass(frozen=True)
class _Reading:
    """One call on its way: as it was, as the model sees it, the way back, what judges it."""

    call: Call
    shown: Call
    hidden: Redaction
    asker: Asker
    notes: list[str]


class LLMEngine:
    """Reads calls with a language model.

    Args:
        settings: Address, model, limits, redaction.
        chat: The way to the model.
        embedders: For the clauses' and the queries' vectors, the packaged one first.
        reader: The embedded engine, as a second reader; None for none.
    """

    name = "llm"

    def __init__(
        self,
        settings: Settings,
        chat: Chat,
        embedders: Sequence[Embedder],
        reader: Any | None = None,
    ) -> None:
        self._settings = settings
        self.chat = chat
        self.model = chat.model
        self._searches = Searches(embedders)
        self._reader = reader
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._running: set[Future[Any]] = set()
        self._checked = False
        self.prompt_version: str | None = prompt_version()

    @property
    def concurrency(self) -> int:
        """How many calls may be under way together."""
        return self._settings.concurrency

    def check(self) -> None:
        """See that key, model and address are right before any call is begun.

        Raises:
            ConfigError: If one is not, with the mend.
        """
        with self._lock:
            if not self._checked:
                check_endpoint(self._settings, self.chat.model)
                self._checked = True

    def analyze(self, call: Call, view: PolicyView | None) -> Analysis:
        """Read one call; see :class:`analyzer.engines.Engine`. Safe with several threads.

        Raises:
            CallDeferred: If the cost cap is reached or the server stays away.
            EngineRefused: If the model declined to read the call.
            BadAnswer: If its answer cannot be used.
            ConfigError: If the settings are wrong; no other call will fare better.
        """
        self.check()
        return self.run(self.analyze_async(call, view))

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run work in the engine's own loop and wait for it."""
        return self.start(work).result()

    def start(self, work: Coroutine[Any, Any, _Result]) -> Future[_Result]:
        """Start work in the engine's own loop."""
        with self._lock:
            if self._loop is None:
                self._loop = _start_loop()
            running = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._running.add(running)
        running.add_done_callback(self._running.discard)
        return running

    def take_note(self) -> str | None:
        """What the user should know of the response cache; each thing is told once."""
        return self.chat.cache.take_note()

    def stop(self) -> None:
        """Give up what is under way; whoever waits for it gets ``CancelledError``."""
        with self._lock:
            for running in tuple(self._running):
                running.cancel()

    def close(self) -> None:
        """Close the connections and end the loop that requests run in."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self.chat.aclose(), loop).result(_CLOSING_S)
            loop.call_soon_threadsafe(loop.stop)
        self.chat.close()

    async def analyze_async(
        self,
        call: Call,
        view: PolicyView | None,
        *,
        only: Sequence[int] | None = None,
    ) -> Analysis:
        """Read one call within an event loop; see :meth:`analyze`.

        Args:
            call: The call.
            view: The clauses in force, or None.
            only: Turns to ask about, in order; None for the whole call.
        """
        hidden = redact(call) if self._settings.redact else keep(call)
        shown = fence_call(hidden.call)
        carrier = self.chat.carrier
        meter = Meter(self.chat.price, is_batch=carrier is not None and carrier.is_batch)
        asker = Asker(self.chat, meter)
        try:
            marks = await mark_call(
                shown, asker, window_tokens=self._settings.window_tokens, only=only
            )
        except EngineRefused as error:
            raise EngineRefused(
                f"Call {call.call_id} was not read: {error}; read it with --engine embedded, or "
                "with another model."
            ) from error
        reading = _Reading(call, shown, hidden, asker, [])
        notes = reading.notes
        if marks.was_cut:
            notes.append("an answer was cut off and asked for again in pieces")
        commitments = [
            _commitment(f"c{n}", placed, call, hidden)
            for n, placed in enumerate(marks.commitments, 1)
        ]
        asked = [
            _asked(mark, placed, shown)
            for mark, placed in zip(commitments, marks.commitments, strict=True)
            if mark.strength != "hedged"
        ]
        if asked and view is not None and view.clauses:
            commitments = await self._judge(reading, commitments, asked, view)
        analysis = Analysis(
            call=call,
            commitments=tuple(commitments),
            stonewalls=tuple(_stonewall(w, call, hidden) for w in marks.stonewalls),
            set_aside=tuple(_restored(s, hidden) for s in marks.set_aside),
            usage=meter.usage(),
            notes=tuple(notes),
        )
        if only is None:
            analysis = await self._compare(analysis)
        return analysis.model_copy(
            update={"trace": tuple(meter.trace), "redacted": dict(hidden.counts)}
        )

    async def _judge(
        self,
        reading: _Reading,
        commitments: list[Commitment],
        asked: list[Asked],
        view: PolicyView,
    ) -> list[Commitment]:
        search = self._searches.get(view)
        queries = [one.query for one in asked]
        vectors = await self._searches.embed(search, queries)
        selection = search.select(*search.score(queries, vectors))
        try:
            judged = await judge_commitments(
                reading.shown, asked, search, selection, reading.asker,
                window_tokens=self._settings.window_tokens,
            )  # fmt: skip
        except (BadAnswer, EngineRefused) as error:
            reading.notes.append(f"no verdict is given: {error}")
            judged = {}
        by_id = {one.id: number for number, one in enumerate(asked)}
        out: list[Commitment] = []
        conflicts = []
        for mark in commitments:
            number = by_id.get(mark.id)
            if number is None:
                out.append(mark)
                continue
            found = judged.get(mark.id)
            if found is None:
                out.append(mark.model_copy(update={"needs_review": True}))
                continue
            done = _with_verdict(mark, found, selection.ranked[number], reading)
            if selection.weak[number] and not selection.is_whole and done.verdict == "supported":
                done = done.model_copy(update={"needs_review": True})
            clause = view.find_clause(done.clauses[0]) if done.clauses else None
            resolution = propose_resolution(done, reading.call, clause.text if clause else "")
            done = done.model_copy(update={"resolution": resolution})
            out.append(done)
            if done.is_conflict:
                conflicts.append((done, asked[number].shown_quote, clause))
        if not conflicts:
            return out
        guidance = await guide_conflicts(reading.shown, conflicts, reading.asker)
        return [_with_guidance(mark, guidance, reading.hidden) for mark in out]

    async def _compare(self, analysis: Analysis) -> Analysis:
        """Set the embedded engine's own reading beside a model that reports nothing."""
        if self._reader is None or analysis.commitments:
            return analysis
        try:
            own: Analysis = await asyncio.to_thread(self._reader.analyze, analysis.call, None)
        except CallSetAside:
            return analysis
        strong = [
            m for m in own.commitments if (m.confidence or 0) >= _STRONG and m.strength != "hedged"
        ]
        if not strong:
            return analysis
        turns = ", ".join(str(m.turn) for m in strong[:5])
        note = (
            f"to review: the model reports no commitment, the embedded engine sees {len(strong)} "
            f"(turns {turns})"
        )
        return analysis.model_copy(update={"notes": (*analysis.notes, note), "needs_review": True})


def prompt_version() -> str:
    """Names of the prompts and eight hex digits that change with any of their words."""
    prompts = [get_prompt(task) for task in ("mark", "judge", "guide")]
    digest = hashlib.sha256("".join(p.sha256 for p in prompts).encode()).hexdigest()[:8]
    return f"{'+'.join(p.name for p in prompts)}@{digest}"


def _start_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop

        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    except ImportError:
        loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="wordbond-llm", daemon=True).start()
    return loop


def _original(call: Call, hidden: Redaction, turn: int, start: int, end: int) -> str:
    first, last = hidden.original_span(turn, start, end)
    return call.turns[turn].text[first:last]


def _asked(mark: Commitment, placed: PlacedCommitment, shown: Call) -> Asked:
    quote = shown.turns[placed.turn].text[placed.start : placed.end]
    query = " ".join((placed.mark.query or "", placed.mark.summary or "", quote)).strip()
    return Asked(
        id=mark.id,
        turn=placed.turn,
        shown_quote=quote,
        kind=mark.kind,
        strength=mark.strength,
        summary=placed.mark.summary or "",
        query=query[:1000],
    )


def _commitment(
    mark_id: str, placed: PlacedCommitment, call: Call, hidden: Redaction
) -> Commitment:
    mark = placed.mark
    quote = _original(call, hidden, placed.turn, placed.start, placed.end)
    withdrawn = mark.withdrawn_at
    if withdrawn is not None and not placed.turn < withdrawn < len(call.turns):
        withdrawn = None
    return Commitment(
        id=mark_id,
        turn=placed.turn,
        quote=quote,
        kind=mark.kind,
        strength=mark.strength,
        summary=hidden.restore(mark.summary) if mark.summary else None,
        due=_due(mark.due_said, quote, call, placed.turn, hidden),
        amount=_amount(mark.amount, mark.currency),
        condition=hidden.restore(mark.condition) if mark.condition else None,
        fulfilled_in_call=mark.fulfilled_in_call,
        withdrawn_at=withdrawn,
        confidence=_UNDISPUTED,
    )


def _amount(value: float | None, currency: str | None) -> Amount | None:
    # JSON has no infinity, but a number may overflow into it.
    if value is None or not np.isfinite(value):
        return None
    return Amount(value=value, currency=currency or None)


def _due(said: str | None, quote: str, call: Call, turn: int, hidden: Redaction) -> Due | None:
    known = days_in_full(call, turn)
    if not said or not said.strip():
        return find_due(quote, call.date, known)
    words = hidden.restore(said).strip()
    found = find_due(words, call.date, known) or find_due(quote, call.date, known)
    return Due(said=words, date=found.date if found else None)


def _stonewall(wall: PlacedStonewall, call: Call, hidden: Redaction) -> Stonewall:
    return Stonewall(
        start=wall.first,
        end=wall.last,
        tactics=tuple(dict.fromkeys(wall.mark.tactics)),
        severity=wall.mark.severity,
        quote=_original(call, hidden, wall.turn, wall.start, wall.end),
        why=hidden.restore(wall.mark.why) if wall.mark.why else None,
        confidence=_UNDISPUTED,
    )


def _restored(aside: SetAside, hidden: Redaction) -> SetAside:
    mark = {k: hidden.restore(v) if isinstance(v, str) else v for k, v in aside.mark.items()}
    return aside.model_copy(update={"mark": mark})


def _with_verdict(
    mark: Commitment, found: Judged, ranked: Sequence[tuple[str, float]], reading: _Reading
) -> Commitment:
    hidden = reading.hidden
    verdict = found.derived.verdict
    doubts = list(found.doubts)
    if verdict == "exceeds_authority" and reading.call.turns[mark.turn].position is None:
        verdict = "conditions_unverified"
        doubts.append("the agent's position is not known, so nobody can say what lies beyond it")
    retrieved = dict.fromkeys((*found.clauses, *(clause for clause, _ in ranked)))
    why = hidden.restore(found.judgement.why)
    if doubts:
        why = f"{why} To review: {'; '.join(hidden.restore(d) for d in doubts)}."
    return mark.model_copy(
        update={
            "verdict": verdict,
            "clauses": found.clauses,
            "policy_conflict": found.conflict,
            "clause_quote": found.quote,
            "conditions": tuple(
                c.model_copy(update={"text": hidden.restore(c.text)})
                for c in found.derived.conditions
            ),
            "retrieved": tuple(retrieved)[:10],
            "why": why,
            "confidence": _DISPUTED if doubts else _UNDISPUTED,
            "needs_review": bool(doubts),
            "explanation": explain(found, ranked),
        }
    )


def _with_guidance(mark: Commitment, guidance: dict[str, Any], hidden: Redaction) -> Commitment:
    advice = guidance.get(mark.id)
    if advice is None or not mark.is_conflict:
        return mark
    return mark.model_copy(
        update={
            "resolution": advice.resolution,
            "guidance": {
                "reason": hidden.restore(advice.reason),
                "customer": hidden.restore(advice.customer_words),
                "coach": hidden.restore(advice.coach_words),
            },
        }
    )
