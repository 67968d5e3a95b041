"""How a large policy library behaves: adding, opening, searching, changing.

    python eval/bench/library.py [--sizes 10000 100000]

Clauses are those of the training companies and the sample corpus with other numbers, their vectors
those of the originals with noise, so that adding measures the library and not the encoder.
Searches are questions, embedded by the packaged encoder within the time that is measured, kept to
one company and one day. Beside them stands what bare NumPy needs for the same: one matrix product
over the clauses, the filter, and the best five.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analyzer.config import Settings
from analyzer.domain import Clause, PolicyDocument
from analyzer.embedders import packaged_embedder
from analyzer.policy_library import PolicyLibrary
from analyzer.readers.policies import read_policies

ROOT = Path(__file__).parents[2]
N_COMPANIES, PER_DOCUMENT = 10, 500
LIMITS_MS = {10_000: 25.0, 100_000: 60.0}
DAY = dt.date(2026, 6, 1)
QUESTIONS = (
    "how long do I have to send it back", "can I get my money back after the trial",
    "what does it cost to change the date", "who can waive the late fee",
    "do I keep my points if I cancel", "is a doctor's note needed", "my parcel never came",
    "can I pause my membership for two months", "is breakfast included in the saver price",
    "what happens when a direct debit bounces", "how much credit may a supervisor give",
    "can someone else pick up the order", "when do I get the deposit back",
    "is there a charge for paper bills", "how do I make a complaint",
)  # fmt: skip


class NoisyEmbedder:
    """Gives clauses the vectors of the originals with noise; questions the encoder's own."""

    def __init__(self, originals: dict[str, NDArray[np.float32]]) -> None:
        self._real = packaged_embedder(threads=2)
        self.name, self.dimension = "bench", self._real.dimension
        self._originals = originals
        self._noise = np.random.default_rng(7)
        self.n_embedded = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts; see :class:`analyzer.embedders.Embedder`."""
        out = []
        for text in texts:
            head = text.split(" :: ", 1)[0]
            if head not in self._originals:
                out.append(self._real.embed([text])[0])
                continue
            self.n_embedded += 1
            noisy = self._originals[head] + self._noise.normal(0, 0.02, self.dimension)
            out.append((noisy / np.linalg.norm(noisy)).astype(np.float32))
        return np.stack(out)


def read_originals() -> list[Clause]:
    """Short clauses of the companies that the repository holds."""
    folders = [
        *sorted((ROOT / "corpus").iterdir()),
        *sorted((ROOT / "eval/training/companies").iterdir()),
    ]
    clauses = [
        clause
        for folder in folders
        if (folder / "policies").is_dir()
        for document in read_policies(folder / "policies").documents
        for clause in document.clauses
    ]
    return [c for c in clauses if len(c.text.split()) <= 120]


def make_documents(originals: Sequence[Clause], size: int, seed: int) -> list[PolicyDocument]:
    """So many clauses in documents of 500, of ten companies, half of them no longer in force."""
    chance = random.Random(seed)  # noqa: S311 - an order, no secret
    documents = []
    for first in range(0, size, PER_DOCUMENT):
        company = f"company-{first // PER_DOCUMENT % N_COMPANIES}"
        is_old = first // PER_DOCUMENT // N_COMPANIES % 2 == 1
        head = {
            "company": company,
            "document": f"document-{first // PER_DOCUMENT}",
            "effective_from": dt.date(2025, 1, 1) if is_old else dt.date(2026, 1, 1),
            "effective_to": dt.date(2025, 12, 31) if is_old else None,
        }
        clauses = []
        for number in range(first, min(first + PER_DOCUMENT, size)):
            base = originals[number % len(originals)]
            words = re.sub(r"\d+", lambda _: str(chance.randint(1, 90)), base.text)
            title = f"t{number % len(originals)} :: {base.title} {number}"
            clauses.append(Clause(**head, id=f"C-{number}", title=title, text=words))
        documents.append(PolicyDocument(**head, clauses=tuple(clauses)))
    return documents


def percentile(times: Sequence[float], share: float) -> float:
    """A percentile of times in seconds, as milliseconds."""
    return float(np.percentile(np.array(times) * 1000, share))


def bench(size: int, originals: Sequence[Clause], n_searches: int) -> bool:
    """Measure one size and print; whether the limit holds."""
    vectors = np.concatenate([packaged_embedder().embed([c.embedded_text]) for c in originals])
    embedder = NoisyEmbedder({f"t{i}": v for i, v in enumerate(vectors)})
    documents = make_documents(originals, size, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        began = time.perf_counter()
        with PolicyLibrary.open(settings, embedder) as library:
            library.add(documents)
        added = time.perf_counter() - began
        with PolicyLibrary.open(settings, embedder) as library:
            began = time.perf_counter()
            library.search(QUESTIONS[0], company="company-1", on=DAY)
            from_chroma = time.perf_counter() - began
        with PolicyLibrary.open(settings, embedder) as library:
            began = time.perf_counter()
            library.search(QUESTIONS[0], company="company-1", on=DAY)
            from_snapshot = time.perf_counter() - began
            times = _search_times(library, n_searches)
            bare = _bare_times(library, embedder, n_searches)
            before = embedder.n_embedded
            began = time.perf_counter()
            library.add([_changed(documents[0], 5)])
            changing = time.perf_counter() - began
            n_embedded = embedder.n_embedded - before
    p50, p95 = percentile(times, 50), percentile(times, 95)
    limit = LIMITS_MS.get(size)
    holds = limit is None or p95 < limit
    print(
        f"{size} clauses: search p50 {p50:.1f} ms, p95 {p95:.1f} ms"
        + (f" (limit {limit:.0f} ms: {'holds' if holds else 'MISSED'})" if limit else "")
        + f"; bare NumPy p50 {percentile(bare, 50):.1f} ms, p95 {percentile(bare, 95):.1f} ms; "
        f"ratio of p95 {p95 / percentile(bare, 95):.2f}"
    )
    print(
        f"  added in {added:.0f} s ({size / added:.0f} clauses/s); first search "
        f"{from_chroma:.1f} s from Chroma, {from_snapshot:.1f} s from the snapshot; a new version "
        f"of 500 clauses with 5 changed: {changing:.1f} s, {n_embedded} embedded"
    )
    return holds and n_embedded == 5


def _search_times(library: PolicyLibrary, count: int) -> list[float]:
    times = []
    for number in range(count):
        began = time.perf_counter()
        library.search(
            QUESTIONS[number % len(QUESTIONS)], company=f"company-{number % N_COMPANIES}", on=DAY
        )
        times.append(time.perf_counter() - began)
    return times


def _bare_times(library: PolicyLibrary, embedder: NoisyEmbedder, count: int) -> list[float]:
    book = library.book()
    times = []
    for number in range(count):
        began = time.perf_counter()
        (vector,) = embedder.embed([QUESTIONS[number % len(QUESTIONS)]])
        chosen = book.select(company=f"company-{number % N_COMPANIES}", on=DAY)
        scores = np.where(chosen, book.vectors @ vector, -1.0)
        np.argpartition(-scores, 5)
        times.append(time.perf_counter() - began)
    return times


def _changed(document: PolicyDocument, count: int) -> PolicyDocument:
    """The next version of a document, with so many clauses in other words."""
    begins = {"effective_from": dt.date(2026, 9, 1)}
    clauses = [
        clause.model_copy(
            update={
                **begins,
                "text": f"{clause.text} This is new." if row < count else clause.text,
            }
        )
        for row, clause in enumerate(document.clauses)
    ]
    return document.model_copy(update={**begins, "clauses": tuple(clauses)})


def main() -> int:
    """Measure every size; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--searches", type=int, default=300)
    chosen = parser.parse_args()
    originals = read_originals()
    length = statistics.mean(len(c.text.split()) for c in originals)
    print(f"{len(originals)} originals of {length:.0f} words on average; 2 threads")
    held = [bench(size, originals, chosen.searches) for size in chosen.sizes]
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
