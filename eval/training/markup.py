"""Reads the compact markup in which training calls are written into labelled records.

The markup is described in ``eval/training/README.md``. Marks stand inside the turns, so that no one
who writes a call has to count turns or keep a quote and its turn in step by hand.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

Record = dict[str, Any]

ROLES = {"A": "agent", "C": "customer", "S": "system"}
KINDS = {"promise", "assurance", "exception"}
STRENGTHS = {"firm", "conditional", "hedged"}
VERDICTS = {
    "supported",
    "contradicted",
    "exceeds_authority",
    "conditions_unverified",
    "not_addressed",
}
TACTICS = {
    "repeated_position",
    "flat_refusal",
    "blame_shifting",
    "non_answer",
    "runaround",
    "denied_escalation",
    "dismissal",
    "threat",
}
RESOLUTIONS = {"honour", "honour_with_disclosure", "escalate", "correct"}
RELATIONS = {"repeats", "denies", "fulfils", "breaks", "discloses"}

_TURN = re.compile(r"^([ACS])(?:\(([^,()]*)(?:,([^()]*))?\))?:\s?(.*)$")
_MARK = re.compile(r"\{\{(.+?)::(.+?)\}\}", re.DOTALL)
_LINK = re.compile(r"\[\[link (\S+) (\S+) (\S+)\]\]\s*")
_PAIR = re.compile(r'(\w+)=("(?:[^"]*)"(?:@\S+)?|\S+)|(\S+)')


class MarkupError(ValueError):
    """A place in the markup that cannot be read; says the file's line and what to do."""


def read_calls(path: Path, company: str) -> list[Record]:
    """Read all calls of one ``calls.txt`` into records of the annotation guide.

    Args:
        path: The file, UTF-8.
        company: The company key that the records carry.

    Returns:
        One record a call, in file order, marks numbered ``c1`` … in turn order unless named.

    Raises:
        MarkupError: With the line number, where the markup breaks its own rules.
    """
    reader = _Reader(company)
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if line:
            try:
                reader.read(line)
            except MarkupError as error:
                raise MarkupError(f"{path}:{number}: {error}") from error
    for record in reader.calls:
        _number_marks(record["commitments"])
    return reader.calls


class _Reader:
    """Takes a file line by line; what it refuses carries no line number yet."""

    def __init__(self, company: str) -> None:
        self.company = company
        self.calls: list[Record] = []
        self.agent = ("representative", "")
        self.wall: Record | None = None

    @property
    def call(self) -> Record:
        if not self.calls:
            raise MarkupError("text before the first === line")
        return self.calls[-1]

    def read(self, line: str) -> None:
        if line.startswith("==="):
            self._header(line)
        elif line.startswith("<<SW"):
            self._open_wall(line)
        elif line == ">>":
            self._close_wall()
        else:
            self._turn(line)

    def _header(self, line: str) -> None:
        if self.wall:
            raise MarkupError("a stonewall is still open; close it with >>")
        head = dict(p.split("=", 1) for p in line.strip("= ").split())
        self.calls.append(
            {
                "call_id": head["id"],
                "company": self.company,
                "date": head["date"],
                "customer_id": head.get("customer"),
                "channel": head.get("channel", "phone"),
                "turns": [],
                "commitments": [],
                "stonewalls": [],
                "links": [],
            }
        )

    def _open_wall(self, line: str) -> None:
        start = len(self.call["turns"])
        parts = line.split()
        if len(parts) != 3:
            raise MarkupError("write <<SW tactic[,tactic] severity")
        tactics = parts[1].split(",")
        if not set(tactics) <= TACTICS or parts[2] not in {"1", "2", "3"}:
            raise MarkupError(f"unknown tactic or severity in {line!r}")
        self.wall = {"start": start, "tactics": tactics, "severity": int(parts[2]), "quote": ""}

    def _close_wall(self) -> None:
        turns = self.call["turns"]
        if self.wall is None:
            raise MarkupError(">> with no open stonewall")
        start, end = self.wall["start"], len(turns) - 1
        for edge, turn in (("start", start), ("end", end)):
            if turns[turn]["role"] != "agent":
                raise MarkupError(f"the stonewall's {edge} is not an agent's turn")
        self.call["stonewalls"].append(
            {
                "start": start,
                "end": end,
                "tactics": self.wall["tactics"],
                "severity": self.wall["severity"],
                "quote": self.wall["quote"] or turns[start]["text"],
            }
        )
        self.wall = None

    def _turn(self, line: str) -> None:
        call = self.call
        found = _TURN.match(line)
        if not found:
            raise MarkupError(f"not a turn, a mark or a header: {line[:60]!r}")
        letter, position, name, text = found.groups()
        if letter == "A" and position:
            self.agent = (position.strip(), (name or "").strip())
        text = self._take_typical_quote(self._take_links(text.replace("\\n", "\n")))
        for quote, body in _MARK.findall(text):
            if letter != "A":
                raise MarkupError("a mark on a turn that is not an agent's")
            call["commitments"].append(_mark(quote, body, len(call["turns"])))
        clean = _MARK.sub(r"\1", text)
        if "{{" in clean or "}}" in clean or "::" in clean:
            raise MarkupError(f"a broken mark in {clean[:80]!r}")
        entry = {"turn": len(call["turns"]), "role": ROLES[letter], "text": clean}
        if letter == "A":
            entry |= {"position": self.agent[0]}
            entry |= {"name": self.agent[1]} if self.agent[1] else {}
        call["turns"].append(entry)

    def _take_links(self, text: str) -> str:
        for target, mark, relation in _LINK.findall(text):
            if relation not in RELATIONS:
                raise MarkupError(f"unknown relation {relation!r}")
            self.call["links"].append(
                {
                    "turn": len(self.call["turns"]),
                    "to_call": target,
                    "to_commitment": mark,
                    "relation": relation,
                }
            )
        return _LINK.sub("", text)

    def _take_typical_quote(self, text: str) -> str:
        typical = re.search(r"##(.+?)##", text)
        if typical and self.wall:
            self.wall["quote"] = _MARK.sub(r"\1", typical.group(1))
        return text.replace("##", "")


def _number_marks(marks: list[Record]) -> None:
    used = {mark["id"] for mark in marks}
    free = (f"c{n}" for n in itertools.count(1) if f"c{n}" not in used)
    for mark in marks:
        mark["id"] = mark["id"] or next(free)


def _mark(quote: str, body: str, turn: int) -> Record:
    found = _PAIR.findall(body)
    keys: dict[str, str] = {key: value for key, value, _ in found if key}
    words = [word for key, _, word in found if not key]
    if len(words) < 2 or words[0] not in KINDS or words[1] not in STRENGTHS:
        raise MarkupError(f"a mark needs kind and strength: {body!r}")
    rest = [w for w in words[2:] if w != "done"]
    verdict = rest[0] if rest else None
    clauses = [c for w in rest[1:] for c in w.split(",") if c]
    if words[1] != "hedged":
        if verdict not in VERDICTS:
            raise MarkupError(f"unknown verdict {verdict!r}")
        if (verdict == "not_addressed") == bool(clauses):
            raise MarkupError(f"clauses and verdict {verdict!r} do not fit")
    resolution = keys.get("res")
    if resolution and resolution not in RESOLUTIONS:
        raise MarkupError(f"unknown resolution {resolution!r}")
    return {
        "id": keys.get("id", ""),
        "turn": turn,
        "quote": quote,
        "kind": words[0],
        "strength": words[1],
        "due": _due(keys["due"]) if "due" in keys else None,
        "amount": _amount(keys["amount"]) if "amount" in keys else None,
        "condition": keys["cond"].strip('"') if "cond" in keys else None,
        "fulfilled_in_call": "done" in words[2:],
        "withdrawn_at": int(keys["withdrawn"]) if "withdrawn" in keys else None,
        "policy_conflict": keys["conflict"].split(",") if "conflict" in keys else [],
        "verdict": verdict,
        "clauses": clauses,
        "resolution": resolution,
        "why": keys.get("why", "").strip('"'),
    }


def _due(value: str) -> Record:
    said, _, day = value.rpartition("@") if "@" in value else (value, "", "")
    return {"said": said.strip('"'), "date": None if day in {"", "null"} else day}


def _amount(value: str) -> Record:
    number = re.match(r"([\d.,]+)(\w*)", value.strip('"'))
    if not number:
        raise MarkupError(f"amount {value!r}; write amount=25USD")
    return {"value": float(number[1].replace(",", "")), "currency": number[2] or None}


def clause_ids(folder: Path) -> set[str]:
    """All clause ids under ``folder/policies``."""
    return {
        found
        for path in sorted((folder / "policies").glob("*.md"))
        for found in re.findall(r"^## (\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def check(folder: Path) -> list[Record]:
    """Read a company's folder and check every clause id that its marks name."""
    ids = clause_ids(folder)
    calls = read_calls(folder / "calls.txt", folder.name)
    for call in calls:
        for mark in call["commitments"]:
            for clause in mark["clauses"] + mark["policy_conflict"]:
                if clause not in ids:
                    raise MarkupError(f"{folder}: {call['call_id']}: no clause {clause!r}")
    return calls


def main(arguments: list[str]) -> int:
    """``check FOLDER [--show]``: print what was read, or the first thing that is wrong."""
    folder = Path(arguments[2])
    try:
        calls = check(folder)
    except (MarkupError, KeyError, OSError) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    if "--show" in arguments:
        for call in calls:
            print(json.dumps(call, ensure_ascii=False))
    marks = [m for c in calls for m in c["commitments"]]
    by = dict(Counter(str(mark["verdict"]) for mark in marks))
    turns, walls = (sum(len(c[part]) for c in calls) for part in ("turns", "stonewalls"))
    print(
        f"{len(calls)} calls, {turns} turns, {len(marks)} marks {by}, {walls} stonewalls, "
        f"{len(clause_ids(folder))} clauses"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
