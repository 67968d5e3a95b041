"""Puts placeholders in the place of personal data, and finds the way back."""
# ruff: noqa: E501, PLR2004 - tables of words and patterns; small counts of words

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from analyzer.domain import Call, Turn
from analyzer.redaction.addresses import find_addresses, find_shapes
from analyzer.redaction.cues import CueKind
from analyzer.redaction.digits import WHOLE, Piece, find_numbers
from analyzer.redaction.emails import find_echoes, find_emails
from analyzer.redaction.names import Person, find_names
from analyzer.redaction.numbers import find_runs, plain
from analyzer.redaction.result import PLACEHOLDER, Redaction, Swap
from analyzer.redaction.said import Said, read_turns

KINDS: tuple[CueKind, ...] = (
    "card",
    "account",
    "email",
    "phone",
    "government_id",
    "address",
    "name",
)
_LABEL = {
    "card": "CARD",
    "account": "ACCOUNT",
    "email": "EMAIL",
    "phone": "PHONE",
    "government_id": "GOVERNMENT_ID",
    "address": "ADDRESS",
    "name": "NAME",
}
#: Digits two values share at least before they count as one number.
_SHARED = 6


@dataclass(slots=True)
class _Entity:
    kind: CueKind
    label: str
    value: str
    shown: str
    is_ending: bool = False


def keep(call: Call) -> Redaction:
    """The call as it is, for when redaction is switched off."""
    return Redaction(call, MappingProxyType(dict.fromkeys(KINDS, 0)))


def redact(call: Call) -> Redaction:
    """Replace personal data by placeholders that stay the same for a value within the call.

    Args:
        call: A call as read.

    Returns:
        The masked call with what leads back to the original.
    """
    turns = call.turns
    said = read_turns(turns)
    people, named = find_names(call, said)
    emails = find_emails(said)
    pieces = _disjoint(
        turns,
        emails,
        find_shapes(said),
        _recorded(call),
        find_addresses(said),
        find_numbers(said),
        named,
        find_echoes(said, emails) if emails else [],
    )
    taken = {m for turn in turns if "[" in turn.text for m in PLACEHOLDER.findall(turn.text)}
    entities, labels = _entities(pieces, turns, people, taken)
    extra = _again(said, pieces, entities)
    counts = Counter(p.kind for p, _ in extra)
    marked: list[list[tuple[int, int, str]]] = [[] for _ in turns]
    for piece, label in zip(pieces, labels, strict=True):
        marked[piece.turn].append((piece.start, piece.end, label))
        counts[piece.kind] += 1
    for piece, label in extra:
        marked[piece.turn].append((piece.start, piece.end, label))
    masked: list[Turn] = []
    swaps: list[tuple[Swap, ...]] = []
    speaker = _speakers(turns, people, entities)
    for turn, marks in zip(turns, marked, strict=True):
        text, moved = _replace(turn.text, sorted(marks))
        swaps.append(moved)
        name = speaker.get(turn.name or "", None) if turn.role == "customer" else turn.name
        if text is turn.text and name == turn.name and not turn.model_extra:
            masked.append(turn)
            continue
        masked.append(
            Turn.model_construct(
                turn=turn.turn,
                role=turn.role,
                text=text,
                name=name,
                position=turn.position,
                start=turn.start,
                end=turn.end,
            )
        )
    values = {}
    for entity in entities:
        values[f"[{entity.label}]"] = entity.shown
        if entity.is_ending:
            values[f"[{entity.label}_END]"] = entity.value
        else:
            values[f"[{entity.label}_END]"] = entity.value[-4:]
    return Redaction(
        _bare(call, tuple(masked)),
        MappingProxyType({kind: counts.get(kind, 0) for kind in KINDS}),
        tuple(swaps),
        MappingProxyType(values),
    )


def _bare(call: Call, turns: tuple[Turn, ...]) -> Call:
    return Call.model_construct(
        call_id=call.call_id,
        company=call.company,
        date=call.date,
        started_at=call.started_at,
        timezone=call.timezone,
        customer_id=None,
        account_id=None,
        phone=None,
        agent_id=call.agent_id,
        team=call.team,
        channel=call.channel,
        language=call.language,
        turns=turns,
    )


def _speakers(
    turns: tuple[Turn, ...], people: list[Person], entities: list[_Entity]
) -> dict[str, str]:
    """What stands for the customer's name beside each turn."""
    labels = {e.value: f"[{e.label}]" for e in entities if e.kind == "name"}
    found = {}
    for name in {t.name for t in turns if t.role == "customer" and t.name}:
        if PLACEHOLDER.fullmatch(name):
            found[name] = name
            continue
        low = set(re.findall(r"[^\W\d_]{2,}", plain(name)))
        for number, person in enumerate(people):
            if low & set(person.parts) and str(number) in labels:
                found[name] = labels[str(number)]
                break
    return found


def _recorded(call: Call) -> list[Piece]:
    """Places where the ids and the phone of the call's record are said as they are written."""
    found: list[Piece] = []
    for value, kind in (
        (call.customer_id, "account"),
        (call.account_id, "account"),
        (call.phone, "phone"),
    ):
        short = (value or "").strip()
        if len(short) < 5 or not any(c.isdigit() for c in short):
            continue
        for index, turn in enumerate(call.turns):
            at = turn.text.find(short)
            while at >= 0:
                found.append(
                    Piece(
                        index,
                        at,
                        at + len(short),
                        "phone" if kind == "phone" else "account",
                        short.upper(),
                    )
                )
                at = turn.text.find(short, at + len(short))
    return found


def _disjoint(turns: tuple[Turn, ...], *sources: list[Piece]) -> list[Piece]:
    """Pieces in order spoken; where two overlap, the earlier source's, and what sticks out of it."""
    chosen: list[Piece] = []
    by_turn: dict[int, list[Piece]] = {}
    for source in sources:
        for piece in source:
            others = by_turn.setdefault(piece.turn, [])
            if any(piece.start < o.end and piece.end > o.start for o in others):
                if piece.kind in ("name", "address"):
                    continue
                for start, end in _outside(piece, others):
                    said = re.sub(
                        r"[^0-9A-Z]", "", plain(turns[piece.turn].text[start:end]).upper()
                    )
                    rest = replace(piece, start=start, end=end, value=said, chain=None)
                    others.append(rest)
                    chosen.append(rest)
                continue
            others.append(piece)
            chosen.append(piece)
    return sorted(chosen, key=lambda p: (p.turn, p.start))


def _outside(piece: Piece, others: list[Piece]) -> list[tuple[int, int]]:
    spans = [(piece.start, piece.end)]
    for other in others:
        cut: list[tuple[int, int]] = []
        for start, end in spans:
            if other.end <= start or other.start >= end:
                cut.append((start, end))
                continue
            if start < other.start:
                cut.append((start, other.start))
            if other.end < end:
                cut.append((other.end, end))
        spans = cut
    return [s for s in spans if s[1] - s[0] > 2]


@dataclass(slots=True)
class _Register:
    """The values met so far and the placeholders given out; ``taken`` stand in the call already."""

    taken: set[str]
    entities: list[_Entity] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)

    def new(self, kind: CueKind, value: str, shown: str, *, is_ending: bool = False) -> _Entity:
        label = ""
        while not label or f"[{label}]" in self.taken or f"[{label}_END]" in self.taken:
            self.numbers[kind] += 1
            label = f"{_LABEL[kind]}_{self.numbers[kind]}"
        entity = _Entity(kind, label, value, shown, is_ending)
        self.entities.append(entity)
        return entity

    def find(self, kind: CueKind, value: str) -> _Entity | None:
        return next((e for e in self.entities if e.kind == kind and _is_same(e, value)), None)

    def find_ending(self, kind: CueKind, value: str) -> _Entity | None:
        return next((e for e in self.entities if e.kind == kind and e.value.endswith(value)), None)


def _entities(
    pieces: list[Piece], turns: tuple[Turn, ...], people: list[Person], taken: set[str]
) -> tuple[list[_Entity], list[str]]:
    """One entity a value, and the placeholder of each piece."""
    register = _Register(taken)
    chains = _chain_values(pieces, turns)
    placed: dict[int, _Entity] = {}
    by_chain: dict[int, _Entity] = {}
    # Whole numbers first, so that an ending heard before them finds its number.
    for number, piece in enumerate(pieces):
        if piece.is_ending:
            continue
        value = _value(piece, chains)
        shown = value if value != piece.value else _text_of(piece, turns)
        if piece.kind == "name":
            shown = people[int(piece.value)].full
        is_part = piece.chain is not None and value != piece.value
        entity = by_chain.get(piece.chain or 0) if is_part else None
        entity = (
            entity or register.find(piece.kind, value) or register.new(piece.kind, value, shown)
        )
        if piece.chain is not None:
            by_chain[piece.chain] = entity
        placed[number] = entity
    labels: list[str] = []
    for number, piece in enumerate(pieces):
        if number in placed:
            labels.append(f"[{placed[number].label}]")
            continue
        found = register.find_ending(piece.kind, piece.value) or register.new(
            piece.kind, piece.value, _text_of(piece, turns), is_ending=True
        )
        labels.append(f"[{found.label}_END]")
    return register.entities, labels


def _text_of(piece: Piece, turns: tuple[Turn, ...]) -> str:
    return turns[piece.turn].text[piece.start : piece.end]


def _chain_values(pieces: list[Piece], turns: tuple[Turn, ...]) -> dict[int, str]:
    """The number each chain spells: the customer's pieces in order, or else whoever said most."""
    said: dict[int, dict[str, str]] = {}
    for piece in pieces:
        if piece.chain is not None and not piece.is_ending:
            roles = said.setdefault(piece.chain, {})
            role = turns[piece.turn].role
            roles[role] = roles.get(role, "") + piece.value
    return {
        chain: roles.get("customer") or max(roles.values(), key=len)
        for chain, roles in said.items()
    }


def _value(piece: Piece, chains: dict[int, str]) -> str:
    if piece.chain is None or piece.kind == "name":
        return piece.value
    if len(piece.value) >= WHOLE.get(piece.kind, 99):
        return piece.value
    return chains.get(piece.chain, piece.value)


def _is_same(entity: _Entity, value: str) -> bool:
    if entity.value == value:
        return True
    if entity.kind in ("name", "address"):
        return False
    short, long = sorted((entity.value, value), key=len)
    if entity.kind == "email":
        return len(short) > 3 and long.startswith(short)
    return len(short) >= _SHARED and (short in long or short.lstrip("0") in long)


def _again(
    turns: list[Said], pieces: list[Piece], entities: list[_Entity]
) -> list[tuple[Piece, str]]:
    """Numbers known from elsewhere in the call that are said again without a cue."""
    known = [e for e in entities if e.kind not in ("name", "address")]
    if not known:
        return []
    spans: dict[int, list[tuple[int, int]]] = {}
    for piece in pieces:
        spans.setdefault(piece.turn, []).append((piece.start, piece.end))
    found: list[tuple[Piece, str]] = []
    for turn in turns:
        if not turn.has_number:
            continue
        index = turn.index
        for run in find_runs(turn.low):
            digits = run.digits
            if len(digits) < 4 or any(
                run.start < e and run.end > s for s, e in spans.get(index, [])
            ):
                continue
            for entity in known:
                whole = re.sub(r"[^0-9]", "", entity.value)
                if len(whole) >= 4 and (digits == whole or (len(digits) >= 5 and digits in whole)):
                    suffix = "_END" if entity.is_ending else ""
                    found.append(
                        (
                            Piece(index, run.start, run.end, entity.kind, digits),
                            f"[{entity.label}{suffix}]",
                        )
                    )
                    break
                if len(digits) == 4 and whole.endswith(digits):
                    found.append(
                        (
                            Piece(index, run.start, run.end, entity.kind, digits),
                            f"[{entity.label}_END]",
                        )
                    )
                    break
    return found


def _replace(text: str, marks: list[tuple[int, int, str]]) -> tuple[str, tuple[Swap, ...]]:
    if not marks:
        return text, ()
    parts: list[str] = []
    swaps: list[Swap] = []
    at = length = 0
    for start, end, label in marks:
        parts += [text[at:start], label]
        length += start - at
        swaps.append(Swap(length, length + len(label), start, end))
        length += len(label)
        at = end
    parts.append(text[at:])
    return "".join(parts), tuple(swaps)
