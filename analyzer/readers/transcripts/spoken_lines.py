"""Lines that begin a turn: ``[00:01:12] Dana (Agent): …`` into time, label and words.

Which pieces of text before a colon are speakers can only be told from the whole file: "Refund: $20"
looks like "Omar: Hello". :func:`choose_labels` decides it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analyzer.readers.transcripts.fields import find_call_field, is_unused_header
from analyzer.readers.transcripts.labels import is_generic, looks_like_label, read_label

_CLOCK = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[.,]\d{1,6})?(?:\s?[AaPp]\.?[Mm]\b\.?)?"
_DATED = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?"
_SLASHED = rf"\d{{1,2}}/\d{{1,2}}/\d{{2,4}},?\s{_CLOCK}"
_SECONDS = r"\d{1,6}(?:\.\d{1,6})?\s?s?"
_TO = r"\s{0,3}(?:-->|->|[-\u2013\u2014]|to)\s{0,3}"
_STAMP_IN_BRACKETS = re.compile(
    rf"[\[(<{{]\s{{0,3}}(?P<start>{_DATED}|{_SLASHED}|{_CLOCK}|{_SECONDS})"
    rf"(?:{_TO}(?P<end>{_DATED}|{_CLOCK}|{_SECONDS}))?\s{{0,3}}[\])>}}]"
)
_BARE_STAMP = re.compile(
    rf"(?P<start>{_DATED}|{_SLASHED}|{_CLOCK})(?:{_TO}(?P<end>{_CLOCK}))?(?=[\s,|:-]|$)"
)
_PIPED = re.compile(r"\[(?P<cells>[^\[\]]{1,120}\|[^\[\]]{1,120})\]\s{0,3}:?\s{0,3}(?P<text>.*)")
_LABELLED = re.compile(
    r"(?P<label>[^\s:\uff1a\[\]{}<>|][^:\uff1a\[\]{}<>|]{0,59}?(?:\s?\[[^\[\]:]{1,40}\])?)"
    rf"(?:\s{{0,3}}[\[(](?P<bracketed>{_CLOCK})[\])]|\s{{1,3}}(?P<bare>{_CLOCK}))?"
    r"\s{0,3}[:\uff1a](?P<text>.*)"
)
_ALONE_TIMED = re.compile(
    rf"(?P<label>[^\s:\uff1a\[\]{{}}<>|][^:\uff1a\[\]{{}}<>|]{{0,59}}?)\s{{1,9}}[\[(]?(?P<at>{_CLOCK})[\])]?"
)
_ALONE_IN_BRACKETS = re.compile(r"\((?P<label>[^():\uff1a]{1,60})\)")
_BULLET = re.compile(r"(?:[-*•>]\s{1,3})?")
_EMPHASIS = re.compile(r"\*\*|__")
_SEPARATOR = re.compile(r"\s{0,3}[-\u2013\u2014|,:]?\s{0,3}")
_LOWER_WORD = re.compile(r"(?<![\w'\u2019])[a-z][\w'\u2019-]*")
_HANDLE = re.compile(r"[a-z][\w.\-]{0,30}")
_LIST_HEADS = frozenset(
    {
        "total", "subtotal", "refund", "fee", "fees", "price", "amount", "order", "note", "notes",
        "ps", "p.s.", "re", "question", "answer", "method", "email", "website", "address", "plan",
        "discount", "credit", "balance", "total due", "important", "reminder", "example", "http",
        "https",
    }
)  # fmt: skip


@dataclass(frozen=True)
class SpokenLine:
    """A line that may begin a turn.

    Attributes:
        label: What stands where a speaker would.
        text: The words after it, stripped; empty if they follow on the next lines.
        start: The time as written, or None.
        end: The time at which it ends as written, or None.
        is_alone: Whether the label has its line for itself, without a colon.
        is_bulleted: Whether the line is an item of a list.
    """

    label: str
    text: str
    start: str | None = None
    end: str | None = None
    is_alone: bool = False
    is_bulleted: bool = False


@dataclass(frozen=True)
class Stamp:
    """The time at the head of a line, and what stands after it."""

    start: str | None
    end: str | None
    rest: str


def split_stamp(line: str) -> Stamp:
    """Take the time off the head of a line; ``start`` is None where there is none."""
    found = _STAMP_IN_BRACKETS.match(line) or _BARE_STAMP.match(line)
    if not found:
        return Stamp(None, None, line)
    rest = _SEPARATOR.sub("", line[found.end() :], count=1)
    return Stamp(found["start"], found["end"], rest)


def split_line(line: str) -> SpokenLine | None:
    """Take a line apart if something stands where a speaker would, else None."""
    bare = line.strip()
    if piped := _PIPED.fullmatch(bare):
        return _from_cells(piped["cells"], piped["text"].strip())
    bullet = _bullet(bare)
    stamp = split_stamp(bare[bullet:])
    rest = stamp.rest
    emphasised = rest.startswith(("**", "__"))
    if emphasised:
        rest = _EMPHASIS.sub("", rest, count=2)
    if found := _ALONE_TIMED.fullmatch(rest):
        label = found["label"].strip(" -\u2013\u2014|,")
        if looks_like_label(label):
            return SpokenLine(label, "", stamp.start or found["at"], stamp.end, is_alone=True)
    if found := _LABELLED.match(rest):
        label, text = found["label"].strip(), found["text"].strip()
        is_label = looks_like_label(label) or _HANDLE.fullmatch(label)
        if text.startswith("//") or not is_label:
            return None
        start = stamp.start or found["bracketed"] or found["bare"]
        return SpokenLine(label, text, start, stamp.end, is_bulleted=bullet > 0)
    if found := _ALONE_IN_BRACKETS.fullmatch(rest):
        label = found["label"].strip()
        if looks_like_label(label) and read_label(label).role != "system":
            return SpokenLine(label, "", stamp.start, stamp.end, is_alone=True)
    return None


def _bullet(line: str) -> int:
    found = _BULLET.match(line)
    return found.end() if found else 0


def _from_cells(cells: str, text: str) -> SpokenLine | None:
    """``[turn=1 | 00:00:07.6 | AGENT]: …``."""
    start = end = label = None
    for cell in (part.strip() for part in cells.split("|")):
        stamp = split_stamp(cell)
        if stamp.start and not stamp.rest:
            start, end = stamp.start, stamp.end
        elif label is None and "=" not in cell and looks_like_label(cell):
            label = cell
    return SpokenLine(label, text, start, end) if label else None


def choose_labels(lines: Iterable[tuple[str, SpokenLine | None]]) -> frozenset[str]:
    """Decide which labels are speakers.

    Labels that name a role always are. A name is one if it comes more than once, or if every line
    of the file begins like it; but where agent and customer are both named by their roles, or the
    name is a word that the call also uses in lower case, it has to be both. A name that comes once
    counts too where there would be no second speaker without it.

    Args:
        lines: The non-empty lines that may belong to turns, each with what :func:`split_line` made
            of it.

    Returns:
        The labels that are speakers, case-folded.
    """
    pairs = list(lines)
    spoken = [line for _, line in pairs if line is not None]
    of_label: dict[str, list[SpokenLine]] = {}
    for line in spoken:
        of_label.setdefault(line.label.casefold(), []).append(line)
    roles = {key: read_label(group[0].label).role for key, group in of_label.items()}
    has_both = {"agent", "customer"} <= set(roles.values())
    has_free = sum(1 for _, line in pairs if line is None) > sum(ln.is_alone for ln in spoken)
    most = len(spoken) / 2
    is_timed = sum(1 for line in spoken if line.start) > most
    is_bulleted = sum(1 for line in spoken if line.is_bulleted) > most
    used = _lower_words(pairs)
    chosen = {key for key, role in roles.items() if role is not None}
    names: set[str] = set()
    for key in of_label.keys() - chosen:
        group = of_label[key]
        is_repeated = len(group) > 1
        is_alike = is_timed and bool(group[0].start) if has_free else True
        if _is_list_head(group, is_repeated=is_repeated, is_bulleted=is_bulleted):
            continue
        if key in used or (_HANDLE.fullmatch(group[0].label) and not is_generic(key)):
            is_speaker = is_repeated and is_alike and not has_both
        else:
            names.add(key)
            is_speaker = is_repeated or is_alike
        if is_speaker:
            chosen.add(key)
    n_people = sum(1 for key in chosen if roles[key] != "system")
    return frozenset(chosen | names if n_people <= 1 else chosen)


def _is_list_head(group: Sequence[SpokenLine], *, is_repeated: bool, is_bulleted: bool) -> bool:
    """Whether "Total: $20" and the like are items of what somebody says rather than speakers."""
    label = group[0].label
    if group[0].is_bulleted and not is_bulleted:
        return True
    is_head = label.casefold() in _LIST_HEADS or is_unused_header(label)
    return is_head or (not is_repeated and find_call_field(label) is not None)


def _lower_words(pairs: Sequence[tuple[str, SpokenLine | None]]) -> set[str]:
    words: set[str] = set()
    for line, spoken in pairs:
        words.update(_LOWER_WORD.findall(line if spoken is None else spoken.text))
    return words
