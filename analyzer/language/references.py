"""What a policy clause refers to: other clauses, terms that it defines, earlier bookings."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.language.dates import NamedDay, digit_days, written_days

#: ``RET-4``, ``HR-2.1``, ``R4``: the ids that :mod:`analyzer.readers.policies.sections` reads.
#: A hyphen may be one that does not break the line.
_ID = re.compile(
    r"(?<![\w\u2010\u2011-])([A-Z][A-Z0-9]{0,11}(?:[\u2010\u2011-][A-Z0-9]{1,8})*[\u2010\u2011-]\d[\w.]*"
    r"|[A-Z]{1,6}\d[\w.-]*)"
)
_PARTS = r"(?:\((?:[a-z]{1,4}|\d{1,2})\))"
_ONE = rf"(?<![$£€\d.])\d{{1,4}}(?:\.\d{{1,4}}){{0,8}}{_PARTS}{{0,4}}"
_NUMBER = re.compile(
    r"(?:\b(?:clauses?|sections?|sec\.|articles?|art\.|paragraphs?|para\.|rules?|points?|chapters?)|§§?)\s*"
    rf"(?P<first>{_ONE})(?P<more>(?:\s*(?:,\s*(?:and|or)\b|,|and|or|to|through|–|-)\s*(?:{_ONE}|{_PARTS}{{1,4}})){{0,12}})",
    re.IGNORECASE,
)
_EACH_NUMBER = re.compile(rf"{_ONE}|(?<=[\s,–-]){_PARTS}{{1,4}}", re.IGNORECASE)
#: A number that goes on as a quantity ("section 4 days") is none of a clause.
_QUANTITY = re.compile(
    r"\s*(?:%|[$£€]|(?:(?:business|working|calendar|full)\s+)?(?:minute|hour|day|night|week|month|year|time|"
    r"percent|per\s+cent|dollar|pound|euro|point)s?\b)",
    re.IGNORECASE,
)
#: Of a law, not of the policy: "section 12 of the Consumer Rights Act".
_OF_A_LAW = re.compile(
    r"\s*(?:,?\s*of\s+)?(?:the\s+)?(?:[A-Z][\w'’-]*\s+(?:(?:of|on|and|for|the)\s+){0,2}){0,6}"
    r"(?:Act|Code|Law|Regulations?|Directive|Ordinance|Statute|Constitution|Convention|Decree|GDPR)\b"
)
_TO = re.compile(r"\s*(?:to|through|–|-)\s*")
_LAST_PART = re.compile(r"\d+(?!.*\d)")
_MOST_BETWEEN = 20
_QUOTED = r"[\"“'‘](?P<quoted>[^\"”'’\n]{2,60})[\"”'’]"
_MEANS = r"(?:means?|is\s+understood\s+(?:as|to\s+mean)|refers?\s+to|shall\s+mean|is\s+defined\s+as|stands\s+for)"
#: What may stand before a term: "In these rules, the term …".
_LED = (
    r"(?:(?:In|For|Under|Within|Throughout)\b[^\"“.;:\n]{1,60},[ ])?"
    r"(?:[Aa]n?\s+|[Tt]he\s+)?(?:(?:[Tt]erm|[Ww]ord|[Ee]xpression|[Pp]hrase)\s+)?"
)
_DEFINED = re.compile(
    rf"(?:^|(?<=[.;:|\n]))[ \t]*(?:[-*•]\s+)?(?:{_LED}{_QUOTED}|{_LED}\*\*(?P<bold>[^*\n]{{2,60}})\*\*"
    rf"|(?P<plain>[A-Z][\w'’-]*(?:[ ][\w'’-]+){{0,4}}?))\s*(?:,|:|\([^)\n]{{1,40}}\))?\s+{_MEANS}\b",
    re.MULTILINE,
)
_AGREEMENT = (
    r"(?P<what>booking|reservation|order|contract|polic(?:y|ies)|agreement|membership|purchase|ticket|account|"
    r"plan|subscription|loan|claim|journey|tenanc(?:y|ies)|sale|stay|trip|customer|member|policyholder|tariff)s?\b"
)
_BEFORE = re.compile(
    rf"\b{_AGREEMENT}(?P<made>[^.;\n]{{0,60}}?)\b(?P<how>before|prior to|earlier than|on or before|by|until|"
    r"up to(?: and including)?|no later than|not later than)\s+(?:and\s+including\s+)?(?:the\s+)?$",
    re.IGNORECASE,
)
#: These take in the day that they name.
_THROUGH = re.compile(r"on or before|by|until|up to|no[t]? later", re.IGNORECASE)
#: "Made on or after the day", where a later sentence speaks of those made earlier.
_AFTER = re.compile(
    rf"\b{_AGREEMENT}(?P<made>[^.;\n]{{0,60}}?)\b(?:from|on or after|as of|as from|since)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_OLDER = re.compile(
    rf"\b(?:earlier|older|existing|previous|prior)\s+{_AGREEMENT}|\b{_AGREEMENT.replace('what', 'kept')}"
    r"\s+(?:[a-z]+\s+){0,2}(?:earlier|before (?:that|then|this))\b",
    re.IGNORECASE,
)
#: What ends or uses an agreement rather than makes it.
_UNDONE = re.compile(
    r"\b(?:cancel\w*|return\w*|refund\w*|terminat\w*|end(?:s|ed|ing)?|expir\w*|deliver\w*|paid|pay|pays|"
    r"shipped|sent back|travel\w*|stay\w*|departing|arriving|must|have to|has to)\b",
    re.IGNORECASE,
)
_OLD_TERMS = re.compile(
    r"\b(?:keeps?|kept|retain\w*|remain\w*|stay\w*|stands?|continue\w*|govern\w*|under|"
    r"(?:old|previous|earlier|former|prior|superseded|then)\s+(?:terms?|rules?|edition|version|polic(?:y|ies)|conditions?|prices?|rates?)|"
    r"as\s+(?:printed|agreed|booked|stated|they\s+were)|in\s+force\s+(?:then|at\s+the\s+time|when|on\s+the\s+day)|"
    r"at\s+the\s+time\s+of|(?:not\s+affected|unaffected|does\s+not\s+apply|do\s+not\s+apply|not\s+apply))\b",
    re.IGNORECASE,
)
_POINTING = frozenset(
    ("it", "this", "that", "these", "those", "which", "what", "whatever", "who", "he", "she", "they", "no",
     "all", "by")
)  # fmt: skip
_SENTENCE = re.compile(r"[^.;\n]*(?:\.\d[^.;\n]*)*[.;\n]?")
_LEAD = 110
#: So many characters of a sentence are looked at on either side of a day.
_LONGEST = 400
_MOST = 200


@dataclass(frozen=True)
class Mention:
    """A clause that is named in a text: ``text[start:end]``.

    Attributes:
        target: The id, or the number as it is written (``4.2(b)``).
        is_id: True for an id, False for a number, which means a clause of the same document.
    """

    target: str
    is_id: bool
    start: int
    end: int


@dataclass(frozen=True)
class Definition:
    """A term and where the sentence that defines it begins."""

    term: str
    start: int


@dataclass(frozen=True)
class Transition:
    """A rule that lets what was agreed before a day keep its earlier terms.

    Attributes:
        before: The day; what was agreed before it keeps the terms of its time.
        what: What is kept, in the policy's word ("booking").
        start: Where the sentence begins.
        end: Where it ends.
    """

    before: dt.date
    what: str
    start: int
    end: int


def find_mentions(text: str) -> tuple[Mention, ...]:
    """Find the clauses that a text names, by id or by number.

    Returns:
        In the order of the text, at most 200. Whether such a clause exists is for the reader of
        the whole library to say.
    """
    out = [
        Mention(
            re.sub("[\u2010\u2011]", "-", found.group(1).rstrip(".")),
            is_id=True,
            start=found.start(),
            end=found.start() + len(found.group(1).rstrip(".")),
        )
        for found in _ID.finditer(text)
    ]
    for found in _NUMBER.finditer(text):
        if not _OF_A_LAW.match(text, found.end()):
            out += _numbers(text, found.start("first"), found.end())
    out.sort(key=lambda mention: mention.start)
    between = [
        mention
        for first, last in itertools.pairwise(out)
        if _TO.fullmatch(text, first.end, last.start)
        for mention in _between(first, last)
    ]
    return tuple(sorted([*out, *between], key=lambda mention: mention.start)[:_MOST])


def _numbers(text: str, begin: int, end: int) -> Iterator[Mention]:
    """The numbers of "clauses 4.1(a), (b) and 6", each in full."""
    whole = ""
    for number in _EACH_NUMBER.finditer(text, begin, end):
        if _QUANTITY.match(text, number.end()):
            return
        written = number.group()
        # "(b)" after "4.1(a)" is 4.1(b).
        whole = whole[: whole.find("(")] + written if written[0] == "(" else written
        yield Mention(whole, is_id=False, start=number.start(), end=number.end())


def _between(first: Mention, last: Mention) -> Iterator[Mention]:
    """The clauses between the two that a range names ("4.1 to 4.3", "RET-4 to RET-6")."""
    one, other = _LAST_PART.search(first.target), _LAST_PART.search(last.target)
    if one is None or other is None or first.is_id != last.is_id:
        return
    head, tail = first.target[: one.start()], first.target[one.end() :]
    if (head, tail) != (last.target[: other.start()], last.target[other.end() :]):
        return
    low, high = int(one.group()), int(other.group())
    for number in range(low + 1, min(high, low + _MOST_BETWEEN)):
        yield Mention(f"{head}{number}{tail}", first.is_id, first.start, last.end)


def find_definitions(text: str) -> tuple[Definition, ...]:
    """Find the terms that a text defines ('"Business day" means …')."""
    out = []
    for found in _DEFINED.finditer(text):
        term = (found["quoted"] or found["bold"] or found["plain"] or "").strip(" :,")
        # "What this means for you" defines nothing.
        if term and not _POINTING & {*term.lower().split()[:1], *term.lower().split()[-1:]}:
            if found["plain"]:
                term = re.sub(r"^(?:An?|The)\s+(?=\w)", "", term)
            out.append(
                Definition(term, found.start() + len(found.group()) - len(found.group().lstrip()))
            )
    return tuple(out[:_MOST])


def find_transitions(text: str) -> tuple[Transition, ...]:
    """Find the rules by which what was agreed before a day keeps its earlier terms.

    A sentence counts if it names a kind of agreement, then a day before which it was made, and
    says, there or in the next sentence, that terms stay as they were; or names the day from which
    new ones count, and the same or the next one says that earlier ones keep theirs. A day in
    digits that could be two days does not count.
    """
    out = []
    for named in sorted([*written_days(text), *digit_days(text)[0]], key=lambda day: day.start):
        least = max(0, named.start - _LONGEST)
        start = max(least, *(text.rfind(mark, least, named.start) + 1 for mark in ".;\n"))
        end = named.end
        for _ in range(2):
            following = _SENTENCE.match(text, end, end + _LONGEST)
            end = following.end() if following else end
        found = _kept_before(text, named, end)
        if found is not None and _OLD_TERMS.search(text[start:end]):
            before, what = found
            start += len(text[start:end]) - len(text[start:end].lstrip())
            what = re.sub("ies$", "y", what.lower())
            out.append(Transition(before, what, start, end))
    return tuple(out)


def _kept_before(text: str, named: NamedDay, end: int) -> tuple[dt.date, str] | None:
    """The first day of the new terms and what keeps the old ones; None if it says neither."""
    lead = text[max(0, named.start - _LEAD) : named.start]
    before = _BEFORE.search(lead)
    if before is not None and not _UNDONE.search(before["made"]):
        is_through = _THROUGH.match(before["how"]) and named.day < dt.date.max
        return named.day + dt.timedelta(days=1 if is_through else 0), before["what"]
    after = _AFTER.search(lead)
    if after is not None and _OLDER.search(text, named.end, end):
        return named.day, after["what"]
    return None
