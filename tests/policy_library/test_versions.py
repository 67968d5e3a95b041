"""Versions of documents: what changed, when each is in force, what is noted and embedded."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from analyzer.authority import grant_from_record
from analyzer.config import Settings
from analyzer.domain import Clause, PolicyDocument
from analyzer.errors import ConfigError
from analyzer.policy_library import PolicyLibrary
from analyzer.policy_library import snapshots as snapshots_module

NEW_YEAR = dt.date(2026, 1, 1)
SUMMER = dt.date(2026, 7, 1)


class HashingEmbedder:
    """Words to buckets; counts what it is asked."""

    name, dimension = "hashing", 32

    def __init__(self) -> None:
        self.n_texts = 0

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.n_texts += len(texts)
        out = np.full((len(texts), self.dimension), 0.01, dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            for word in text.lower().split():
                digest = hashlib.sha256(word.strip(".,:").encode()).digest()
                row[digest[0] % self.dimension] += 1.0
        unit: np.ndarray = out / np.linalg.norm(out, axis=1, keepdims=True)
        return unit


def make(
    clauses: dict[str, str], *, since: dt.date | None = None, document: str = "Returns", **head: Any
) -> PolicyDocument:
    fields: dict[str, Any] = {
        "company": "acme", "document": document, "effective_from": since, **head,
    }  # fmt: skip
    made = tuple(Clause(**fields, id=key, title=key, text=text) for key, text in clauses.items())
    return PolicyDocument(**fields, clauses=made)


@pytest.fixture
def embedder() -> HashingEmbedder:
    return HashingEmbedder()


@pytest.fixture
def home(tmp_path: Any) -> Settings:
    return Settings(home=tmp_path / "home", chroma_url=None)


@pytest.fixture
def library(home: Settings, embedder: HashingEmbedder) -> Iterator[PolicyLibrary]:
    with PolicyLibrary.open(home, embedder) as opened:
        yield opened


FIRST = {
    "R-1": "Thirty days for all goods.",
    "R-2": "Sale items stay sold.",
    "R-3": "Bring a slip.",
}


def test_a_later_edition_says_clause_by_clause_what_changed(library: PolicyLibrary) -> None:
    library.add([make(FIRST, since=NEW_YEAR)])
    second = {"R-1": "Sixty days for all goods.", "R-2": "Sale items stay sold.", "R-9": "No cash."}
    (report,) = library.add([make(second, since=SUMMER)]).documents
    assert report.supersedes
    assert [(c.kind, c.id) for c in report.changes] == [
        ("changed", "R-1"), ("added", "R-9"), ("removed", "R-3"),
    ]  # fmt: skip
    assert report.changes[0].before.text == FIRST["R-1"]
    assert report.changes[0].after.text == second["R-1"]


def test_a_document_without_a_day_becomes_a_version_from_the_day_that_is_given(
    library: PolicyLibrary,
) -> None:
    library.add([make(FIRST)], undated_from=NEW_YEAR)
    assert library.book().clauses[0].effective_from is None
    changed = make(FIRST | {"R-1": "Ten days."})
    assert library.find_undated([changed]) == [changed]
    library.add([changed], undated_from=SUMMER)
    book = library.book()
    texts = {
        day: next(c.text for c in book.view("acme", day).clauses if c.id == "R-1")
        for day in (NEW_YEAR, SUMMER - dt.timedelta(days=1), SUMMER)
    }
    assert list(texts.values()) == [FIRST["R-1"], FIRST["R-1"], "Ten days."]


def test_the_very_words_again_are_no_new_version(library: PolicyLibrary) -> None:
    library.add([make(FIRST)])
    library.add([make(FIRST | {"R-1": "Ten days."})], undated_from=NEW_YEAR)
    again = library.add([make(FIRST | {"R-1": "Ten days."})], undated_from=SUMMER)
    assert (again.added, again.replaced, again.unchanged, again.embedded) == (0, 0, 3, 0)
    assert len(library.list_documents()) == 2


def test_without_a_day_to_begin_on_the_version_that_is_there_is_corrected(
    library: PolicyLibrary,
) -> None:
    library.add([make(FIRST)])
    (report,) = library.add([make(FIRST | {"R-1": "Ten days."})]).documents
    assert not report.supersedes
    assert [c.id for c in report.changes] == ["R-1"]
    assert len(library.list_documents()) == 1


def test_a_correction_without_a_day_takes_the_day_of_the_newest_version(
    library: PolicyLibrary,
) -> None:
    library.add([make(FIRST, since=NEW_YEAR)])
    library.add([make(FIRST | {"R-1": "Ten days."})], is_correction=True)
    (document,) = library.list_documents()
    assert document.effective_from == NEW_YEAR
    assert library.book().view("acme", SUMMER).find_clause("R-1").text == "Ten days."


def test_of_five_hundred_clauses_only_the_five_that_changed_are_embedded(
    library: PolicyLibrary, embedder: HashingEmbedder
) -> None:
    first = {f"N-{i}": f"Clause number {i} of the book." for i in range(500)}
    library.add([make(first, since=NEW_YEAR)])
    embedder.n_texts = 0
    second = first | {f"N-{i}": f"Clause {i} in other words." for i in range(5)}
    report = library.add([make(second, since=SUMMER)])
    assert report.embedded == 5
    assert embedder.n_texts == 5
    assert len(report.documents[0].changes) == 5


def test_every_change_is_noted_with_its_clauses(library: PolicyLibrary) -> None:
    library.add([make(FIRST, since=NEW_YEAR)])
    library.add([make(FIRST | {"R-1": "Ten days."}, since=SUMMER)])
    library.add([make(FIRST | {"R-1": "Ten days."}, since=SUMMER)])
    library.remove("acme", "Returns")
    noted = [(a.effective_from, a.changed) for a in library.list_adoptions()]
    assert noted == [(NEW_YEAR, ("*",)), (SUMMER, ("R-1",)), (None, ("R-1", "R-2", "R-3"))]


def test_a_line_of_business_is_a_filter(library: PolicyLibrary) -> None:
    library.add(
        [
            make({"A-1": "For all."}, document="All"),
            make({"C-1": "For cards."}, document="Cards", line_of_business="Cards"),
            make({"L-1": "For loans."}, document="Loans", line_of_business="Loans"),
        ]
    )
    found = library.search("for", k=9, line_of_business="cards")
    assert {hit.clause.id for hit in found} == {"A-1", "C-1"}
    view = library.book().view("acme", NEW_YEAR, line_of_business="loans")
    assert [c.id for c in view.clauses] == ["A-1", "L-1"]


def test_a_long_clause_is_found_by_what_stands_at_its_end(library: PolicyLibrary) -> None:
    long = " ".join(
        f"Sentence number {i} speaks of parcels and of their weight." for i in range(80)
    )
    library.add([make({"L-1": f"{long} Giraffes travel free.", "S-1": "Dogs pay half."})])
    (best, *_) = library.search("giraffes travel free")
    assert best.clause.id == "L-1"
    assert not best.is_weak
    book = library.book()
    assert len(book.passages.owner) > len(book.clauses)
    with_passages = book.view("acme", NEW_YEAR)
    assert len(with_passages.passages.vectors) == len(book.passages.vectors)


def test_what_a_person_says_of_authority_counts_and_is_kept(library: PolicyLibrary) -> None:
    library.add([make({"AUT-1": "A supervisor may credit up to $50 per call."})])
    (clause,) = library.book().clauses
    before = library.book().view("acme", NEW_YEAR)
    assert before.find_grants(clause)[0].limit.value == 50
    grant = grant_from_record({"role": "Supervisors", "action": "credit", "limit": "75 USD"})
    library.correct_authority(clause, [grant], reviewer="Ana", reason="agreed in May")
    after = library.book().view("acme", NEW_YEAR)
    (corrected,) = after.find_grants(clause)
    assert (corrected.role, corrected.limit.value) == ("supervisor", 75)
    assert after.version != before.version
    assert [row.is_corrected for row in after.authority_matrix()] == [True]
    (kept,) = library.list_corrections()
    assert (kept.reviewer, kept.reason) == ("Ana", "agreed in May")
    assert library.list_adoptions()[-1].changed == ("AUT-1",)


def test_a_correction_does_not_outlive_the_words_it_was_made_for(library: PolicyLibrary) -> None:
    library.add([make({"AUT-1": "A supervisor may credit up to $50 per call."}, since=NEW_YEAR)])
    (clause,) = library.book().clauses
    library.correct_authority(clause, [], reviewer="Ana")
    assert library.book().view("acme", NEW_YEAR).authority_matrix() == ()
    library.add([make({"AUT-1": "A supervisor may credit up to $90 per call."}, since=SUMMER)])
    (row,) = library.book().view("acme", SUMMER).authority_matrix()
    assert row.grant.limit.value == 90
    assert not row.is_corrected


def test_a_correction_needs_a_name(library: PolicyLibrary) -> None:
    library.add([make({"AUT-1": "A supervisor may credit up to $50 per call."})])
    with pytest.raises(ConfigError, match="say who"):
        library.correct_authority(library.book().clauses[0], [], reviewer=" ")


def test_a_large_library_opens_from_its_snapshot_and_notices_changes(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots_module, "LEAST_CLAUSES", 3)
    with PolicyLibrary.open(home, HashingEmbedder()) as library:
        library.add([make(FIRST)])
        first = library.book()
    kept = list((home.home / "policy-snapshots").rglob("clauses.jsonl"))
    assert len(kept) == 1
    assert (kept[0].parent.parent.stat().st_mode & 0o077) == 0
    with PolicyLibrary.open(home, HashingEmbedder()) as library:
        monkeypatch.setattr(library._store, "load", None)  # Chroma is not read
        again = library.book()
        assert again.clauses == first.clauses
        assert np.array_equal(again.vectors, first.vectors)
        assert library.search("thirty days")[0].clause.id == "R-1"
    with (
        PolicyLibrary.open(home, HashingEmbedder()) as one,
        PolicyLibrary.open(home, HashingEmbedder()) as other,
    ):
        assert len(one.book().clauses) == 3
        other.add([make({"D-1": "A week."}, document="Delivery")])
        assert len(one.book().clauses) == 4


def test_a_damaged_snapshot_counts_as_none(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots_module, "LEAST_CLAUSES", 3)
    with PolicyLibrary.open(home, HashingEmbedder()) as library:
        library.add([make(FIRST)])
        library.book()
    for path in (home.home / "policy-snapshots").rglob("*.npy"):
        path.write_bytes(b"junk")
    with PolicyLibrary.open(home, HashingEmbedder()) as library:
        assert len(library.book().clauses) == 3


def test_an_embedder_that_replaces_another_takes_its_library_over(home: Settings) -> None:
    with PolicyLibrary.open(home, HashingEmbedder()) as library:
        library.add([make(FIRST, since=NEW_YEAR), make({"D-1": "A week."}, document="Delivery")])

    class Newer(HashingEmbedder):
        name = "newer"
        predecessors = ("hashing",)

    newer = Newer()
    with PolicyLibrary.open(home, newer) as library:
        assert library.count() == 4
        assert newer.n_texts == 4
    with PolicyLibrary.open(home, newer) as library:
        assert newer.n_texts == 4
        assert {d.document for d in library.list_documents()} == {"Returns", "Delivery"}
