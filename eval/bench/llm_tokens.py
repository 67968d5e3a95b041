"""How many tokens a call costs as the policy library grows, beside the plain way.

``python eval/bench/llm_tokens.py`` reads calls of 40 turns with five promises each by the chain
against the test server, with libraries of 30, 1,000 and 10,000 clauses, and counts what goes over
the wire at four characters a token. The plain way sends the whole library and the call in one
prompt (``eval/plain_way.py``). The library's clauses are the sample corpus's, each told for one
product line after another. Two requests of the same stage are compared from their beginning: so
many leading tokens are the same, and a provider's prompt cache takes them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from itertools import islice, product, takewhile
from pathlib import Path
from typing import Any

from analyzer.config import Settings
from analyzer.domain import Call, Clause, PolicyDocument
from analyzer.embedders import packaged_embedder
from analyzer.engines.llm.building import build_llm_engine
from analyzer.pipeline import analyze_many
from analyzer.policy_book import PolicyBook
from analyzer.readers.policies import read_policies

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "eval"), str(ROOT / "eval" / "bench")]
import fixed_answers  # noqa: E402 - found by the line above, as are the next
from llm_speed import make_calls  # noqa: E402
from plain_way import SYSTEM, plain_prompt  # noqa: E402

from tests.model_server.answers import ChatRequest  # noqa: E402
from tests.model_server.server import ModelServer, ReceivedRequest  # noqa: E402

CHARACTERS_A_TOKEN = 4
LINES = [f"{a} {b}" for a in ("winter", "summer", "school", "hotel", "garden", "office", "kitchen",
         "trail", "harbour", "studio", "travel", "budget", "premium", "children's", "pet")
         for b in ("footwear", "furniture", "bedding", "tools", "tickets", "lighting", "bicycles",
                   "cameras", "books", "plans", "rentals", "repairs")]  # fmt: skip


def make_library(count: int) -> PolicyBook:
    """A book of one company with so many clauses, each with words of its own."""
    own = [
        clause
        for folder in sorted((ROOT / "corpus").iterdir())
        if folder.is_dir()
        for document in read_policies(folder).documents
        for clause in document.clauses
    ]
    told = []
    for number, (line, clause) in enumerate(islice(product(LINES, own), count)):
        told.append(
            Clause(
                id=f"T-{number + 1}",
                company="alpenglow",
                document=f"Terms for {line}",
                title=f"{clause.title} ({line})",
                text=f"For {line}: {clause.text}",
            )
        )
    assert len(told) == count
    document = PolicyDocument(company="alpenglow", document="Terms", clauses=tuple(told))
    return PolicyBook.from_documents([document], packaged_embedder())


def answer(request: ChatRequest) -> str:
    """Five promises a call, none of which a clause speaks to: no request more than the usual."""
    if request.schema_name == "JudgeAnswer":
        judged: list[dict[str, Any]] = [
            {"commitment": f"c{n}", "clauses": [], "verdict": "not_addressed",
             "clause_quote": None, "policy_conflict": [], "why": "No clause.", "conditions": []}
            for n in range(1, len(fixed_answers.PROMISES) + 1)
        ]  # fmt: skip
        return json.dumps({"judgements": judged})
    return fixed_answers.answer(request)


def measure(count: int, calls: list[Call]) -> float:
    """Analyse the calls by a library of so many clauses and print what it cost.

    Returns:
        Tokens in, a call.
    """
    book = make_library(count)
    with ModelServer(answer) as server, tempfile.TemporaryDirectory() as home:
        settings = Settings.model_validate(
            {
                "openai_base_url": server.base_url, "openai_api_key": "sk-test",
                "model": "test-model", "home": Path(home), "second_reading": False,
                "concurrency": 1,
            }
        )  # fmt: skip
        with closing(build_llm_engine(settings)) as engine:
            found = [o.analysis for o in analyze_many(calls, engine=engine, book=book)]
        requests = [r for r in server.requests if r.path.endswith("/chat/completions")]
    usage = [analysis.usage for analysis in found if analysis is not None]
    assert len(usage) == len(calls)
    tokens = sum(u.tokens_in for u in usage) / len(calls)
    cached = sum(u.tokens_cached for u in usage) / len(calls)
    clauses = [f"## {c.id} {c.title}\n{c.text}" for c in book.clauses]
    plain = (len(SYSTEM) + len(plain_prompt(calls[0], clauses))) // CHARACTERS_A_TOKEN
    print(
        f"{count:6,} clauses: {tokens:8,.0f} tokens in a call ({cached:,.0f} of them cached) in "
        f"{len(requests) / len(calls):.1f} requests; the plain way {plain:9,}; leading tokens "
        f"alike between calls: mark {_alike(requests, 0):,}, judge {_alike(requests, 1):,}",
        flush=True,
    )
    return tokens


def _alike(requests: Sequence[ReceivedRequest], stage: int) -> int:
    """Leading tokens that the last two calls' requests of a stage share."""
    first, second = (
        "\n".join(m["content"] for m in r.body["messages"]) for r in requests[stage::2][-2:]
    )
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    return sum(1 for _ in alike) // CHARACTERS_A_TOKEN


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clauses", type=int, nargs="*", default=[30, 1000, 10_000])
    parser.add_argument("--calls", type=int, default=20)
    arguments = parser.parse_args()
    calls = make_calls(arguments.calls)
    found = [measure(count, calls) for count in arguments.clauses]
    spread = max(found) / min(found) - 1
    print(f"largest over smallest: {spread:+.1%} (limit +20 %)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
