"""What a policy clause refers to: other clauses, terms that it defines, earlier bookings."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from analyzer.language.dates import written_days

#: ``RET-4``, ``HR-2.1``, ``R4``: the ids that :mod:`analyzer.readers.policies.sections` reads.
_ID = re.compile(r"(?<![\w-])([A-Z][A-Z0-9]{0,11}(?:-[A-Z0-9]{1,8})*-\d[\w.]*|[A-Z]{1,6}\d[\w.-]*)")
_NUMBER = re.compile(
    r"\b(?:clauses?|sections?|sec\.|articles?|art\.|paragraphs?|para\.|rules?|points?|chapters?|§§?)\s*"
    r"(?P<first>\d+(?:\.\d+)*(?:\([a-z]{1,4}\))*)"
    r"(?P<more>(?:\s*(?:,|and|or|to|–|-)\s*\d+(?:\.\d+)*(?:\([a-z]{1,4}\))*){0,12})",
    re.IGNORECASE,
)
_EACH_NUMBER = re.compile(r"\d+(?:\.\d+)*(?:\([a-z]{1,4}\))*")
#: A number that goes on as a quantity ("section 4 days") is none of a clause.
_QUOTED = r"[\"“'‘](?P<quoted>[^\"”'’\n]{2,60})[\"”'’]"
_MEANS = r"(?:means?|is\s+understood\s+(?:as|to\s+mean)|refers?\s+to|shall\s+mean|is\s+defined\s+as|stands\s+for)"
_DEFINED = re.compile(
    rf"(?:^|(?<=[.;:|\n]))[ \t]*(?:[-*•]\s+)?(?:an?\s+|the\s+)?(?:{_QUOTED}|\*\*(?P<bold>[^*\n]{{2,60}})\*\*"
    rf"|(?P<plain>[A-Z][\w'’-]*(?:[ ][\w'’-]+){{0,4}}))\s*(?:,|:|\([^)\n]{{1,40}}\))?\s+{_MEANS}\b",
    re.MULTILINE,
)
_BEFORE = re.compile(
    r"\b(?P<what>booking|reservation|order|contract|polic(?:y|ies)|agreement|membership|purchase|ticket|account|"
    r"plan|subscription|loan|claim|journey|tenanc(?:y|ies)|sale|stay|trip|customer|member|policyholder|tariff)s?\b"
    r"[^.;\n]{0,60}?\b(?:before|prior to|earlier than|until|up to|no later than|not later than)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_OLD_TERMS = re.compile(
    r"\b(?:keeps?|kept|retain\w*|remain\w*|stay\w*|stands?|continue\w*|govern\w*|under|"
    r"(?:old|previous|earlier|former|prior|superseded|then)\s+(?:terms?|rules?|edition|version|polic(?:y|ies)|conditions?|prices?|rates?)|"
    r"as\s+(?:printed|agreed|booked|stated|they\s+were)|in\s+force\s+(?:then|at\s+the\s+time|when|on\s+the\s+day)|"
    r"at\s+the\s+time\s+of|(?:not\s+affected|unaffected|does\s+not\s+apply|do\s+not\s+apply|not\s+apply))\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.;\n]*(?:\.\d[^.;\n]*)*[.;\n]?")
_LEAD = 110
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
            found.group(1).rstrip("."),
            is_id=True,
            start=found.start(),
            end=found.start() + len(found.group(1)),
        )
        for found in _ID.finditer(text)
    ]
    for found in _NUMBER.finditer(text):
        begin = found.start("first")
        out += [
            Mention(
                number.group(),
                is_id=False,
                start=begin + number.start(),
                end=begin + number.end(),
            )
            for number in _EACH_NUMBER.finditer(text[begin : found.end()])
        ]
    return tuple(sorted(out, key=lambda mention: mention.start)[:_MOST])


def find_definitions(text: str) -> tuple[Definition, ...]:
    """Find the terms that a text defines ('"Business day" means …')."""
    out = []
    for found in _DEFINED.finditer(text):
        term = (found["quoted"] or found["bold"] or found["plain"] or "").strip(" :,")
        if term and term.lower() not in {"it", "this", "that", "these", "which", "he", "she"}:
            out.append(
                Definition(term, found.start() + len(found.group()) - len(found.group().lstrip()))
            )
    return tuple(out[:_MOST])


def find_transitions(text: str) -> tuple[Transition, ...]:
    """Find the rules by which what was agreed before a day keeps its earlier terms.

    A sentence counts if it names a kind of agreement, then a day before which it was made, and
    says, there or in the next sentence, that terms stay as they were.
    """
    out = []
    for named in written_days(text):
        lead = text[max(0, named.start - _LEAD) : named.start]
        made = _BEFORE.search(lead)
        if made is None:
            continue
        start = max(text.rfind(mark, 0, named.start) for mark in ".;\n") + 1
        end = named.end
        for _ in range(2):
            following = _SENTENCE.match(text, end)
            end = following.end() if following else end
        if _OLD_TERMS.search(text[start:end]):
            out.append(Transition(named.day, made["what"].lower(), start, end))
    return tuple(out)
