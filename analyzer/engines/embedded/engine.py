"""The embedded engine: reads and judges a call on this machine, with no key and no network."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Amount, Analysis, Call, Commitment
from analyzer.embedders import Embedder, PackagedEmbedder, packaged_embedder
from analyzer.engines.embedded.arithmetic import days_in_full
from analyzer.engines.embedded.clause_index import ClauseIndex
from analyzer.engines.embedded.commitments import (
    DraftMark,
    condition_of,
    find_marks,
    is_done,
    withdrawn_at,
)
from analyzer.engines.embedded.heads import Heads, load_heads
from analyzer.engines.embedded.language_check import looks_english
from analyzer.engines.embedded.pairs import Promise, describe_promise
from analyzer.engines.embedded.reading import CallReading, read_call
from analyzer.engines.embedded.stonewalls import find_stonewalls, score_turns
from analyzer.engines.embedded.verdicts import Judgement, Thresholds, judge
from analyzer.errors import CallSetAside
from analyzer.language.dates import find_due
from analyzer.policy_book import PolicyView, embed_clause, join_vectors
from analyzer.resolution import propose_resolution

Floats = NDArray[np.float32]

_KEPT_VIEWS = 64


@dataclass(frozen=True)
class Survey:
    """An analysis with the likelihoods that it rests on.

    Attributes:
        analysis: What the engine marks.
        marks: For each agent's turn how likely it holds a commitment.
        walls: For each agent's turn how likely it is part of a stonewall.
        conflicts: For each commitment, by id, how likely it is one and a conflict.
    """

    analysis: Analysis
    marks: dict[int, float]
    walls: dict[int, float]
    conflicts: dict[str, float]


class EmbeddedEngine:
    """Marks and judges with the packaged encoder, small trained heads, and comparisons in code.

    Vectors of clauses are those of the packaged embedder whatever the library uses: the heads were
    trained on them. A view whose vectors come from another embedder is embedded again, once.

    Args:
        embedder: The packaged embedder; built where None.
        heads: The trained heads; read from the package where None.
    """

    name = "embedded"
    prompt_version: str | None = None

    def __init__(
        self, embedder: PackagedEmbedder | None = None, heads: Heads | None = None
    ) -> None:
        self._embedder = embedder or packaged_embedder()
        self._heads = heads or load_heads()
        limits = self._heads.about.get("thresholds", {})
        self._mark_least = float(limits.get("mark", 0.5))
        self._wall_least = float(limits.get("wall", 0.3))
        self._wall_peak = float(limits.get("wall_peak", 0.5))
        self._limits = Thresholds(
            **{k: float(v) for k, v in limits.items() if k in Thresholds.__dataclass_fields__}
        )
        self._indexes: OrderedDict[str, ClauseIndex] = OrderedDict()
        self.model = f"{self._embedder.name}+heads-{self._heads.version}"

    def close(self) -> None:
        """Nothing is held open."""

    def analyze(self, call: Call, view: PolicyView | None) -> Analysis:
        """Read and judge one call; see :class:`analyzer.engines.Engine`.

        Raises:
            CallSetAside: If the call is not in English.
        """
        return self.survey(call, view).analysis

    def survey(self, call: Call, view: PolicyView | None) -> Survey:
        """Read and judge one call, and say how likely what was not marked is.

        Raises:
            CallSetAside: If the call is not in English.
        """
        if not looks_english(call):
            language = f" (it says {call.language!r})" if call.language else ""
            raise CallSetAside(
                f"Call {call.call_id} is not in English{language}; the embedded engine reads "
                "English only. If that is wrong, set `language` to en in the transcript."
            )
        reading = read_call(call, self._embedder)
        drafts, likely = find_marks(reading, self._heads, least=self._mark_least)
        index = self._index(view) if view is not None and view.clauses else None
        promises = [
            describe_promise(call, draft.turn, draft.quote, draft.kind, draft.strength)
            for draft in drafts
        ]
        matching = match_vectors(promises, self._embedder) if index is not None else None
        judged = [
            self._commitment(
                f"c{n}",
                draft,
                promise,
                reading,
                index,
                None if matching is None else matching[n - 1],
            )
            for n, (draft, promise) in enumerate(zip(drafts, promises, strict=True), 1)
        ]
        scored = score_turns(reading, self._heads, likely)
        walls = find_stonewalls(
            reading,
            self._heads,
            likely,
            least=self._wall_least,
            peak=self._wall_peak,
            scored=scored,
        )
        return Survey(
            Analysis(call=call, commitments=tuple(m for m, _ in judged), stonewalls=tuple(walls)),
            marks=likely,
            walls={t: float(p) for t, p in zip(scored.turns, scored.inside, strict=True)},
            conflicts={
                m.id: draft.probability * p for (m, p), draft in zip(judged, drafts, strict=True)
            },
        )

    def _index(self, view: PolicyView) -> ClauseIndex:
        key = f"{view.company}/{view.version}"
        if key not in self._indexes:
            if (
                view.vectors.shape[1] != self._embedder.dimension
                or view.embedder_name != self._embedder.name
            ):
                blocks = [embed_clause(clause, self._embedder) for clause in view.clauses]
                vectors, parts = join_vectors(blocks, dimension=self._embedder.dimension)
                view = replace(
                    view, vectors=vectors, parts=parts, embedder_name=self._embedder.name
                )
            self._indexes[key] = ClauseIndex(view, self._embedder)
            while len(self._indexes) > _KEPT_VIEWS:
                self._indexes.popitem(last=False)
        self._indexes.move_to_end(key)
        return self._indexes[key]

    def _commitment(
        self,
        mark_id: str,
        draft: DraftMark,
        promise: Promise,
        reading: CallReading,
        index: ClauseIndex | None,
        matching: Floats | None,
    ) -> tuple[Commitment, float]:
        call = reading.call
        conditional = draft.strength == "conditional"
        sums = [q for q in promise.quantities if q.dimension == "money"]
        mark = Commitment.model_validate(
            {
                "id": mark_id,
                "turn": draft.turn,
                "quote": draft.quote,
                "kind": draft.kind,
                "strength": draft.strength,
                "due": find_due(draft.quote, call.date, days_in_full(call, draft.turn)),
                "amount": Amount(value=sums[0].value, currency=sums[0].unit or None)
                if sums
                else None,
                "condition": condition_of(draft, call.turns[draft.turn].text)
                if conditional
                else None,
                "fulfilled_in_call": is_done(draft),
                "withdrawn_at": withdrawn_at(reading, draft),
                "confidence": round(draft.probability, 3),
            }
        )
        if index is None or matching is None or draft.strength == "hedged":
            return mark, 0.0
        found = judge(
            promise,
            query_vectors(reading, draft, promise, matching),
            index,
            self._heads,
            self._limits,
            certainty=draft.probability,
        )
        return self._with_verdict(mark, found, call, index), found.conflict

    @staticmethod
    def _with_verdict(
        mark: Commitment, found: Judgement, call: Call, index: ClauseIndex
    ) -> Commitment:
        judged = mark.model_copy(
            update={
                "verdict": found.verdict,
                "clauses": found.clauses,
                "retrieved": found.retrieved,
                "clause_quote": found.clause_quote,
                "conditions": found.conditions,
                "why": found.why,
                "confidence": found.confidence,
                "needs_review": found.needs_review,
            }
        )
        clause = index.view.find_clause(found.clauses[0]) if found.clauses else None
        resolution = propose_resolution(judged, call, clause.text if clause else "")
        return judged.model_copy(update={"resolution": resolution})


def match_vectors(promises: Sequence[Promise], embedder: Embedder) -> Floats:
    """Vectors of the texts that the encoder was trained to match with clauses.

    Args:
        promises: Of one call; their texts are embedded together.
        embedder: The packaged one.

    Returns:
        float32 ``(len(promises), 2, d)``, unit rows.
    """
    texts = [text or promise.quote for promise in promises for text in promise.matching_texts]
    if not texts:
        return np.zeros((0, 2, embedder.dimension), dtype=np.float32)
    return embedder.embed(texts).reshape(len(promises), 2, -1)


def query_vectors(
    reading: CallReading, draft: DraftMark, promise: Promise, matching: Floats
) -> Floats:
    """The vectors of a promise's queries, made from those that the call already has.

    A text that joins turns is taken as the mean of their vectors, each weighted by the square root
    of its length, at no cost.

    Args:
        reading: The call.
        draft: The mark.
        promise: The same, described.
        matching: Its rows of :func:`match_vectors`, ``(2, d)``.

    Returns:
        float32 ``(len(QUERY_NAMES) + 1, d)``, unit rows; the last is the customer's answer, zero
        where there is none.
    """
    call = reading.call
    vectors = reading.turn_vectors

    def weight(turn: int) -> float:
        return float(np.sqrt(len(call.turns[turn].text) + 1))

    customers = [t.turn for t in call.turns[: draft.turn] if t.role == "customer"][-2:]
    agents = [t.turn for t in call.turns[: draft.turn] if t.role == "agent"][-1:]
    asked = draft.vector * np.sqrt(len(promise.quote))
    if customers:
        asked = asked + vectors[customers[-1]] * weight(customers[-1])
    around = vectors[draft.turn] * weight(draft.turn)
    for turn in (*customers, *agents):
        around = around + vectors[turn] * weight(turn)
    following = reading.next_customer[draft.turn]
    answer = vectors[following] if following >= 0 else np.zeros_like(draft.vector)
    rows = np.stack([draft.vector, asked, vectors[draft.turn], around, *matching, answer]).astype(
        np.float32
    )
    normal: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return normal
