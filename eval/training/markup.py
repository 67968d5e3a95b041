"""Reads the compact markup in which training calls are written into labelled records.

The markup is described in ``eval/training/README.md``. Marks stand inside the turns, so that no one
who writes a call has to count turns or keep a quote and its turn in step by hand.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

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


def read_calls(path: Path, company: str) -> list[dict]:
    """Read all calls of one ``calls.txt`` into records of the annotation guide.

    Args:
        path: The file, UTF-8.
        company: The company key that the records carry.

    Returns:
        One record a call, in file order, marks numbered ``c1`` … in turn order unless named.

    Raises:
        MarkupError: With the line number, where the markup breaks its own rules.
    """
    calls: list[dict] = []
    call: dict | None = None
    agent: tuple[str, str] = ("representative", "")
    open_wall: dict | None = None
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if not line:
            continue
        if line.startswith("==="):
            if open_wall:
                raise MarkupError(f"{path}:{number}: a stonewall is still open; close it with >>")
            head = dict(p.split("=", 1) for p in line.strip("= ").split())
            call = {
                "call_id": head["id"],
                "company": company,
                "date": head["date"],
                "customer_id": head.get("customer"),
                "channel": head.get("channel", "phone"),
                "turns": [],
                "commitments": [],
                "stonewalls": [],
                "links": [],
            }
            calls.append(call)
            continue
        if call is None:
            raise MarkupError(f"{path}:{number}: text before the first === line")
        if line.startswith("<<SW"):
            parts = line.split()
            if len(parts) != 3:
                raise MarkupError(f"{path}:{number}: write <<SW tactic[,tactic] severity")
            tactics = parts[1].split(",")
            if not set(tactics) <= TACTICS or parts[2] not in {"1", "2", "3"}:
                raise MarkupError(f"{path}:{number}: unknown tactic or severity in {line!r}")
            open_wall = {
                "start": len(call["turns"]),
                "tactics": tactics,
                "severity": int(parts[2]),
                "quote": "",
            }
            continue
        if line == ">>":
            if open_wall is None:
                raise MarkupError(f"{path}:{number}: >> with no open stonewall")
            open_wall["end"] = len(call["turns"]) - 1
            for edge in ("start", "end"):
                if call["turns"][open_wall[edge]]["role"] != "agent":
                    raise MarkupError(
                        f"{path}:{number}: the stonewall's {edge} is not an agent's turn"
                    )
            if not open_wall["quote"]:
                open_wall["quote"] = call["turns"][open_wall["start"]]["text"]
            call["stonewalls"].append(
                {k: open_wall[k] for k in ("start", "end", "tactics", "severity", "quote")}
            )
            open_wall = None
            continue
        found = _TURN.match(line)
        if not found:
            raise MarkupError(f"{path}:{number}: not a turn, a mark or a header: {line[:60]!r}")
        letter, position, name, text = found.groups()
        turn = len(call["turns"])
        text = text.replace("\\n", "\n")
        if letter == "A" and position:
            agent = (position.strip(), (name or "").strip())
        for target, mark, relation in _LINK.findall(text):
            if relation not in RELATIONS:
                raise MarkupError(f"{path}:{number}: unknown relation {relation!r}")
            call["links"].append(
                {"turn": turn, "to_call": target, "to_commitment": mark, "relation": relation}
            )
        text = _LINK.sub("", text)
        typical = re.search(r"##(.+?)##", text)
        text = text.replace("##", "")
        if typical and open_wall:
            open_wall["quote"] = _MARK.sub(lambda m: m.group(1), typical.group(1))
        for quote, body in _MARK.findall(text):
            if letter != "A":
                raise MarkupError(f"{path}:{number}: a mark on a turn that is not an agent's")
            call["commitments"].append(_mark(quote, body, turn, f"{path}:{number}"))
        clean = _MARK.sub(lambda m: m.group(1), text)
        if "{{" in clean or "}}" in clean or "::" in clean:
            raise MarkupError(f"{path}:{number}: a broken mark in {clean[:80]!r}")
        entry = {
            "turn": turn,
            "role": {"A": "agent", "C": "customer", "S": "system"}[letter],
            "text": clean,
        }
        if letter == "A":
            entry |= {"position": agent[0]} | ({"name": agent[1]} if agent[1] else {})
        call["turns"].append(entry)
    for record in calls:
        used = {m["id"] for m in record["commitments"] if m["id"]}
        count = 0
        for mark in record["commitments"]:
            while not mark["id"]:
                count += 1
                if f"c{count}" not in used:
                    mark["id"] = f"c{count}"
    return calls


def _mark(quote: str, body: str, turn: int, where: str) -> dict:
    words: list[str] = []
    keys: dict[str, str] = {}
    for key, value, word in _PAIR.findall(body):
        if key:
            keys[key] = value
        else:
            words.append(word)
    if len(words) < 2 or words[0] not in KINDS or words[1] not in STRENGTHS:
        raise MarkupError(f"{where}: a mark needs kind and strength: {body!r}")
    flags = [w for w in words[2:] if w == "done"]
    rest = [w for w in words[2:] if w != "done"]
    verdict = rest[0] if rest else None
    clauses = [c for w in rest[1:] for c in w.split(",") if c]
    if words[1] != "hedged":
        if verdict not in VERDICTS:
            raise MarkupError(f"{where}: unknown verdict {verdict!r}")
        if (verdict == "not_addressed") == bool(clauses):
            raise MarkupError(f"{where}: clauses and verdict {verdict!r} do not fit")
    due = None
    if "due" in keys:
        said, _, day = keys["due"].rpartition("@") if "@" in keys["due"] else (keys["due"], "", "")
        due = {"said": said.strip('"'), "date": None if day in {"", "null"} else day}
    amount = None
    if "amount" in keys:
        number = re.match(r"([\d.,]+)(\w*)", keys["amount"].strip('"'))
        if not number:
            raise MarkupError(f"{where}: amount {keys['amount']!r}; write amount=25USD")
        amount = {"value": float(number[1].replace(",", "")), "currency": number[2] or None}
    resolution = keys.get("res")
    if resolution and resolution not in RESOLUTIONS:
        raise MarkupError(f"{where}: unknown resolution {resolution!r}")
    return {
        "id": keys.get("id", ""),
        "turn": turn,
        "quote": quote,
        "kind": words[0],
        "strength": words[1],
        "due": due,
        "amount": amount,
        "condition": keys["cond"].strip('"') if "cond" in keys else None,
        "fulfilled_in_call": bool(flags),
        "withdrawn_at": int(keys["withdrawn"]) if "withdrawn" in keys else None,
        "policy_conflict": keys["conflict"].split(",") if "conflict" in keys else [],
        "verdict": verdict,
        "clauses": clauses,
        "resolution": resolution,
        "why": keys.get("why", "").strip('"'),
    }


def clause_ids(folder: Path) -> set[str]:
    """All clause ids under ``folder/policies``."""
    return {
        found
        for path in sorted((folder / "policies").glob("*.md"))
        for found in re.findall(r"^## (\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def check(folder: Path) -> list[dict]:
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
    by: dict[str, int] = {}
    for mark in marks:
        by[str(mark["verdict"])] = by.get(str(mark["verdict"]), 0) + 1
    print(
        f"{len(calls)} calls, {sum(len(c['turns']) for c in calls)} turns, {len(marks)} marks {by}, "
        f"{sum(len(c['stonewalls']) for c in calls)} stonewalls, {len(clause_ids(folder))} clauses"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
