"""The plain way, to compare the chain with: one prompt a call, no guide, all policies and the call.

``python eval/plain_way.py GOLD.jsonl --policies DIR --out RECORDS.jsonl`` asks the endpoint of
``OPENAI_BASE_URL`` (``OPENAI_API_KEY``, ``WORDBOND_MODEL``) once for each call and writes what it
answers as records, which ``wordbond eval GOLD.jsonl --predictions RECORDS.jsonl`` scores. Nothing
is masked, grounded, repaired or derived: a quote that was never said stays in the record.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from pathlib import Path
from typing import Any

import openai

from analyzer.config import load_settings
from analyzer.domain import Call
from analyzer.embedders import packaged_embedder
from analyzer.evaluation.run import read_gold, strip_labels
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies

SYSTEM = (
    "You analyse contact-centre calls. Find where agents made commitments to customers, where "
    "customers were stonewalled, and where the company's policy contradicts what was promised. "
    "Answer with JSON alone."
)
TASK = """\
Mark every commitment that an agent makes in this call and every span of turns in which the \
customer is stonewalled, and judge each commitment by the policies above. Answer with \
one JSON object:
{"commitments": [{"turn": number of the agent's turn, "quote": verbatim words of that turn,
  "kind": "promise" | "assurance" | "exception", "strength": "firm" | "conditional" | "hedged",
  "verdict": "supported" | "contradicted" | "exceeds_authority" | "conditions_unverified" | \
"not_addressed",
  "clauses": [ids of the policy clauses that decide, the decisive one first],
  "clause_quote": verbatim words of the decisive clause or null, "why": one sentence}],
 "stonewalls": [{"start": first turn, "end": last turn, "tactics": [any of "repeated_position", \
"flat_refusal", "blame_shifting", "non_answer", "runaround", "denied_escalation", "dismissal", \
"threat"], "severity": 1 to 3, "quote": verbatim words of an agent's turn, "why": one sentence}]}
"""


def plain_prompt(call: Call, clauses: list[str]) -> str:
    """All policies, the whole call, the task."""
    turns = []
    for number, turn in enumerate(call.turns):
        who = " ".join(filter(None, (turn.role, turn.name, turn.position and f"({turn.position})")))
        turns.append(f"{number}. {who}: {turn.text}")
    return "\n".join(("# Policies", *clauses, "", f"# Call of {call.date}", *turns, "", TASK))


async def read_all(
    gold: list[dict[str, Any]], book: PolicyBook
) -> tuple[list[dict[str, Any]], int, int]:
    """Ask for each call.

    Returns:
        The records, tokens in, tokens out.
    """
    settings = load_settings()
    key = settings.openai_api_key
    tokens_in = tokens_out = 0
    async with openai.AsyncOpenAI(
        base_url=settings.openai_base_url,
        api_key=key.get_secret_value() if key else "none",
        timeout=settings.timeout_s,
        max_retries=2,
    ) as client:

        async def read(record: dict[str, Any]) -> dict[str, Any]:
            nonlocal tokens_in, tokens_out
            call = strip_labels(record)
            company = book.find_company(call.company)
            clauses = []
            if company is not None and call.date is not None:
                clauses = [
                    f"## {c.id} {c.title or ''}\n{c.text}"
                    for c in book.view(company, call.date).clauses
                ]
            reply = await client.chat.completions.create(  # type: ignore[call-overload]
                model=settings.model,
                messages=[
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": plain_prompt(call, clauses)},
                ],
                response_format={"type": "json_object"},
            )
            if reply.usage:
                tokens_in += reply.usage.prompt_tokens
                tokens_out += reply.usage.completion_tokens
            text = reply.choices[0].message.content or ""
            found = re.search(r"\{.*\}", text, re.DOTALL)
            marks = json.loads(found.group()) if found else {}
            out = call.model_dump(mode="json", exclude_none=True)
            for number, turn in enumerate(out["turns"]):
                turn["turn"] = number
            commitments = [{"id": f"c{n}", **m} for n, m in enumerate(marks["commitments"], 1)]
            return {**out, "commitments": commitments, "stonewalls": marks["stonewalls"]}

        records = await asyncio.gather(*(read(record) for record in gold))
    return list(records), tokens_in, tokens_out


def main() -> int:
    """Ask, write, say what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--policies", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    book = PolicyBook.from_documents(
        read_policies(arguments.policies).documents, packaged_embedder()
    )
    gold = list(read_gold(arguments.gold))
    records, tokens_in, tokens_out = asyncio.run(read_all(gold, book))
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(records)} calls, {tokens_in} tokens in, {tokens_out} out")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
