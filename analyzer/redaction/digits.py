"""Finds card, account, phone and other numbers, whole or in pieces over several turns.

What a number is, is told by the nearest cue in its turn, or else by what was asked for last. An ask
stays open over turns that only keep the talk going ("mhm", "go on", a repeat), so that a number
read out in pieces is taken whole.
"""
# ruff: noqa: E501, PLR2004 - tables of words and patterns; small counts of words

from __future__ import annotations

import re
from dataclasses import dataclass, field

from analyzer.redaction.cues import CUE_WORDS, SENSITIVE, Cue, CueKind, find_cues, words_left
from analyzer.redaction.judging import (
    cue_of,
    ending_of,
    is_card,
    is_counted,
    is_read_out,
    is_social,
    is_telephone,
)
from analyzer.redaction.numbers import NUMBER_WORDS, Run, find_runs, has_amount, plain
from analyzer.redaction.said import Said

#: "amelia_rossi_" of a user id; the tail alone is searched, as a turn may be long.
_HANDLE_BEFORE = re.compile(r"(?<!\w)[^\W_]{1,30}(?:_[^\W_]{1,30}){0,4}_\Z")
_CODE_BEFORE = re.compile(r"(?:\b[A-Z]{2,5}[\s-]+)+\Z")
_LETTERED: frozenset[CueKind] = frozenset({"account", "government_id", "address"})
#: Digits a number of the kind has at least when it is whole.
WHOLE: dict[str, int] = {"card": 13, "account": 7, "phone": 9, "government_id": 7, "address": 5}
#: An unexplained run this long is no price, date or count; hiding it loses little.
#: Digits after which a number is at its end: a card's are nineteen at most.
_LONGEST_NUMBER = 19
_LONG = 9
_CARD = range(13, 20)
_AHEAD = 6
_TELLING = NUMBER_WORDS - {"one", "oh", "o", "tree", "nil", "ow"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one turn to be hidden.

    ``chain`` joins the pieces of one number read out over several turns; None stands alone.
    """

    turn: int
    start: int
    end: int
    kind: CueKind
    value: str
    chain: int | None = None
    is_ending: bool = False


@dataclass(slots=True)
class _Ask:
    kind: CueKind
    is_strong: bool
    chain: int
    is_ending: bool = False
    quiet: int = 0


@dataclass(slots=True)
class _Reader:
    pieces: list[Piece] = field(default_factory=list)
    ask: _Ask | None = None
    chains: int = 0
    loose: list[tuple[int, Run]] = field(default_factory=list)
    said: dict[int, str] = field(default_factory=dict)

    def is_whole(self, ask: _Ask) -> bool:
        """Whether as many digits have been said as the number asked for has at least."""
        return len(self.said.get(ask.chain, "")) >= WHOLE.get(ask.kind, 99)

    def is_open(self, run: Run, turn: Said, left: int) -> bool:
        """Whether the number asked for can still go on: it is not whole, or is said again."""
        ask = self.ask
        said = self.said.get(ask.chain, "") if ask is not None else ""
        if ask is None or not said or (len(run.value) > 2 and run.value in said):
            return True
        if len(run.value) >= WHOLE.get(ask.kind, 0) and ask.kind != "address":
            return True
        if turn.role == "agent" and left > 1:
            return False
        if len(said) < WHOLE.get(ask.kind, 0):
            return True
        if ask.quiet > 0:
            return False
        if turn.role != "customer":
            return left == 0 and len(run.value) > 1 and said.endswith(run.value)
        if ask.kind == "address":
            return left == 0
        # Two digits by themselves end a number that is long enough already: "... ninety-six."
        least = 2 if left == 0 and len(said) < _LONGEST_NUMBER else 3
        return len(run.digits) >= least and left <= 3

    def new_chain(self) -> int:
        self.chains += 1
        return self.chains


def find_numbers(turns: list[Said]) -> list[Piece]:
    """Numbers to be hidden, in the order spoken.

    Args:
        turns: A call's turns.

    Returns:
        Pieces that do not overlap within a turn.
    """
    reader = _Reader()
    soon = _numbers_soon(turns)
    for turn in turns:
        if not soon[turn.index]:
            # No number follows for a while: what was asked for has been answered or dropped.
            _settle_loose(reader)
            reader.ask = None
            continue
        cues = [] if turn.words.isdisjoint(CUE_WORDS) else find_cues(turn.low)
        if turn.has_number or cues or reader.ask is not None or reader.loose:
            _read_turn(reader, turn, cues)
    _settle_loose(reader)
    return reader.pieces


def _numbers_soon(turns: list[Said]) -> list[bool]:
    """For each turn, whether it or one of the next few holds more of a number than "one"."""
    soon = [False] * len(turns)
    last = len(turns) + _AHEAD + 1
    for turn in reversed(turns):
        if turn.has_digit or (turn.has_number and not turn.words.isdisjoint(_TELLING)):
            last = turn.index
        soon[turn.index] = last - turn.index <= _AHEAD
    # The answer's own end may be a mere "one".
    return [s or (i > 0 and soon[i - 1]) for i, s in enumerate(soon)]


def _read_turn(reader: _Reader, turn: Said, cues: list[Cue]) -> None:
    low = turn.low
    wanted = {c.kind for c in cues} | ({reader.ask.kind} if reader.ask else set())
    lettered = not wanted.isdisjoint(_LETTERED)
    runs = _trimmed(find_runs(low, letters=lettered)) if turn.has_number or lettered else []
    left = (
        words_left(low, [(r.start, r.end) for r in runs])
        if runs or reader.ask or reader.loose
        else 9
    )
    if left < 9 and has_amount(low):
        left = max(left, 4)
    before = len(reader.pieces)
    for run in runs:
        _judge(reader, turn, run, cues, left=left)
    masked = len(reader.pieces) > before
    if turn.has_placeholder:
        # An earlier redaction has taken the answer.
        reader.ask = None
    loose_now = any(at == turn.index for at, _ in reader.loose)
    if reader.loose and not loose_now and left > 2:
        _settle_loose(reader)
    _move_ask(reader, turn, cues, masked=masked, is_bare=left <= 3)


def _trimmed(runs: list[Run]) -> list[Run]:
    """Runs without the article or pronoun that stands beside them."""
    out = []
    for run in runs:
        groups = list(run.groups)
        while len(groups) > 1 and groups[0].value in ("a", "i") and groups[1].kind != "letter":
            groups.pop(0)
        while (
            len(groups) > 1
            and groups[-1].value in ("a", "i", "s", "t", "m")
            and groups[-2].kind not in ("letter", "unit", "numeral")
        ):
            groups.pop()
        if len(groups) > 1 or groups[0].kind != "letter":
            out.append(Run(groups[0].start, groups[-1].end, tuple(groups)))
    return out


def _judge(reader: _Reader, turn: Said, run: Run, cues: list[Cue], *, left: int) -> None:
    """Hide the run where it is a number of a kind; else leave it, or set it aside."""
    low, digits, ask = turn.low, run.digits, reader.ask
    cue = cue_of(low, run, cues)
    if _is_obvious(low, run, cue, ask):
        _hide(reader, turn, run, _guess(low, run, cue, ask), cue)
    elif is_counted(low, run):
        return
    elif ending_of(low, run, cues) is not None and 2 <= len(digits) <= 8:
        kind = _ending_kind(cues, ask)
        reader.pieces.append(_piece(turn, run, kind, reader.new_chain(), is_ending=True))
    elif cue is not None:
        if cue.kind in SENSITIVE and _fits_cue(run, cue, left):
            _hide(reader, turn, run, cue.kind, cue)
    elif ask is not None:
        if _answers(reader, ask, turn, run, left):
            _hide(reader, turn, run, ask.kind, None)
    elif len(digits) >= _LONG and is_read_out(run):
        kind = _guess(low, run, cue, ask)
        reader.pieces.append(_piece(turn, run, kind, reader.new_chain(), is_ending=False))
    elif left <= 2 and digits and not run.is_cardinal:
        reader.loose.append((turn.index, run))


def _answers(reader: _Reader, ask: _Ask, turn: Said, run: Run, left: int) -> bool:
    """Whether the run answers what was asked for, or repeats the answer."""
    if ask.kind not in SENSITIVE:
        return False
    has_begun = bool(reader.said.get(ask.chain))
    return _fits_ask(run, ask, left, has_begun=has_begun) and reader.is_open(run, turn, left)


def _hide(reader: _Reader, turn: Said, run: Run, kind: CueKind, cue: Cue | None) -> None:
    """Note the run as a piece, of the number being read out or of a new one."""
    ask = reader.ask
    is_same = ask is not None and ask.kind == kind
    names_new = cue is not None and cue.kind == kind and turn.role == "customer"
    if ask is None or not is_same or names_new:
        ask = _Ask(
            kind,
            is_strong=True,
            chain=reader.new_chain(),
            is_ending=is_same and bool(ask and ask.is_ending),
        )
        reader.ask = ask
    is_ending = ask.is_ending and cue is None and len(run.digits) == 4
    said = reader.said.get(ask.chain, "")
    # What is read back is not one piece more.
    if len(run.value) < 3 or run.value not in said:
        reader.said[ask.chain] = said + run.value
    reader.pieces.append(_piece(turn, run, kind, ask.chain, is_ending=is_ending))


def _piece(turn: Said, run: Run, kind: CueKind, chain: int, *, is_ending: bool) -> Piece:
    start = run.start
    if kind in _LETTERED and kind != "address":
        code = _CODE_BEFORE.search(turn.text, max(0, start - 60), start)
        if code is not None and not find_cues(plain(code[0])):
            start = code.start()
    if (handle := _HANDLE_BEFORE.search(turn.text, max(0, start - 200), start)) is not None:
        start = handle.start()
    if start > 0 and turn.text[start - 1] in "+(":
        start -= 1
    value = re.sub(r"[^0-9A-Z]", "", turn.text[start : run.start].upper()) + run.value
    return Piece(turn.index, start, run.end, kind, value, chain, is_ending)


def _ending_kind(cues: list[Cue], ask: _Ask | None) -> CueKind:
    for strong in (True, False):
        for cue in cues:
            if cue.kind in SENSITIVE and cue.is_strong is strong and not cue.is_ending:
                return cue.kind
    return ask.kind if ask is not None and ask.kind in SENSITIVE else "card"


def _is_obvious(low: str, run: Run, cue: Cue | None, ask: _Ask | None) -> bool:
    """Whether the run shows by itself that it is a card, a phone or a social security number."""
    named = cue.kind if cue is not None else ask.kind if ask is not None else None
    is_strong = cue.is_strong if cue is not None else ask is not None and ask.is_strong
    if named == "keep" and is_strong:
        return False
    digits = run.digits
    if is_card(digits):
        return True
    return (
        named != "keep" and len(digits) >= _LONG and (is_telephone(low, run) or is_social(low, run))
    )


def _guess(low: str, run: Run, cue: Cue | None, ask: _Ask | None) -> CueKind:
    """The kind of an unexplained long number."""
    digits = run.digits
    if is_card(digits):
        return "card"
    named = cue.kind if cue is not None else ask.kind if ask is not None else None
    if named in SENSITIVE and named != "address":
        return named
    if is_social(low, run):
        return "government_id"
    return "phone" if len(digits) < 13 else "account"


def _fits_cue(run: Run, cue: Cue, left: int) -> bool:
    digits = len(run.digits)
    if run.is_cardinal and (digits < 6 or not cue.is_strong):
        return False
    letters = sum(g.kind == "letter" for g in run.groups)
    if cue.kind == "address":
        return digits + letters >= 2
    if cue.kind == "phone" and left > 3:
        return digits >= (5 if cue.is_strong else 6)
    if cue.is_strong:
        return digits >= 2 or letters > 2
    return digits >= (4 if cue.kind == "card" else 6) or (run.is_spelt and left <= 5)


def _is_piece(run: Run, left: int, *, has_begun: bool) -> bool:
    """Whether a short run is a piece of a number and no "oh", "one moment" or "the twenty-seven"."""
    digits = run.digits
    if len(digits) == 1:
        is_oh = digits == "0" and run.groups[0].kind == "unit"
        return left == 0 and (has_begun or not is_oh)
    is_count = len(run.groups) == 1 and run.groups[0].kind == "tens"
    return digits != "" and (not is_count or left == 0 or has_begun)


def _fits_ask(run: Run, ask: _Ask, left: int, *, has_begun: bool) -> bool:
    digits = len(run.digits)
    letters = sum(g.kind == "letter" for g in run.groups)
    if left <= 3:
        if ask.is_strong:
            return letters > 1 or _is_piece(run, left, has_begun=has_begun)
        if digits > 5 or run.is_spelt:
            return True
        if ask.kind == "card" and left <= 1 and digits > 1:
            # "Which card would you like to use?" is answered by its number, too.
            return _is_piece(run, left, has_begun=has_begun)
    if run.is_cardinal and digits < 6:
        return False
    if run.is_spelt or digits > 5:
        return True
    return (
        ask.is_strong
        and ask.quiet == 0
        and digits + letters > (2 if left < 8 else 3)
        and (len(run.groups) > 2 or run.groups[0].kind == "numeral")
    )


def _chosen(cues: list[Cue]) -> Cue | None:
    """The cue that says what a turn asks for.

    The name of a sensitive number outweighs all else: asking for a card "for the order" asks for it.
    """

    def weight(place: int) -> tuple[int, int]:
        cue = cues[place]
        if cue.is_strong:
            return (3 if cue.kind in SENSITIVE else 2), place
        return (1 if cue.kind != "keep" else 0), place

    return cues[max(range(len(cues)), key=weight)] if cues else None


def _move_ask(reader: _Reader, turn: Said, cues: list[Cue], *, masked: bool, is_bare: bool) -> None:
    """Open, keep or close the ask after a turn."""
    ask = reader.ask
    if masked:
        if ask is not None:
            ask.quiet = 0
        return
    ending = any(c.is_ending for c in cues)
    chosen = _chosen([c for c in cues if not c.is_ending])
    if chosen is not None:
        if _yields(reader, turn, chosen):
            is_strong = chosen.is_strong or ending
            reader.ask = _Ask(chosen.kind, is_strong, reader.new_chain(), is_ending=ending)
            return
        if ask is not None and (ask.kind == chosen.kind or ask.quiet > 0):
            return
    elif ending and (ask is None or ask.kind in SENSITIVE):
        kind = ask.kind if ask else "card"
        reader.ask = _Ask(kind, is_strong=True, chain=reader.new_chain(), is_ending=True)
        return
    if ask is not None:
        ask.quiet += not is_bare
        if ask.quiet > (2 if ask.is_strong else 1):
            reader.ask = None


def _yields(reader: _Reader, turn: Said, chosen: Cue) -> bool:
    """Whether what was asked for before gives way to the cue."""
    ask = reader.ask
    if ask is None or chosen.is_strong:
        return True
    if ask.kind == chosen.kind:
        return False
    asks = turn.text.rstrip().endswith("?")
    return not ask.is_strong or asks or ask.quiet > 0 or reader.is_whole(ask)


def _settle_loose(reader: _Reader) -> None:
    """Hide bare digits that add up to a number nobody named; forget those that do not."""
    long = sum(len(run.digits) for _, run in reader.loose) >= _LONG
    if long and is_read_out(*(run for _, run in reader.loose)):
        digits = "".join(run.digits for _, run in reader.loose)
        kind: CueKind = "card" if len(digits) in _CARD else "phone"
        chain = reader.new_chain()
        reader.pieces += [
            Piece(at, run.start, run.end, kind, run.value, chain) for at, run in reader.loose
        ]
    reader.loose.clear()
