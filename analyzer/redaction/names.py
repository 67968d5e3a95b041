"""Finds customers' names: those the call's record carries and those that are said in the call."""
# ruff: noqa: E501, PLR2004, SIM905 - tables of words and patterns; small counts of words

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import analyzer
from analyzer.domain import Call
from analyzer.redaction.cues import words_left
from analyzer.redaction.digits import Piece
from analyzer.redaction.name_words import NOT_NAMES, ORDINARY
from analyzer.redaction.numbers import plain, spans_letters_only
from analyzer.redaction.said import Said

_CAP = r"[A-ZÀ-ÖØ-Þ][^\W\d_]*(?:['’-][^\W\d_]+)*"
_PARTICLE = r"(?:de|la|van|von|der|den|bin|al|el|da|di|du|le|ní|ni|o|mac|mc|st|ter|ten)"
_FULL = rf"(?:{_CAP}|[A-Z]\.)(?:\s+(?:{_PARTICLE}\s+){{0,2}}{_CAP}){{0,3}}"
_TITLE = r"(?:[Mm]r|[Mm]rs|[Mm]s|[Mm]iss|[Mm]x|[Dd]r|[Mm]ister|[Mm]issus|[Mm]issis|[Pp]rof|[Pp]rofessor|MR|MRS|MS|DR)"
_RELATIVE = r"(?:wife|husband|son|daughter|mother|mum|mom|mam|father|dad|brother|sister|partner|fiancée?|girlfriend|boyfriend|friend|aunt|uncle|nan|gran|boss|assistant|neighbou?r|roommate|flatmate|colleague|name)"

_TITLED = re.compile(rf"\b{_TITLE}\.?\s+({_FULL})")
_TITLED_LOW = re.compile(r"\b(?:mr|mrs|ms|miss|mister|missus)\.?\s+([^\W\d_]{2,})\b")
_MY_NAME = re.compile(
    r"\b(?:[Mm]y|[Hh]er|[Hh]is|[Tt]he|[Tt]heir|[Ff]ull|[Ll]ast|[Ff]irst|[Ss]ur|[Cc]ustomer)?\s*(?:name|surname|names)(?:'s|’s|s|\s+is|\s+was|\s+would\s+be|\s+will\s+be|\s+it's|\s+of|:)\s+(?:uh+|um+|er+|,|\s)*"
    rf"({_FULL}|[^\W\d_]+(?:['’-][^\W\d_]+)*(?:\s+[^\W\d_]+(?:['’-][^\W\d_]+)*){{0,2}})"
)
_THIS_IS = re.compile(
    rf"\b(?:[Tt]his\s+is|[Ii]t's|[Ii]t’s|[Ii]ts|[Ii]t\s+is|I'm|I’m|[Ii]'m|[Ii]\s+am|[Cc]all\s+me|[Uu]nder(?:\s+the\s+name(?:\s+of)?)?|[Ii]n\s+the\s+name\s+of|[Ss]peaking\s+(?:with|to)|[Tt]hat's|[Nn]amed|[Cc]alled|[Bb]ehalf\s+of)\s+(?:{_TITLE}\.?\s+)?({_FULL})"
)
_HERE = re.compile(rf"\b({_FULL})\s+(?:here|speaking|calling)\b")
_RELATED = re.compile(
    rf"\b(?:[Mm]y|[Hh]er|[Hh]is|[Oo]ur|[Tt]heir|[Yy]our)\s+(?:late\s+)?{_RELATIVE}(?:['’]s)?,?\s+(?:is\s+|called\s+|named\s+|{_TITLE}\.?\s+)?({_FULL})"
)
_ADDRESSED = re.compile(
    rf"(?:\b(?:[Hh]i|[Hh]ello|[Hh]ey|[Tt]hanks|[Tt]hank\s+you|[Ss]orry|[Oo]kay|[Oo]k|[Rr]ight|[Aa]lright|[Gg]rand|[Gg]reat|[Ss]ure|[Pp]erfect|[Ll]ovely|[Yy]es|[Bb]ye|[Gg]ood\s+(?:morning|afternoon|evening)|[Mm]orning|[Aa]fternoon|[Ww]elcome(?:\s+back)?|[Cc]heers|[Aa]pologi[sz]e|[Uu]nderstand|[Aa]ppreciate\s+it)[,]?\s+)({_CAP})(?=\s*(?:[,.!?]|$|\s(?:let|I|can|how|could|what|you)\b))"
    rf"|\b(?:[Ii]s\s+(?:that|this)|[Aa]m\s+I\s+(?:speaking|talking)\s+(?:to|with)|[Dd]id\s+you\s+say|[Ss]o\s+that's)\s+(?:{_TITLE}\.?\s+)?({_FULL})\s*(?:[?,]|$)"
)
_LOW_ADDRESSED = re.compile(
    r"\A(?:ok\s+|okay\s+)?(?:hi|hello|thanks|thank\s+you)\s+([a-z]{3,})\s*(?:[,.!?]|\Z)"
)
_SELF = re.compile(
    rf"\b(?:[Tt]his\s+is|[Mm]y\s+name\s+is|[Mm]y\s+name's|[Mm]y\s+name’s|I'm|I’m|[Ii]t's|[Nn]ame's|[Tt]hrough\s+to|[Ss]peaking\s+(?:to|with)|[Yy]ou've\s+got|[Yy]ou\s+have|[Yy]ou're\s+with|[Hh]ere's)\s+({_CAP}(?:\s+{_CAP})?)|\b({_CAP})\s+(?:here|speaking)\b"
)
_ASKED = re.compile(
    r"\b(?:(?:your|the|a|full|first|last|take\s+a|what)\s+(?:full\s+|first\s+|last\s+|sur)?name|surname|names?\s+(?:is|on|please)|who\s+am\s+i\s+(?:speaking|talking)|who's\s+(?:calling|that|this|speaking)|whos\s+calling|who\s+is\s+(?:calling|this|speaking)|may\s+i\s+ask\s+who|what\s+do\s+i\s+call\s+you|under\s+what\s+name|what\s+name|whose\s+name|who\s+do\s+i\s+have|which\s+name|whats?\s+your\s+name|name\?)"
)
_LEAD = re.compile(
    r"[\s,.]*(?:(?:yeah|yes|yep|sure|uh+|um+|er+|erm|ah|oh|okay|ok|so|it's|it’s|its|it'll|it’ll|be|it|is|that's|thats|that’s|the|name|my|under|this|i'm|i’m|of|course|hi|hello|well|should|would|will|certainly|absolutely|please|mine|mr|mrs|ms|miss|dr|me|in)\b[\s,.]*)*",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"([^\W\d_]{2,}(?:['’-][^\W\d_]+)*\.?(?:[ ]+[^\W\d_]{2,}(?:['’-][^\W\d_]+)*){0,3})\s*(?=[,.;!?—–-]|$)"
)
# A given name that is known needs no more than its place: at the head of what is said, or set off.
_SET_OFF = r"(?:\A|(?<=[.?!,;:—–-]\s)|(?<=\.\.\.\s)|(?<=\[))"
_GIVEN_FULL = re.compile(
    rf"{_SET_OFF}(?:[Rr]ecord:\s+|[Pp]assengers?:\s+|[Hh]i,?\s+|[Yy]eah,?\s+|[Yy]es,?\s+|[Ss]o\s+|[Oo]kay,?\s+|[Uu]m,?\s+)?({_CAP})\s+((?:{_PARTICLE}\s+){{0,2}}{_CAP})(?=\s*(?:[.,;:?!\]—–-]|\Z|\s(?:and|I|with|from|for)\b))"
)
_GIVEN_CALLED = re.compile(
    rf"(?:\A|(?<=[.?!]\s)|(?<=,\s))({_CAP})(?=\s*[?!.]|\s*,\s*(?:I|you|let|can|I've|you've|we)\b)"
)
_GIVEN_LOW = re.compile(
    r"\b(?:this\s+is|it's|its|i'm|im|i\s+am|my\s+name's|my\s+name\s+is|name's|names|name\s+is)\s+([^\W\d_]{3,})(?:\s+([^\W\d_]{2,}))?"
)
_PLACES = frozenset(
    """
    street road avenue beach city airport hotel club bank centre center park island lake
    county university hospital terminal river springs hills house store shop plan card
    bay falls heights court square station school college clinic group inc llc ltd
    """.split()
)
_LABELS = frozenset(
    """
    customer caller user client member guest speaker unknown agent system bot patient
    passenger contact cust na none null anonymous consumer
    """.split()
)
_KEY = re.compile(r"name|caller|contact|passenger|holder|customer", re.IGNORECASE)
_NO_KEY = re.compile(
    r"company|agent|file|user_?name|team|product|host|campaign|queue|brand|employee|rep|model|id$",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"\b[A-ZÀ-ÖØ-Þ][^\W\d_]+")
_MONTHS = frozenset(["may", "june", "april", "august", "march"])
_BEFORE_MONTH = re.compile(
    r"\b(?:in|on|by|since|till|until|of|next|last|to|from|early|late|mid|this)\s+\Z", re.IGNORECASE
)
_SELF_WORDS = frozenset("this name names i it through speaking got have with here".split())
_OWN_WORDS = frozenset(
    """
    name names surname this it its i call under behalf speaking that thats named called here
    calling my her his our their
    """.split()
)
_GREETING_WORDS = frozenset(
    """
    hi hello hey thanks thank sorry okay ok right alright grand great sure perfect lovely
    yes bye good morning afternoon evening welcome cheers apologise apologize understand
    appreciate is am did so
    """.split()
)
_TITLE_WORDS = frozenset("mr mrs ms miss mx dr mister missus missis prof professor".split())
_ASK_WORDS = frozenset(["name", "names", "surname", "who", "whos"])


@dataclass(slots=True)
class Person:
    """One customer: the fullest form of the name and its parts in lower case."""

    full: str
    parts: list[str] = field(default_factory=list)
    is_recorded: bool = False


def find_names(call: Call, turns: list[Said]) -> tuple[list[Person], list[Piece]]:
    """The customers named in a call, and where their names are said.

    Returns:
        People in the order met, and pieces whose ``value`` is the number of a person in that list.
    """
    agents = _agents(call, turns)
    people: list[Person] = []
    for name in dict.fromkeys(_recorded(call)):
        _add(people, name, agents=set(), is_recorded=True)
    _introduced(turns, people, agents)
    _known_given(turns, people, agents)
    _widen(turns, people, agents)
    return people, _occurrences(turns, people, agents) if people else []


def _recorded(call: Call) -> Iterator[str]:
    for turn in call.turns:
        if turn.role == "customer" and turn.name:
            yield turn.name
    for turn in call.turns:
        if turn.role == "customer":
            yield from _names_in(turn.model_extra or {})
    yield from _names_in(call.model_extra or {})


def _names_in(extra: Mapping[str, object], *, inside: bool = False) -> Iterator[str]:
    for key, value in extra.items():
        named = bool(_KEY.search(key)) and not _NO_KEY.search(key)
        if (
            isinstance(value, str)
            and (named and (not inside or "name" in key.lower()))
            and len(value) < 80
        ):
            yield value
        elif isinstance(value, dict) and named:
            yield from _names_in(value, inside=True)


def _agents(call: Call, turns: list[Said]) -> set[str]:
    # Greeting "Hello, Quillstack" names nobody.
    found: set[str] = set(_parts(call.company or ""))
    for name in {t.name for t in call.turns if t.role == "agent" and t.name}:
        found.update(_parts(name))
    for turn in turns:
        if turn.role != "agent" or turn.words.isdisjoint(_SELF_WORDS) or not _has_name(turn.text):
            continue
        for match in _SELF.finditer(turn.text):
            if not _is_question_before(turn.text, match.start()):
                found.update(p for p in _parts(match[1] or match[2]) if p not in NOT_NAMES)
    return found


def _is_question_before(text: str, start: int) -> bool:
    """Whether "speaking to X" asks who the customer is ("Am I speaking to X?")."""
    return bool(re.search(r"\b(?:am|are)\s+i\s+\Z", text[:start], re.IGNORECASE)) or text[
        start:
    ].startswith(("It's", "it's"))


def _parts(name: str) -> list[str]:
    return [
        w
        for w in re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", plain(name).replace("’", "'"))
        if len(w) > 1 and w not in _LABELS
    ]


def _add(people: list[Person], name: str, *, agents: set[str], is_recorded: bool = False) -> None:
    name = re.sub(r"\s+", " ", name).strip(" .,'’-")
    parts = [p for p in _parts(name) if p not in {"mr", "mrs", "ms", "miss", "dr"}]
    if not is_recorded:
        parts = [p for p in parts if p not in agents or len(parts) > 1]
    if not parts or all(p in NOT_NAMES for p in parts):
        return
    for person in people:
        if set(parts) & set(person.parts):
            person.parts += [p for p in parts if p not in person.parts]
            if len(parts) > len(_parts(person.full)):
                person.full = name
            return
    people.append(Person(name, parts, is_recorded))


def _introduced(turns: list[Said], people: list[Person], agents: set[str]) -> None:
    is_asked = False
    for turn in turns:
        if turn.role == "customer":
            _add_said_by_customer(turn, people, agents, is_asked=is_asked)
        elif turn.role == "agent":
            _add_said_by_agent(turn, people, agents)
        if not turn.words.isdisjoint(_TITLE_WORDS):
            for pattern in (_TITLED, _TITLED_LOW):
                for match in pattern.finditer(turn.text):
                    _add_cut(match[1], people, agents)
        asks = (
            turn.role == "agent"
            and not turn.words.isdisjoint(_ASK_WORDS)
            and _ASKED.search(turn.low) is not None
        )
        is_asked = asks or (is_asked and words_left(turn.low, []) <= 1)


@cache
def _given_names() -> frozenset[str]:
    text = Path(analyzer.__file__).with_name("data").joinpath("given_names.txt").read_text("utf-8")
    return frozenset(w for line in text.splitlines() if line[:1] != "#" for w in line.split())


def _known_given(turns: list[Said], people: list[Person], agents: set[str]) -> None:
    """Names that nothing announces but that begin with a given name."""
    given = _given_names()
    for turn in turns:
        if given.isdisjoint(turn.words):
            continue
        names = [*_set_off(turn, given, agents), *_called(turn, given)]
        for name in names:
            if plain(name) not in agents:
                _add(people, name, agents=agents)


def _set_off(turn: Said, given: frozenset[str], agents: set[str]) -> Iterator[str]:
    """Full names that commas or stops set off ("Yes, Priya Desai.")."""
    for match in _GIVEN_FULL.finditer(turn.text):
        first, last = plain(match[1]), plain(match[2]).split()[-1]
        if first in given and not {first, last} & (agents | NOT_NAMES | _PLACES):
            yield f"{match[1]} {match[2]}"


def _called(turn: Said, given: frozenset[str]) -> Iterator[str]:
    """Given names by which an agent calls the customer, or a customer's own in small letters."""
    if turn.role == "agent":
        yield from (m[1] for m in _GIVEN_CALLED.finditer(turn.text) if plain(m[1]) in given)
    elif turn.role == "customer":
        for match in _GIVEN_LOW.finditer(turn.low):
            if match[1] in given:
                has_last = match[2] and match[2] not in NOT_NAMES | ORDINARY | _PLACES
                yield turn.text[match.start(1) : match.end(2 if has_last else 1)]


def _add_said_by_customer(
    turn: Said, people: list[Person], agents: set[str], *, is_asked: bool
) -> None:
    if is_asked:
        _add_answer(turn.text, people, agents)
    names_own = not turn.words.isdisjoint(_OWN_WORDS)
    if names_own and ("name" in turn.low or _has_name(turn.text)):
        _add_own(turn.text, people, agents)


def _add_said_by_agent(turn: Said, people: list[Person], agents: set[str]) -> None:
    text = turn.text
    if not turn.words.isdisjoint(_GREETING_WORDS):
        low = _LOW_ADDRESSED.match(text)
        if low and low[1] not in NOT_NAMES and low[1] not in agents:
            _add(people, low[1], agents=agents)
        for match in _ADDRESSED.finditer(text) if _has_name(text) else ():
            _add_cut(match[1] or match[2], people, agents)
    if "your" in turn.words and _has_name(text):
        for match in _RELATED.finditer(text):
            _add_cut(match[1], people, agents)


def _has_name(text: str) -> bool:
    """Whether a word in capitals may be a name."""
    return any(w.lower() not in NOT_NAMES for w in _CAPITAL.findall(text))


def _widen(turns: list[Said], people: list[Person], agents: set[str]) -> None:
    """Learn the rest of a name from capitals beside a part that is known ("Yuki" Nakamura)."""
    for person in people:
        if len(person.parts) != 1:
            continue
        part = re.escape(person.parts[0])
        pattern = re.compile(rf"\b({_CAP})\s+((?i:{part}))\b|\b((?i:{part}))\s+({_CAP})")
        for turn in turns:
            if turn.words.isdisjoint(re.split("['’-]", person.parts[0])):
                continue
            for match in pattern.finditer(turn.text):
                other = match[1] or match[4]
                low = plain(other)
                if (
                    low in NOT_NAMES
                    or low in agents
                    or low in _GREETING_WORDS
                    or low in _TITLE_WORDS
                ):
                    continue
                if not (match[2] or match[3])[0].isupper():
                    continue
                _add(people, match[0], agents=agents)
                break
            low_pair = re.search(
                rf"(?:\A|,\s*|\bis\s|'s\s|\bits\s|\bme\s){part}\s+([^\W\d_]{{3,}})\s*(?:[.,!?]|\Z)",
                turn.low,
            )
            if turn.role == "customer" and low_pair and low_pair[1] not in NOT_NAMES | _TITLE_WORDS:
                _add(people, low_pair[0].split()[-2] + " " + low_pair[1], agents=agents)


def _add_own(text: str, people: list[Person], agents: set[str]) -> None:
    for pattern in (_MY_NAME, _THIS_IS, _HERE, _RELATED):
        for match in pattern.finditer(text):
            _add_cut(match[1], people, agents)


def _add_answer(text: str, people: list[Person], agents: set[str]) -> None:
    lead = _LEAD.match(text)
    match = _ANSWER.match(text, lead.end() if lead else 0)
    if match is not None:
        _add_cut(match[1], people, agents)


def _add_cut(name: str, people: list[Person], agents: set[str]) -> None:
    """Add a name, ended before the first word that names nobody."""
    kept = []
    for word in name.split():
        bare = plain(word).replace("’", "'").strip(".,'")
        if bare in NOT_NAMES or (bare.endswith("ing") and word.islower()):
            break
        kept.append(word)
    if kept and not (len(kept) == 1 and plain(kept[0]) in agents):
        _add(people, " ".join(kept), agents=agents)


def _occurrences(turns: list[Said], people: list[Person], agents: set[str]) -> list[Piece]:
    owner = {
        part: number
        for number, person in reversed(list(enumerate(people)))
        for part in person.parts
    }
    owner = {p: n for p, n in owner.items() if p not in NOT_NAMES or len(people[n].parts) > 1}
    words = "|".join(
        re.escape(p).replace("'", "['’]") for p in sorted(owner, key=len, reverse=True)
    )
    if not words:
        return []
    heads = frozenset(re.split("[’'-]", p)[0] for p in owner)
    pattern: re.Pattern[str] | None = None
    found: list[Piece] = []
    for turn in turns:
        index = turn.index
        if not turn.words.isdisjoint(heads):
            pattern = pattern or _pattern(words)
        for match in (
            pattern.finditer(turn.text) if pattern and not turn.words.isdisjoint(heads) else ()
        ):
            parts = _parts(match[0])
            if len(parts) == 1 and not _is_name(turn, match, agents):
                continue
            is_cased = match[0].islower() and turn.text != turn.low
            if is_cased and not any(people[owner[p]].is_recorded for p in parts if p in owner):
                # Where names are written in capitals, a word in small letters is a mere word.
                continue
            found.append(
                Piece(
                    index,
                    match.start(),
                    match.end(),
                    "name",
                    str(owner.get(parts[0], owner.get(parts[-1], 0))),
                )
            )
        if turn.has_single:
            found += _spelt_out(index, turn.low, owner)
    return found


def _pattern(words: str) -> re.Pattern[str]:
    """Runs of the names' parts, whole words in any case."""
    return re.compile(
        rf"(?<![^\W_])(?:{words})(?![^\W_])(?:\s+(?:{_PARTICLE}\s+){{0,2}}(?:{words})(?![^\W_]))*",
        re.IGNORECASE,
    )


def _is_name(turn: Said, match: re.Match[str], agents: set[str]) -> bool:
    """Whether one word of a name is the name here, not the agent's or an ordinary word."""
    text, word = turn.text, plain(match[0])
    titled = re.search(rf"\b{_TITLE}\.?\s+\Z", text[: match.start()]) is not None
    if word in agents and not titled:
        return False
    if word not in ORDINARY and word not in NOT_NAMES:
        return True
    if titled:
        return True
    if not match[0][0].isupper():
        return False
    if word in _MONTHS and (
        re.match(r"\s*(?:\d|the\b|first|second)", text[match.end() :])
        or _BEFORE_MONTH.search(text[: match.start()])
    ):
        return False
    head = text[: match.start()].rstrip()
    starts = not head or head[-1] in ".?!"
    greeted = re.search(
        r"\b(?:hi|hello|thanks|thank you|sorry|okay|right|it's|is|name|for)[,]?\Z",
        head,
        re.IGNORECASE,
    )
    tail = text[match.end() : match.end() + 1]
    return greeted is not None or (not starts) or tail in (",", ".", "!", "?")


def _spelt_out(index: int, low: str, owner: dict[str, int]) -> list[Piece]:
    found = []
    for start, end, letters in spans_letters_only(low):
        for part, number in owner.items():
            if (
                part.replace("'", "").startswith(letters)
                or letters.endswith(part)
                or letters in part
            ):
                found.append(Piece(index, start, end, "name", str(number)))
                break
    return found
