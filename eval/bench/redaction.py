"""How much personal data still reads after redaction, and how much else it hides.

``python eval/bench/redaction.py`` redacts the calls in ``data/personal_data.jsonl``. There, ``{c1:...}``
marks the words of personal item 1 of kind c (an item may have several places, over several turns) and
``<...>`` words that must stay. An item has leaked when four of its digits in a row can still be read
from what is left of its marked words, or the local part of an e-mail, or a word of a name.
"""
# ruff: noqa: E501, SIM905 - sentences and word lists

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analyzer.domain import Analysis, Call
from analyzer.embedders import PackagedEmbedder, packaged_embedder
from analyzer.engines.embedded.engine import EmbeddedEngine
from analyzer.evaluation.run import read_gold, strip_labels
from analyzer.pipeline import analyze_call
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies
from analyzer.redaction import Redaction, redact

DATA = Path(__file__).parent / "data" / "personal_data.jsonl"
KINDS = {
    "c": "card",
    "a": "account",
    "p": "phone",
    "g": "government_id",
    "e": "email",
    "d": "address",
    "n": "name, introduced",
    "m": "name, metadata",
}
_MARK = re.compile(r"\{([a-z])([0-9]):([^}]*)\}|<([^<>]*)>")
_TITLES = {"mr", "mrs", "ms", "miss", "dr"}
_ONES = dict(
    zip("zero one two three four five six seven eight nine".split(), "0123456789", strict=True)
)
_TENS = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        "23456789",
        strict=True,
    )
)
_TEENS = {
    w: str(10 + n)
    for n, w in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
    )
}
#: Words of an address that any city has, or that say no more than the town.
_LOOSE = {
    "street",
    "road",
    "avenue",
    "lane",
    "north",
    "west",
    "south",
    "east",
    "apt",
    "flat",
    "drive",
}


@dataclass(frozen=True)
class Place:
    """Marked words: ``kind`` "stay" must be left, all else hidden."""

    kind: str
    item: str
    turn: int
    start: int
    end: int


@dataclass(frozen=True)
class Case:
    """A call with its marked places."""

    call: Call
    places: tuple[Place, ...]


@dataclass
class Tally:
    """Items of a kind, and those that leaked (or, of those to stay, were hidden)."""

    items: int = 0
    failed: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Failed items out of all; 0 where there are none."""
        return len(self.failed) / self.items if self.items else 0.0


def read_cases(path: Path = DATA) -> list[Case]:
    """Read the marked calls."""
    return [
        make_case(json.loads(line))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line
    ]


def make_case(record: dict[str, object]) -> Case:
    """A call from a record whose turns are marked."""
    lines = record.pop("turns")
    assert isinstance(lines, list)
    case_id = str(record.pop("id"))
    name = record.pop("name", None)
    turns: list[dict[str, object]] = []
    places: list[Place] = []
    for index, line in enumerate(lines):
        role = {"A": "agent", "C": "customer", "S": "system"}[line[0]]
        text = ""
        at = 0
        body = line[3:]
        for match in _MARK.finditer(body):
            text += body[at : match.start()]
            words = match[3] if match[1] else match[4]
            kind = KINDS[match[1]] if match[1] else "stay"
            item = f"{match[1]}{match[2]}" if match[1] else f"s{len(places)}"
            places.append(Place(kind, item, index, len(text), len(text) + len(words)))
            text += words
            at = match.end()
        text += body[at:]
        turns.append({"role": role, "text": text, "name": name if role == "customer" else None})
    return Case(Call.model_validate({"call_id": case_id, **record, "turns": turns}), tuple(places))


def kept_characters(redaction: Redaction, turn: int) -> set[int]:
    """Positions of the original turn's text whose characters still stand in the masked text."""
    seen: dict[tuple[int, int], int] = defaultdict(int)
    for at in range(len(redaction.call.turns[turn].text)):
        seen[redaction.original_span(turn, at, at + 1)] += 1
    return {start for (start, end), times in seen.items() if times == 1 and end == start + 1}


def read_digits(text: str) -> str:
    """Digits of a text, words read as digits; done here anew, to judge by another hand."""
    out = ""
    words = re.findall(r"[a-z]+|[0-9]", text.lower())
    for index, word in enumerate(words):
        before = words[index - 1] if index else ""
        times = {"double": 2, "triple": 3, "treble": 3}.get(before, 1)
        if word.isdigit():
            out += word * times
        elif word in ("oh", "o", "nought"):
            out += "0" * times
        elif word in _ONES:
            out = out[:-1] if before in _TENS else out
            out += _ONES[word] * times
        elif word in _TEENS:
            out += _TEENS[word]
        elif word in _TENS:
            out += _TENS[word] + "0"
        elif word == "hundred":
            out += "00"
        elif word == "thousand":
            out += "000"
    return out


def is_leaked(case: Case, places: list[Place], redaction: Redaction) -> bool:
    """Whether an item can still be read from what is left of its marked words."""
    kind = places[0].kind
    rests = [_rest(case, place, redaction) for place in places]
    masked = " ".join(t.text for t in redaction.call.turns)
    if kind.startswith("name"):
        return any(_has_name(rest) for rest in rests)
    if kind == "email":
        local = case.call.turns[places[0].turn].text[places[0].start : places[0].end]
        local = re.split(r"@|\bat\b", local)[0].strip().lower()
        whole = re.sub(r"[^a-z0-9]", "", local)
        return (len(whole) > 2 and local in masked.lower()) or any(
            len(
                re.sub(
                    r"\b(?:at|dot|com|underscore|gmail|hotmail|yahoo)\b|[^a-z0-9]", "", rest.lower()
                )
            )
            > 2
            for rest in rests
        )
    if kind == "address":
        return any(
            read_digits(rest) != ""
            or any(len(w) > 3 and w not in _LOOSE for w in re.findall(r"[a-z]+", rest.lower()))
            for rest in rests
        )
    # Pieces of an item are read together: "four one one" in one turn, "double two" in the next.
    return len("".join(read_digits(rest) for rest in rests)) > 3 or any(
        len(read_digits(r)) > 3 for r in rests
    )


def _rest(case: Case, place: Place, redaction: Redaction) -> str:
    kept = kept_characters(redaction, place.turn)
    text = case.call.turns[place.turn].text
    return "".join(text[at] if at in kept else " " for at in range(place.start, place.end))


def _has_name(rest: str) -> bool:
    words = [w for w in re.findall(r"[^\W\d_]+", rest.lower()) if w not in _TITLES]
    letters = sum(len(w) == 1 for w in words)
    return any(len(w) > 1 for w in words) or letters > 2


def score_cases(cases: list[Case]) -> dict[str, Tally]:
    """Redact all cases; a tally a kind, and "stay" for what must be left."""
    tallies: dict[str, Tally] = {kind: Tally() for kind in [*KINDS.values(), "stay"]}
    for case in cases:
        redaction = redact(case.call)
        items: dict[str, list[Place]] = defaultdict(list)
        for place in case.places:
            items[place.item].append(place)
        for item, places in items.items():
            tally = tallies[places[0].kind]
            tally.items += 1
            if places[0].kind == "stay":
                text = case.call.turns[places[0].turn].text[places[0].start : places[0].end]
                failed = _rest(case, places[0], redaction) != text
            else:
                failed = is_leaked(case, places, redaction)
            if failed:
                tally.failed.append(f"{case.call.call_id} {item} turn {places[0].turn}")
    return tallies


def time_usual_call(rounds: int = 200) -> float:
    """Milliseconds for a call of 40 turns of 20 words with hardly any personal data."""
    lines = (
        "I understand, let me have a look at what happened with your delivery and see what we can do for you",
        "I was told it would arrive on Tuesday but nobody came and there was no message, so I am not happy",
        "I can see the driver was delayed that day and it should have gone out again on the next morning",
        "That is what the last person said as well, and she promised somebody would ring me before the weekend",
    )
    turns = [
        {
            "role": "agent" if n % 2 == 0 else "customer",
            "text": lines[n % 4],
            "name": None if n % 2 == 0 else "Nora Feld",
        }
        for n in range(40)
    ]
    turns[20]["text"] = (
        "Thanks Nora, I have refunded 45 pounds to the card ending 4412 and it takes five days to show up"
    )
    call = Call.model_validate({"call_id": "t", "turns": turns})
    times = []
    for _ in range(rounds):
        before = time.perf_counter()
        redact(call)
        times.append(time.perf_counter() - before)
    return sorted(times)[len(times) // 2] * 1000


class OneByOne(PackagedEmbedder):
    """The packaged encoder on one text at a time: its int8 vectors depend on what shares a batch."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts, each by itself."""
        rows = [super(OneByOne, self).embed([text]) for text in texts]
        return np.concatenate(rows) if rows else super().embed(texts)


def compare_verdicts(folder: Path, embedder: PackagedEmbedder) -> tuple[int, int, int]:
    """Read labelled calls with the embedded engine as they are and masked.

    Args:
        folder: Holds ``calls.jsonl`` and the companies' policies.
        embedder: The engine's encoder.

    Returns:
        Marks found in the calls as they are, those of them not found in the masked calls, and those
        found with another verdict.
    """
    engine = EmbeddedEngine(embedder)
    book = PolicyBook.from_documents(read_policies(folder).documents, embedder)
    marks = lost = changed = 0
    for record in read_gold(folder / "calls.jsonl"):
        call = strip_labels(record)
        own, other = (
            _verdicts(analyze_call(c, engine=engine, book=book)) for c in (call, redact(call).call)
        )
        for turn, verdicts in own.items():
            found = other.get(turn, [])
            marks += len(verdicts)
            lost += max(0, len(verdicts) - len(found))
            changed += sum(a != b for a, b in zip(verdicts, found, strict=False))
    return marks, lost, changed


def _verdicts(analysis: Analysis) -> dict[int, list[str | None]]:
    by_turn: dict[int, list[str | None]] = defaultdict(list)
    for mark in analysis.commitments:
        by_turn[mark.turn].append(mark.verdict)
    return by_turn


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--failed", action="store_true", help="name what leaked and what was hidden"
    )
    parser.add_argument(
        "--verdicts",
        type=Path,
        nargs="*",
        default=[],
        help="folders of labelled calls: how many verdicts masking changes (embedded engine)",
    )
    arguments = parser.parse_args()
    cases = read_cases(arguments.data)
    tallies = score_cases(cases)
    print(f"{'kind':18} {'items':>6} {'failed':>7} {'share':>7}")
    for kind, tally in tallies.items():
        shown = "stay, but masked" if kind == "stay" else kind
        print(f"{shown:18} {tally.items:6} {len(tally.failed):7} {tally.share:7.1%}")
        if arguments.failed:
            for line in tally.failed:
                print("   ", line)
    planted = sum(len({p.turn for p in c.places if p.kind != "stay"}) for c in cases)
    print(f"{planted} turns with planted data")
    for folder in arguments.verdicts:
        for told, embedder in (
            ("as it is", packaged_embedder()),
            ("each text embedded by itself", OneByOne()),
        ):
            marks, lost, changed = compare_verdicts(folder, embedder)
            print(
                f"{folder.name}, {told}: of {marks} marks masking loses {lost} and gives "
                f"{changed} another verdict"
            )
    print(f"{time_usual_call():.2f} ms a usual call of 40 turns")
    return 0


if __name__ == "__main__":
    sys.exit(main())
