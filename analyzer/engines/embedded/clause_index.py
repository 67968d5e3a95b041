"""The clauses in force, taken apart once for each edition: sentences, words, quantities, roles."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analyzer.authority import caps_of, reserved_to
from analyzer.domain import Clause
from analyzer.embedders import Embedder
from analyzer.language.authority import Grant
from analyzer.language.cues import cue_vector
from analyzer.language.quantities import Quantity, find_quantities
from analyzer.language.roles import Cap, find_roles, reserved_roles, table_rows
from analyzer.language.tokens import content_words
from analyzer.policy_book import PolicyView

Vectors = NDArray[np.float32]

#: A sentence ends at its stop, at a blank line, and at line breaks between list items and table
#: rows; a paragraph that is merely wrapped goes on.
_SENTENCE_END = re.compile(
    r"(?<=[.!?;])\s+(?=[A-Z0-9*(-])|\n[ \t]*\n\s*|\n(?=[ \t]*(?:[-*+|]|\d+[.)]|#))|(?<=\|)[ \t]*\n"
)
_RULE_OF_TABLE = re.compile(r"[|\s:-]+")
_MOST_SENTENCES = 40


@dataclass(frozen=True)
class Sentence:
    """A sentence or table row of a clause: ``clause.text[start:end]``."""

    start: int
    end: int
    text: str
    quantities: tuple[Quantity, ...]
    cues: tuple[float, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True)
class IndexedClause:
    """A clause with everything that a promise is compared with."""

    clause: Clause
    words: Counter[str]
    title_words: frozenset[str]
    quantities: tuple[Quantity, ...]
    sentences: tuple[Sentence, ...]
    rows: slice
    caps: tuple[Cap, ...]
    named_roles: tuple[str, ...]
    cues: tuple[float, ...]


class ClauseIndex:
    """The clauses of a view, ready for comparison.

    Args:
        view: Clauses in force, at least one.
        embedder: Gives the sentences' vectors; each clause's are made together.

    Attributes:
        items: One for each clause, in the view's order.
        vectors: The clauses' own vectors, ``(n, d)``.
        sentence_vectors: ``(m, d)``; ``item.rows`` are an item's.
    """

    def __init__(self, view: PolicyView, embedder: Embedder) -> None:
        items: list[IndexedClause] = []
        rows: list[Vectors] = []
        count = 0
        for clause in view.clauses:
            item = index_clause(clause, view.find_grants(clause), first_row=count)
            rows.append(embedder.embed([_with_title(clause, s.text) for s in item.sentences]))
            items.append(item)
            count += len(item.sentences)
        self.view = view
        self.items = tuple(items)
        self.vectors = view.vectors
        self.sentence_vectors: Vectors = np.concatenate(rows)
        self._embedder = embedder
        self._earlier: dict[Clause, tuple[IndexedClause, Vectors]] = {}
        self._firsts = np.flatnonzero(np.diff(view.passages.owner, prepend=-1))

    def earlier(self, clause: Clause) -> tuple[IndexedClause, Vectors]:
        """A clause of an earlier edition taken apart, and its sentences' vectors ``(m, d)``."""
        if clause not in self._earlier:
            item = index_clause(clause, self.view.find_grants(clause))
            texts = [_with_title(clause, sentence.text) for sentence in item.sentences]
            self._earlier[clause] = (item, self._embedder.embed(texts))
        return self._earlier[clause]

    def lexical(self, text: str) -> Vectors:
        """BM25 of a text against each clause, as a share of the best; ``(n,)``."""
        shares = self.view.lexical.shares(text)
        best: Vectors = np.maximum.reduceat(shares, self._firsts)
        return best


@lru_cache(maxsize=2048)
def index_clause(clause: Clause, grants: tuple[Grant, ...], *, first_row: int = 0) -> IndexedClause:
    """Take one clause apart.

    Args:
        clause: The clause.
        grants: Who may grant what by it.
        first_row: Row of its first sentence among the vectors of an index.
    """
    sentences = split_clause(clause, grants)
    return IndexedClause(
        clause,
        Counter(content_words(clause.embedded_text)),
        frozenset(content_words(clause.title)),
        find_quantities(clause.text),
        sentences,
        slice(first_row, first_row + len(sentences)),
        caps_of(grants, clause.text),
        tuple(find_roles(clause.text)),
        cue_vector(clause.text),
    )


def split_clause(clause: Clause, grants: tuple[Grant, ...] = ()) -> tuple[Sentence, ...]:
    """Cut a clause into sentences; a table row is one, read with its headings.

    A sentence's roles are those that it keeps something for, by its words or by ``grants``.
    """
    text = clause.text
    out: list[Sentence] = []
    begin = 0
    edges = [*((m.start(), m.end()) for m in _SENTENCE_END.finditer(text)), (len(text), len(text))]
    for end, following in edges:
        body = text[begin:end].strip()
        if re.search(r"\w", body) and not _RULE_OF_TABLE.fullmatch(body):
            out.append(_sentence(body, text.index(body, begin), grants))
        begin = following
    # Of a clause of book length the first sentences stand by themselves; the whole is searchable.
    return tuple(out[:_MOST_SENTENCES]) or (_sentence(text, 0, grants),)


def _sentence(text: str, start: int, grants: tuple[Grant, ...]) -> Sentence:
    kept = (*reserved_roles(text), *reserved_to(grants, start, start + len(text)))
    return Sentence(
        start=start,
        end=start + len(text),
        text=text,
        quantities=find_quantities(text),
        cues=cue_vector(text),
        roles=tuple(dict.fromkeys(kept)),
    )


def _with_title(clause: Clause, sentence: str) -> str:
    if sentence.startswith("|"):
        for headings, cells in table_rows(clause.text):
            if all(cell in sentence for cell in cells):
                pairs = ", ".join(f"{h}: {c}" for h, c in zip(headings, cells, strict=False) if c)
                return f"{clause.title}. {pairs}"
    return f"{clause.title}. {sentence}" if clause.title else sentence
