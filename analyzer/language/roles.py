"""Roles that policy names: who may grant what, up to how much, and to whom a thing is reserved."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzer.language.quantities import Quantity, find_quantities

_HEADS = (
    "representative|representatives|rep|reps|agent|agents|supervisor|supervisors|manager|managers|"
    "director|directors|lead|leads|leader|leaders|engineer|engineers|associate|associates|clerk|clerks|"
    "specialist|specialists|adviser|advisers|advisor|advisors|officer|officers|desk|team|office|"
    "department|adjuster|adjusters|cashier|assistant|assistants|controller|partner|head|coordinator|"
    "coordinators|technician|technicians|pharmacist|pharmacists|handler|handlers|staff|consultant|"
    "consultants|operator|operators|receptionist|dispatcher|underwriter|underwriters|committee|board|"
    "registrar|bursar|superintendent|executive|executives"
)
_ROLE = re.compile(
    rf"\b((?:(?!the\b|a\b|an\b|any\b|each\b|our\b|of\b|by\b|to\b|and\b|or\b|from\b|for\b|in\b|at\b|no\b|with\b|"
    rf"is\b|may\b|only\b|if\b|on\b|as\b|that\b|this\b|free\b)[a-z][a-z-]+\s+){{0,2}}(?:{_HEADS}))\b",
    re.IGNORECASE,
)
_RESERVED = re.compile(
    r"\b(?:only|alone|solely|exclusively|nobody|no one|none but|reserved|reserved to|no other|"
    r"approv\w+|authoris\w+|authoriz\w+|consent|decid\w+|decision|sanction\w*|certif\w+|for the)\b",
    re.IGNORECASE,
)
_ENDS_IN_ROLE = re.compile(rf"\b(?:{_HEADS})$")
_ROLE_HEADING = re.compile(r"\b(?:role|who|position|grade|staff|level of staff)\b", re.IGNORECASE)
_MAY = re.compile(
    rf"\b((?:[a-z][a-z-]+\s+){{0,2}}(?:{_HEADS}))\s+(?:may|can|is able to|holds|has)\b(.*)",
    re.IGNORECASE,
)
#: Between cells; within one a bar is written with a backslash before it.
_BAR = re.compile(r"(?<!\\)\|")
_NONE = re.compile(r"^\s*(?:none|nil|no|nothing|-|–|—|n/a|0)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Cap:
    """What a role may grant by one cell of a table, or by one sentence.

    Attributes:
        role: The role as the policy names it, lower case.
        about: The column's heading, or the sentence.
        limits: Quantities of the cell; empty where the cell has words only.
        nothing: The cell says that the role may grant nothing.
        text: The cell or the sentence.
    """

    role: str
    about: str
    limits: tuple[Quantity, ...]
    nothing: bool
    text: str


def singular(role: str) -> str:
    """A role's name in lower case, its last word in the singular."""
    parts = role.lower().split()
    if parts and parts[-1].endswith("s") and parts[-1] != "sales":
        parts[-1] = parts[-1][:-1]
    return " ".join(parts)


def same_role(one: str, other: str) -> bool:
    """Whether two names mean one role: equal, or one is the other with a word before it."""
    a, b = singular(one).split(), singular(other).split()
    if not a or not b:
        return False
    short, long = sorted((a, b), key=len)
    return long[-len(short) :] == short


def find_roles(text: str) -> list[str]:
    """Roles named in a text, in order, singular and lower case, without repeats."""
    out: list[str] = []
    for found in _ROLE.finditer(text):
        role = singular(re.sub(r"\s+", " ", found.group(1)))
        if role not in out:
            out.append(role)
    return out


def reserved_roles(sentence: str) -> list[str]:
    """Roles that a sentence reserves something to ("a supervisor approves", "the desk alone")."""
    return find_roles(sentence) if _RESERVED.search(sentence) else []


def table_rows(text: str) -> list[tuple[list[str], list[str]]]:
    """Rows of the Markdown tables in a text, each with its table's headings."""
    out: list[tuple[list[str], list[str]]] = []
    headings: list[str] | None = None
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped.startswith("|"):
            headings = None
            continue
        inner = stripped.removeprefix("|")
        inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
        cells = [c.strip() for c in _BAR.split(inner)]
        if all(re.fullmatch(r":?-{2,}:?", c) for c in cells if c):
            continue
        if headings is None:
            headings = cells
        else:
            out.append((headings, cells))
    return out


def find_caps(text: str) -> list[Cap]:
    """Who may grant what, from the tables of a clause and from its sentences."""
    return [*_table_caps(text), *_prose_caps(text)]


def _table_caps(text: str) -> list[Cap]:
    out: list[Cap] = []
    for headings, cells in table_rows(text):
        role = singular(cells[0])
        if not role or not (_ROLE_HEADING.search(headings[0]) or _ENDS_IN_ROLE.search(role)):
            continue
        for heading, cell in zip(headings[1:], cells[1:], strict=False):
            out.append(Cap(role, heading, find_quantities(cell), bool(_NONE.match(cell)), cell))
    return out


def _prose_caps(text: str) -> list[Cap]:
    out: list[Cap] = []
    prose = "\n".join(line for line in text.splitlines() if not line.strip().startswith("|"))
    for sentence in re.split(r"(?<=[.;])\s+", prose):
        found = _MAY.search(sentence)
        if not found:
            continue
        roles, limits = find_roles(found.group(1)), find_quantities(found.group(2))
        if roles and limits:
            out.append(Cap(roles[-1], sentence, limits, nothing=False, text=sentence))
    return out
