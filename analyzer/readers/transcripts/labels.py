"""What a speaker's label says of itself: role, name, position."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from analyzer.domain import Role

_AGENT_WORDS = frozenset(
    {
        "agent", "agents", "rep", "representative", "csr", "advisor", "adviser", "operator",
        "associate", "assistant", "specialist", "consultant", "clerk", "teller", "staff",
        "employee", "bot", "chatbot", "support", "service", "services", "helpdesk", "receptionist",
        "reception", "concierge", "coordinator", "dispatcher", "cashier", "technician", "sales",
        "desk", "colleague",
    }
)  # fmt: skip
_AGENT_PHRASES = frozenset({"customer care", "care team", "support team", "front desk", "ai"})
#: Whoever bears one of these is an agent, and it is the position that authority rules name.
_RANKS = frozenset({"supervisor", "manager", "lead", "leader", "director", "superior"})
_CUSTOMER_WORDS = frozenset(
    {
        "customer", "caller", "client", "user", "enduser", "consumer", "member", "guest",
        "patient", "passenger", "subscriber", "policyholder", "cardholder", "buyer", "shopper",
        "visitor", "traveler", "traveller", "tenant", "cust", "callee",
    }
)  # fmt: skip
_CUSTOMER_PHRASES = frozenset({"account holder", "policy holder", "card holder"})
_SYSTEM_WORDS = frozenset(
    {"system", "ivr", "recording", "voicemail", "announcement", "music", "hold", "announcer"}
)
_SYSTEM_PHRASES = frozenset(
    {"automated message", "recorded message", "automated", "auto attendant"}
)
_GENERIC = re.compile(
    r"(?:speaker|spk|spkr|channel|chan|ch|participant|person|voice|party|side|unknown|inbound|"
    r"outbound|left|right|mono)?\s*(?:[a-z]|\d{1,6})?"
)
_BRACKETED = re.compile(r"(?P<outer>[^()\[\]]*?)\s*[(\[](?P<inner>[^()\[\]]*)[)\]]\s*")
_DASHED = re.compile(r"(?P<outer>.+?)\s*(?:\s[-\u2013\u2014]\s|/|,)\s*(?P<inner>.+)")
_PARTS = re.compile(r"\s*[,;/|\u2013\u2014]\s*|\s+-\s+")
_MOST_NAME_WORDS = 4


@dataclass(frozen=True)
class Label:
    """What a label says; None where it does not.

    Attributes:
        role: The role that its words name beyond doubt.
        name: The person's name.
        position: The agent's position, in lower case.
    """

    role: Role | None = None
    name: str | None = None
    position: str | None = None


@lru_cache(maxsize=2048)
def read_label(label: str) -> Label:
    """Take a label apart.

    ``Agent (Dana, supervisor)``, ``Dana (Agent)``, ``Agent Dana`` and ``Supervisor`` say their
    role; ``Dana Lee`` says a name alone; ``Speaker 0`` says nothing. What speaks for the company,
    a chat bot included, is an agent; announcements and menus are the system.
    """
    label = " ".join(label.split())
    for pattern in (_BRACKETED, _DASHED):
        if found := pattern.fullmatch(label):
            split = _from_parts(found["outer"], found["inner"])
            if split.role is not None:
                return split
    plain = _BRACKETED.fullmatch(label)
    outer = plain["outer"] if plain and plain["outer"] else label
    return _from_words(outer)


@lru_cache(maxsize=2048)
def is_generic(label: str) -> bool:
    """Whether a label only numbers the speakers: ``Speaker 0``, ``ch_1``, ``A``."""
    return _GENERIC.fullmatch(_plain(label)) is not None


@lru_cache(maxsize=2048)
def looks_like_label(label: str) -> bool:
    """Whether a piece of text could name a speaker: a role, a name, a number of a speaker."""
    if read_label(label).role is not None or (is_generic(label) and not label.isdigit()):
        return True
    bare = _BRACKETED.fullmatch(label)
    words = (bare["outer"] if bare else label).split()
    return 0 < len(words) <= _MOST_NAME_WORDS and all(map(_is_name_word, words))


def _is_name_word(word: str) -> bool:
    if word in {"de", "da", "di", "van", "von", "der", "den", "la", "le", "bin", "al", "el"}:
        return True
    letters = (
        word.replace("'", "").replace("\u2019", "").replace("-", "").replace("_", "").rstrip(".,")
    )
    return letters.isalnum() and letters[0].isalpha() and not letters[0].islower()


def _plain(words: str) -> str:
    return " ".join(re.sub(r"[_\-.#]+", " ", words.casefold()).split())


def _from_parts(outer: str, inner: str) -> Label:
    """A label in two parts, of which one names the role and the other the person."""
    parts = [part for part in _PARTS.split(inner) if part]
    head = _from_words(outer)
    if head.role is not None:
        name, position = head.name, head.position
        if head.role != "agent":
            return Label(head.role, name or (parts[0] if parts else None))
        names, positions = _sort_parts(parts)
        return Label("agent", name or (names[0] if names else None), position or _first(positions))
    for index, part in enumerate(parts):
        said = _from_words(part)
        if said.role is not None:
            rest = parts[:index] + parts[index + 1 :]
            position = said.position or _first([p for p in rest if said.role == "agent"])
            return Label(said.role, outer or None, position and position.casefold())
    return Label(None, outer or None)


def _sort_parts(parts: list[str]) -> tuple[list[str], list[str]]:
    """Names and positions in the brackets after an agent's label."""
    known = [part for part in parts if _from_words(part).role == "agent"]
    rest = [part for part in parts if part not in known]
    if known:
        return rest, [part.casefold() for part in known]
    if rest and rest[0][0].islower():
        return rest[1:], [rest[0]]
    return rest[:1], [part.casefold() for part in rest[1:2]]


def _first(parts: list[str]) -> str | None:
    return parts[0] if parts else None


def _from_words(words: str) -> Label:
    plain = re.sub(r"\s*\d+$", "", _plain(words))
    tokens = plain.split()
    if not tokens:
        return Label()
    role = _role_of(plain, tokens[-1])
    if role is not None:
        is_rank = role == "agent" and tokens[-1] in _RANKS
        return Label(role, None, plain.removeprefix("agent ") if is_rank else None)
    spelled = words.split()
    if len(spelled) > 1 and spelled[1][0].isupper() and len(tokens) == len(spelled):
        titled = _role_of(tokens[0], tokens[0])
        if titled in {"agent", "customer"}:
            rank = tokens[0] if tokens[0] in _RANKS else None
            return Label(titled, " ".join(spelled[1:]), rank)
    return Label(None, None if is_generic(words) else words.strip() or None)


def _role_of(phrase: str, last: str) -> Role | None:
    """The role that a phrase names, itself or by its last word: customer service is an agent."""
    if phrase in _SYSTEM_PHRASES or last in _SYSTEM_WORDS:
        return "system"
    if phrase in _AGENT_PHRASES or last in _AGENT_WORDS | _RANKS:
        return "agent"
    if phrase in _CUSTOMER_PHRASES or last in _CUSTOMER_WORDS:
        return "customer"
    return None
