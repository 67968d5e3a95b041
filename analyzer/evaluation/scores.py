"""The scores that the annotation guide defines, as pure functions over records.

What a call contributes is kept apart from every other call's, so that
:mod:`analyzer.evaluation.intervals` can draw calls with replacement. Every score is a mean of
ratios whose numerators and denominators add up over calls (:func:`contributions`); that one
definition serves the value and its interval alike.

Where the guide leaves room, the reading that credits an engine with less was taken:

- A hedged mark, gold or predicted, stays out of the count: it is no hit and no error. A firm gold
  mark that only a hedged prediction matches is therefore missed, and a firm prediction that matches
  a hedged gold mark is neither right nor wrong.
- A predicted conflict is one by its verdict alone, whatever its strength: that is what a reader
  sees flagged.
- More than three ``clauses`` on a mark is a miss for both clause scores.
- A call that was set aside misses all that there was to find in it, and is not a quiet call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from analyzer.domain import CONFLICTS, VERDICTS
from analyzer.evaluation.matching import (
    CallKey,
    Mark,
    MatchedCall,
    Record,
    is_conflict,
    is_gold_conflict,
    is_hedged,
    key_of,
    match_call,
)

#: Maps (company, call id, id of a predicted mark) to the id of the gold mark that it matches.
LinkTargets = Mapping[tuple[str | None, str, str], str]

_MOST_CLAUSES = 3
_RETRIEVED = 5


@dataclass(frozen=True)
class Contribution:
    """What a call, or a set of calls, adds to one score.

    Attributes:
        items: What the score is counted over: gold marks for a recall or an F1, predicted ones for
            a precision, matched ones or calls for a share.
        ratios: (numerator, denominator) pairs, always equally many for one score.
    """

    items: int
    ratios: tuple[tuple[int, int], ...]

    def __add__(self, other: Contribution) -> Contribution:
        """What both add together."""
        return Contribution(
            self.items + other.items,
            tuple(
                (above + more_above, below + more_below)
                for (above, below), (more_above, more_below) in zip(
                    self.ratios, other.ratios, strict=True
                )
            ),
        )

    @property
    def value(self) -> float | None:
        """Mean of the ratios that have a denominator; None where there was nothing to count."""
        counted = [above / below for above, below in self.ratios if below]
        return sum(counted) / len(counted) if counted else None


@dataclass(frozen=True)
class Tally:
    """Hits, what was predicted and what there was to find."""

    hits: int = 0
    predicted: int = 0
    gold: int = 0

    @property
    def precision(self) -> Contribution:
        """Hits over predicted."""
        return Contribution(self.predicted, ((self.hits, self.predicted),))

    @property
    def recall(self) -> Contribution:
        """Hits over gold."""
        return Contribution(self.gold, ((self.hits, self.gold),))

    @property
    def f1(self) -> Contribution:
        """The harmonic mean of the two, 0 where all that was predicted is wrong."""
        return Contribution(self.gold, ((2 * self.hits, self.predicted + self.gold),))


@dataclass(frozen=True)
class CallCounts:
    """Everything that one call contributes to the scores.

    Attributes:
        company: Company key of the call.
        call_id: Id of the call.
        is_analysed: False for a call that was set aside.
        commitment: Commitments, hedged ones left out.
        flag: Conflicts, end to end.
        wall_turns: Turns inside a stonewall.
        wall_spans: Stonewalls.
        links: Links to earlier calls' commitments.
        kinds: (gold, predicted) kind of each matched mark.
        strengths: (gold, predicted) strength of each matched mark.
        verdicts: (gold, predicted) verdict of each matched mark whose gold one is firm or
            conditional; the predicted one may be None, which is wrong.
        clause_first: Whether the decisive clause was named first, per matched mark that has one.
        clause_in_five: Whether it was among the first five retrieved.
        quiet: For a call with neither conflict nor stonewall, whether none was predicted.
        reviews: Whether each predicted firm or conditional mark was sent to review.
        quotes: Whether each predicted quote stands in its turn, or in a turn of its span.
    """

    company: str | None = None
    call_id: str = ""
    is_analysed: bool = True
    commitment: Tally = field(default_factory=Tally)
    flag: Tally = field(default_factory=Tally)
    wall_turns: Tally = field(default_factory=Tally)
    wall_spans: Tally = field(default_factory=Tally)
    links: Tally = field(default_factory=Tally)
    kinds: tuple[tuple[str, str], ...] = ()
    strengths: tuple[tuple[str, str], ...] = ()
    verdicts: tuple[tuple[str, str | None], ...] = ()
    clause_first: tuple[bool, ...] = ()
    clause_in_five: tuple[bool, ...] = ()
    quiet: bool | None = None
    reviews: tuple[bool, ...] = ()
    quotes: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Score:
    """A figure and what it was counted over; ``value`` is None where there was nothing to count."""

    value: float | None
    items: int


def match_calls(
    gold: Iterable[Record], predicted: Mapping[CallKey, Record]
) -> tuple[MatchedCall, ...]:
    """Lay every gold call beside the prediction with its company and id.

    Args:
        gold: Labelled records.
        predicted: Predicted records by (company, call id); a call without one counts as set aside.

    Returns:
        One matched call a gold call, in order.
    """
    return tuple(match_call(record, predicted.get(key_of(record))) for record in gold)


def count_calls(matched: Sequence[MatchedCall]) -> tuple[CallCounts, ...]:
    """Count what each call contributes.

    Args:
        matched: Every call of the gold set, so that links between calls can be followed.

    Returns:
        One count a call, in order.
    """
    targets: dict[tuple[str | None, str, str], str] = {}
    for call in matched:
        for i, j in call.pairs:
            targets[(*call.key, call.guesses[j]["id"])] = call.marks[i]["id"]
    return tuple(_count_call(call, targets) for call in matched)


def contributions(counts: CallCounts) -> dict[str, Contribution]:
    """What a call adds to each score.

    Returns:
        Contributions by score, in the order in which scores are reported; the names and the number
        of ratios are the same for every call.
    """
    conflicts = Tally(
        sum(1 for want, got in counts.verdicts if want in CONFLICTS and got in CONFLICTS),
        sum(1 for _, got in counts.verdicts if got in CONFLICTS),
        sum(1 for want, _ in counts.verdicts if want in CONFLICTS),
    )
    quiet = () if counts.quiet is None else (counts.quiet,)
    return {
        "commitment F1": counts.commitment.f1,
        "commitment precision": counts.commitment.precision,
        "commitment recall": counts.commitment.recall,
        "kind accuracy": _share([want == got for want, got in counts.kinds]),
        "strength accuracy": _share([want == got for want, got in counts.strengths]),
        "verdict accuracy": _share([want == got for want, got in counts.verdicts]),
        "verdict macro-F1": _macro_f1(counts.verdicts),
        "conflict F1": conflicts.f1,
        "flag F1": counts.flag.f1,
        "flag precision": counts.flag.precision,
        "flag recall": counts.flag.recall,
        "clause first": _share(counts.clause_first),
        "clause in five": _share(counts.clause_in_five),
        "stonewall turn F1": counts.wall_turns.f1,
        "stonewall span F1": counts.wall_spans.f1,
        "links F1": counts.links.f1,
        "quiet calls": _share(quiet),
        "sent to review": _share(counts.reviews),
        "quotes verbatim": _share(counts.quotes),
    }


def summarise(counts: Sequence[CallCounts]) -> dict[str, Score]:
    """All scores of the annotation guide over a set of calls.

    Returns:
        Scores by name, in the order in which they are reported.
    """
    totals = contributions(CallCounts())
    for one in counts:
        totals = {name: totals[name] + part for name, part in contributions(one).items()}
    return {name: Score(total.value, total.items) for name, total in totals.items()}


def _share(flags: Sequence[bool]) -> Contribution:
    return Contribution(len(flags), ((sum(flags), len(flags)),))


def _macro_f1(verdicts: Sequence[tuple[str, str | None]]) -> Contribution:
    # One ratio a verdict: a verdict that neither side gives has no F1 and stays out of the mean.
    ratios = []
    for verdict in VERDICTS:
        hits = sum(1 for want, got in verdicts if want == got == verdict)
        given = sum((want == verdict) + (got == verdict) for want, got in verdicts)
        ratios.append((2 * hits, given))
    return Contribution(len(verdicts), tuple(ratios))


def _count_call(call: MatchedCall, targets: LinkTargets) -> CallCounts:
    company, call_id = call.key
    matched = [(call.marks[i], call.guesses[j]) for i, j in call.pairs]
    judged = [
        (mark, guess) for mark, guess in matched if not is_hedged(mark) and mark.get("verdict")
    ]
    flag = _count_flags(call)
    inside, shown = _turns_of(call.walls), _turns_of(call.wall_guesses)
    is_quiet_gold = not flag.gold and not call.walls
    clauses = [_find_clause(mark, guess) for mark, guess in judged if _has_clause(mark)]
    return CallCounts(
        company=company,
        call_id=call_id,
        is_analysed=call.predicted is not None,
        commitment=_count_commitments(call),
        flag=flag,
        wall_turns=Tally(len(inside & shown), len(shown), len(inside)),
        wall_spans=Tally(len(call.wall_pairs), len(call.wall_guesses), len(call.walls)),
        links=_count_links(call, targets),
        kinds=tuple((mark["kind"], guess["kind"]) for mark, guess in matched),
        strengths=tuple((mark["strength"], guess["strength"]) for mark, guess in matched),
        verdicts=tuple((mark["verdict"], guess.get("verdict")) for mark, guess in judged),
        clause_first=tuple(first for first, _ in clauses),
        clause_in_five=tuple(in_five for _, in_five in clauses),
        quiet=_is_quiet(call, flag) if is_quiet_gold else None,
        reviews=tuple(bool(g.get("needs_review")) for g in call.guesses if not is_hedged(g)),
        quotes=tuple(_check_quotes(call)),
    )


def _count_commitments(call: MatchedCall) -> Tally:
    hedged_gold = {j for i, j in call.pairs if is_hedged(call.marks[i])}
    return Tally(
        hits=sum(
            not is_hedged(call.marks[i]) and not is_hedged(call.guesses[j]) for i, j in call.pairs
        ),
        predicted=sum(
            not is_hedged(guess) and j not in hedged_gold for j, guess in enumerate(call.guesses)
        ),
        gold=sum(not is_hedged(mark) for mark in call.marks),
    )


def _count_flags(call: MatchedCall) -> Tally:
    return Tally(
        hits=sum(
            is_gold_conflict(call.marks[i]) and is_conflict(call.guesses[j]) for i, j in call.pairs
        ),
        predicted=sum(map(is_conflict, call.guesses)),
        gold=sum(map(is_gold_conflict, call.marks)),
    )


def _turns_of(walls: Sequence[Mark]) -> set[int]:
    return {turn for wall in walls for turn in range(wall["start"], wall["end"] + 1)}


def _is_quiet(call: MatchedCall, flag: Tally) -> bool:
    return call.predicted is not None and not flag.predicted and not call.wall_guesses


def _has_clause(mark: Mark) -> bool:
    return mark["verdict"] != "not_addressed" and bool(mark.get("clauses"))


def _find_clause(mark: Mark, guess: Mark) -> tuple[bool, bool]:
    decisive = mark["clauses"][0]
    named = list(guess.get("clauses") or ())
    if len(named) > _MOST_CLAUSES:
        return False, False
    return named[:1] == [decisive], decisive in list(guess.get("retrieved") or ())[:_RETRIEVED]


def _count_links(call: MatchedCall, targets: LinkTargets) -> Tally:
    company, _ = call.key
    wanted = {
        (
            link["turn"],
            link["to_call"],
            ("gold", link["to_commitment"]),
            link["relation"],
        )
        for link in call.gold.get("links") or ()
    }
    found = set()
    for link in (call.predicted or {}).get("links") or ():
        named = link["to_commitment"]
        target = targets.get((company, link["to_call"], named))
        end = ("gold", target) if target is not None else ("matches no gold mark", named)
        found.add((link["turn"], link["to_call"], end, link["relation"]))
    return Tally(len(wanted & found), len(found), len(wanted))


def _check_quotes(call: MatchedCall) -> list[bool]:
    texts = [str(turn["text"]) for turn in call.gold["turns"]]
    checks = [
        any(guess["quote"] in text for text in texts[guess["turn"] : guess["turn"] + 1])
        for guess in call.guesses
    ]
    for wall in call.wall_guesses:
        quote = str(wall.get("quote") or "")
        spoken = texts[wall["start"] : wall["end"] + 1]
        checks.append(bool(quote) and any(quote in text for text in spoken))
    return checks
