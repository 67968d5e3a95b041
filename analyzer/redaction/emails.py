"""Finds e-mail addresses: written, said ("john dot smith at gmail dot com"), spelt and in pieces."""
# ruff: noqa: E501, PLR2004, SIM905 - tables of words and patterns; small counts of words

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.redaction.cues import words_left
from analyzer.redaction.digits import Piece
from analyzer.redaction.name_words import NOT_NAMES, ORDINARY
from analyzer.redaction.numbers import NATO, NUMBER_WORDS, find_runs
from analyzer.redaction.said import Said

_WRITTEN = re.compile(
    r"[^\s@<>()\[\]{},;:\"]{1,64}\s?@\s?[^\W_](?:[\w-]*[^\W_])?(?:\s?\.\s?[^\W_][\w-]*)*(?:\.\w{2,}|\s\.\s\w{2,})|[^\s@<>()\[\]{},;:\"]{1,64}@[\w.-]{0,250}\w"
)
_SPACED = re.compile(r"(?:[\w+-]+\s[.]\s)+\Z")
_PROVIDER = (
    r"(?:g\s?mail|google\s?mail|hot\s?mail|yahoo|out\s?look|i\s?cloud|proton\s?mail|proton|aol|live|msn|"
    r"comcast|verizon|sky|bt\s?internet|virgin\s?media|talk\s?talk|gmx|zoho|fast\s?mail|me\s+dot|mac\s+dot|ymail|rocketmail|orange|free|web\s+dot|libero|interia|wp\s+dot)"
)
_DOT = r"(?:\s?\.(?=\S)|\s\.\s|\s+(?:dot|point|period|full\s+stop)\s+)"
_LABEL = r"[a-z0-9]+(?:(?:\s+(?:hyphen|dash|minus)\s+|-|\s+)[a-z0-9]+){0,4}?"
_DOMAIN = re.compile(
    rf"(?:\bat|@)[\s,]+(?:sign\s+)?(?:(?:uh+|um+|er+|erm|it's|that's|the)[\s,]+)*(?:{_LABEL}(?:{_DOT}{_LABEL})??{_DOT}(?:com?|org|net|edu|gov|io|me|info|biz|uk|[a-z]{{2,4}})\b(?:{_DOT}(?:uk|au|nz|za|jp|in|com|br|mx)\b)?"
    rf"|{_PROVIDER}\b)"
)
_PART = r"(?:(?:[a-z]|[a-z]{2,})\s+(?:as\s+in|for)\s+[a-z]+|[a-z]+'[a-z]+|[\w+]+)"
_TOKEN = re.compile(rf"{_PART}|[-_.]|[,;:?!]")
_JOINER = frozenset(
    "dot underscore dash hyphen plus point period minus . - _ score stop".split()
) - {"stop"}
_STOP = frozenset(
    """
    is it's its it email e-mail mail address to on use one my the her his their our your was
    yeah yes sure um uh er and that's thats that work try send sent at wrong old new as
    under with so okay ok then me i i'm you we can have has please reach use try best
    personal but not no oh well hi hello be would got look looking shop shopping bought
    ordered order online website site store up us down them saw see seen meeting meet arrive
    arrived said says right sorry lower case all still here there just from for of in or
    this what where they she he who works worked think mine be's erm err like lowercase into
    by about using called actually mm mhm go
    """.split()
)
_ASKED = re.compile(r"\be\s?-?\s?mails?\b")
_SPELLING = re.compile(
    rf"(?<!')\b(?:[a-z]\s+(?:as\s+in|for)\s+[a-z]+|[a-z](?!\s?-?\s?mails?\b)|{NATO}|dot|underscore|dash|hyphen|dubya|[0-9]+)\b(?!')"
)
_GLUE = re.compile(
    r"(?:[\s,._-]|\b(?:and|then|uh|um|er|capital|double|triple|all\s+one\s+word|underscore|at|for)\b)*"
)
_ONE_WORD = re.compile(r"[,.]?\s*\b(?:all\s+)?(?:one|lower\s*case)\s+(?:word|letters)[,.]?\s*\Z")
_BARE_DOMAIN = re.compile(rf"\bat\s+(?:{_PROVIDER}\b)?")
_NUMBERS_ON = rf"(?:(?:{'|'.join(sorted(NUMBER_WORDS))})\b(?:[\s-]+(?:{'|'.join(sorted(NUMBER_WORDS))})\b)*|[a-z0-9]+)"
_WORD_ON = re.compile(rf"\s+{_NUMBERS_ON}")
_JOIN_ON = re.compile(rf"\s+(?:dot|underscore|dash|hyphen)\s+{_NUMBERS_ON}")
_REQUEST = frozenset("please what what's whats which can could may need your the".split())
_TALK = frozenset(
    """
    thanks thank bye goodbye great amazing perfect lovely brilliant cheers good fine why
    when none hold moment minute second one never nothing don't do i'd i'll can't won't
    already
    """.split()
)
_BARE = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
#: Words that a local part may be said in, and turns within which a part of it is taken for it.
_LONGEST_LOCAL, _NEAR_TURNS = 10, 4
_FAR = 14
_OPEN = 3


def find_emails(turns: list[Said]) -> list[Piece]:
    """E-mail addresses to be hidden, in the order spoken; pieces within a turn do not overlap."""
    pieces: list[Piece] = []
    asked_for: int | None = None
    is_question = False
    chain = 0
    for turn in turns:
        index, text, low = turn.index, turn.text, turn.low
        has_at = "@" in text
        if not has_at and asked_for is None and "mail" not in low and "at" not in turn.words:
            continue
        found = _written(index, text) if has_at else []
        is_asking = "mail" in low and _ASKED.search(low) is not None
        found += _spoken(index, low, found, is_asked=asked_for is not None or is_asking)
        if asked_for is not None or is_asking:
            found += _spelt(
                index,
                low,
                found,
                -1 - chain,
                is_answer=asked_for == 0 and is_question and turn.role == "customer",
            )
        pieces += found
        if is_asking:
            asked_for, chain = 0, chain + 1
            is_question = turn.role == "agent" and (
                "?" in text or not turn.words.isdisjoint(_REQUEST)
            )
        elif found:
            asked_for = 1
        elif asked_for is not None and words_left(low, []) > 3:
            asked_for = asked_for + 1 if asked_for < _OPEN else None
    return pieces


def find_echoes(turns: list[Said], pieces: list[Piece]) -> list[Piece]:
    """Local parts said again, whole and in part: "was that viktor at the start?".

    Args:
        turns: A call's turns.
        pieces: The addresses in them, from :func:`find_emails`.
    """
    taken: dict[int, list[Piece]] = {}
    for piece in pieces:
        taken.setdefault(piece.turn, []).append(piece)
    found: list[Piece] = []
    known: dict[str, Piece] = {}
    last = -_NEAR_TURNS - 1
    for turn in turns:
        for piece in taken.get(turn.index, ()):
            local = _letters(piece.value.partition("@")[0])
            if len(local) > 2:
                known.setdefault(local, piece)
                last = turn.index
        if not known or turn.index < min(p.turn for p in known.values()):
            continue
        is_near = turn.index - last <= _NEAR_TURNS
        for start, end, local in _said_again(turn, known, is_near=is_near):
            if not any(start < p.end and p.start < end for p in taken.get(turn.index, ())):
                first = known[local]
                found.append(Piece(turn.index, start, end, "email", first.value, first.chain))
    return found


def _said_again(
    turn: Said, known: dict[str, Piece], *, is_near: bool
) -> Iterator[tuple[int, int, str]]:
    """Stretches of a turn that read as a known local part, or near it as its beginning or end."""
    words = list(_BARE.finditer(turn.low))
    place = 0
    while place < len(words):
        for size in range(min(_LONGEST_LOCAL, len(words) - place), 0, -1):
            start, end = words[place].start(), words[place + size - 1].end()
            said = _letters(said_address(turn.low[start:end]))
            if said in known and (size > 1 or len(said) > 3):
                yield start, end, said
                place += size
                break
        else:
            word = words[place][0]
            whole = next((k for k in known if _is_part(word, k)), None) if is_near else None
            if whole is not None:
                yield words[place].start(), words[place].end(), whole
            place += 1


def _is_part(word: str, local: str) -> bool:
    is_name = len(word) > 3 and word not in _STOP | _TALK | ORDINARY | NOT_NAMES
    return is_name and (local.startswith(word) or local.endswith(word))


def _letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def _written(index: int, text: str) -> list[Piece]:
    found = []
    for match in _WRITTEN.finditer(text):
        start, end = match.span()
        value = match[0].rstrip(".,;:!?'")
        end = start + len(value)
        if re.match(r"[\w+-]+\s?@", value):
            spaced = _SPACED.search(text, max(0, start - 80), start)
            start = spaced.start() if spaced else start
        found.append(Piece(index, start, end, "email", re.sub(r"\s", "", text[start:end]).lower()))
    return found


def _spoken(index: int, low: str, taken: list[Piece], *, is_asked: bool) -> list[Piece]:
    """Addresses with a domain that is said; the local part is read leftwards from "at"."""
    found: list[Piece] = []
    for match in _DOMAIN.finditer(low):
        if any(match.start() < p.end and match.end() > p.start for p in taken):
            continue
        start = _local_start(low, match.start(), [p.end for p in taken + found], is_asked=is_asked)
        if start < match.start():
            found.append(
                Piece(index, start, match.end(), "email", said_address(low[start : match.end()]))
            )
    return found


def _local_start(low: str, at: int, ends: list[int], *, is_asked: bool) -> int:
    """Where the local part before ``at`` begins; ``at`` itself where there is none."""
    aside = _ONE_WORD.search(low, max(0, at - 40), at)
    at = aside.start() if aside else at
    floor = max([e for e in ends if e <= at], default=0)
    tokens = list(_TOKEN.finditer(low, floor, at))[-_FAR * 2 :]
    start = at
    words = 0
    after = ""
    tied = False
    for token in reversed(tokens):
        word = token[0]
        if word in (",", ";", ":", "?", "!"):
            # A comma parts letters that are spelt, and ends all else.
            if words and not (word == "," and (tied or len(after.split(maxsplit=1)[0]) == 1)):
                break
            continue
        if word == "." and (
            low[token.end() : token.end() + 1] == " "
            and low[token.start() - 1 : token.start()] not in (" ", ".")
        ):
            break
        first = word.split()[0]
        if first in ("then", "and") and after[:1].isdigit():
            # "Quackenbush, then 19 at yahoo": one local part said in two goes.
            tied = True
            continue
        joined = after in _JOINER
        if first in _STOP and not joined and not _is_spelt_on(tokens, token, after):
            break
        if word in ("a", "i") and words and not joined and len(after) > 1 and not is_asked:
            break
        start, after, words, tied = token.start(), word, words + 1, False
    return start


def _is_spelt_on(tokens: list[re.Match[str]], token: re.Match[str], after: str) -> bool:
    """Whether "i" or "oh" is a letter or a digit here: it stands between others of its kind."""
    if token[0] in ("oh", "o"):
        return after in NUMBER_WORDS
    earlier = [t[0] for t in tokens[: tokens.index(token)] if t[0] != ","]
    before = earlier[-1] if earlier else ""
    return token[0] == "i" and len(before) == 1 and before.isalpha() and len(after) <= 1


def _spelt(index: int, low: str, taken: list[Piece], chain: int, *, is_answer: bool) -> list[Piece]:
    """Pieces of an address asked for: letters one by one, a word beside "dot", a lone domain."""
    found: list[Piece] = []
    for start, end, count in _spelt_spans(low):
        begin, stop = _with_words(low, start, end)
        is_joined = (begin, stop) != (start, end) or re.search(
            r"\b(?:dot|underscore|dash|hyphen)\b", low[start:end]
        )
        if count < 2 and not is_joined:
            continue
        if any(begin < p.end and stop > p.start for p in taken + found):
            continue
        found.append(Piece(index, begin, stop, "email", said_address(low[begin:stop]), chain))
    for match in _DOMAIN.finditer(low):
        if not any(match.start() < p.end and match.end() > p.start for p in taken + found):
            found.append(
                Piece(index, match.start(), match.end(), "email", said_address(match[0]), chain)
            )
    if is_answer and not found and not taken:
        found += _short_answer(index, low, chain)
    return found


def _spelt_spans(low: str) -> list[list[int]]:
    """Stretches of letters, spelling words and "dot": start, end and how many are no digits."""
    spans: list[list[int]] = []
    for match in _SPELLING.finditer(low):
        if match[0] in ("a", "i") and not (
            spans and _GLUE.fullmatch(low, spans[-1][1], match.start())
        ):
            nxt = re.match(r"[\s,.-]+[a-z](?![a-z'])", low[match.end() :])
            if nxt is None:
                continue
        letters = not match[0][0].isdigit()
        if spans and _GLUE.fullmatch(low, spans[-1][1], match.start()):
            spans[-1][1] = match.end()
            spans[-1][2] += letters
        elif letters:
            spans.append([match.start(), match.end(), 1])
    return spans


def _with_words(low: str, start: int, end: int) -> tuple[int, int]:
    """Widen a spelling by the word before its first "dot" and by all that "dot" goes on to join."""
    if re.match(r"(?:dot|underscore|dash|hyphen)\b", low[start:end]):
        before = re.search(r"([a-z0-9]+)\s+\Z", low[:start])
        if before and before[1] not in _STOP:
            start = before.start()
    if re.search(r"\b(?:dot|underscore|dash|hyphen)\Z", low[start:end]):
        after = _WORD_ON.match(low, end)
        end = after.end() if after else end
    while (more := _JOIN_ON.match(low, end)) is not None:
        end = more.end()
    return start, end


_OWN = re.compile(
    r"[\s,.]*(?:(?:yeah|yes|sure|um|uh|er|so|okay|ok|it's|its|it|is|that's|thats|that'd|it'd|be|would|right|"
    r"hang\s+on|let\s+me\s+(?:find|see|check|get|look)(?:\s+it)?|the|my|oh|well)\b[\s,.]*)*"
)


def _short_answer(index: int, low: str, chain: int) -> list[Piece]:
    """The words of a short answer that names the local part before a domain follows."""
    begin = _OWN.match(low)
    start = begin.end() if begin else 0
    rest = low[start:].rstrip(" .,?!")
    words = [w for w in rest.split() if w.strip(",.") not in NUMBER_WORDS or w in _JOINER]
    if not 1 <= len(words) <= 3 or not _names_someone(words):
        return []
    return [Piece(index, start, start + len(rest), "email", said_address(rest), chain)]


def _names_someone(words: list[str]) -> bool:
    """Whether none of the words is one that only keeps a talk going."""
    bare = [w.strip(",.?!'") for w in words]
    return not any(w in _STOP or w in _TALK for w in bare) and bool(words_left(" ".join(bare), []))


_SAID = {
    "dot": ".",
    "point": ".",
    "period": ".",
    "underscore": "_",
    "dash": "-",
    "hyphen": "-",
    "plus": "+",
    "minus": "-",
    "at": "@",
}


def said_address(low: str) -> str:
    """A said address as one would write it, near enough to tell it from others."""
    for run in reversed(find_runs(low)):
        if any(g.kind == "numeral" and not g.value.isdigit() for g in run.groups):
            continue  # "opal78" stands as it is
        low = low[: run.start] + run.digits + low[run.end :]
    low = re.sub(r"\b([a-z])\s+(?:as\s+in|for)\s+[a-z]+", r"\1", low)
    low = re.sub(rf"\b(?:{NATO})\b", lambda m: m[0][0], low)
    return "".join(_SAID.get(w, w) for w in re.split(r"[\s,]+", low))
