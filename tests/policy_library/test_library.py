"""The policy library on a real Chroma store: what is embedded, kept, found, and repaired."""

from __future__ import annotations

import datetime as dt
import hashlib
import http.server
import inspect
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.config import Settings
from analyzer.domain import Clause, PolicyDocument
from analyzer.embedders import packaged_embedder
from analyzer.errors import ConfigError, EngineUnavailable, PolicyError, StoreError
from analyzer.policy_book import PolicyBook
from analyzer.policy_library import PolicyLibrary, StoredDocument

NEW_YEAR = dt.date(2026, 1, 1)
SUMMER = dt.date(2026, 7, 1)


class HashingEmbedder:
    """Words to buckets; the same words give the same vector everywhere."""

    def __init__(self, name: str = "hashing", dimension: int = 64) -> None:
        self.name = name
        self.dimension = dimension
        self.asked: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked.append(list(texts))
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            for word in text.lower().split():
                digest = hashlib.sha256(word.strip(".,:").encode()).digest()
                row[int.from_bytes(digest[:4], "big") % self.dimension] += 1.0
            row[0] += 0.1
        unit: np.ndarray = out / np.linalg.norm(out, axis=1, keepdims=True)
        return unit


def make_document(
    clauses: dict[str, str],
    *,
    document: str = "Returns",
    company: str = "acme",
    name: str | None = "Acme Shop",
    since: dt.date | None = NEW_YEAR,
    until: dt.date | None = None,
    source: str = "returns.md",
) -> PolicyDocument:
    head: dict[str, Any] = {
        "company": company,
        "company_name": name,
        "document": document,
        "effective_from": since,
        "effective_to": until,
        "source": source,
    }
    return PolicyDocument(
        **head,
        clauses=tuple(
            Clause(**head, id=key, title=key.title(), heading_path=(document,), text=text, line=i)
            for i, (key, text) in enumerate(clauses.items(), start=1)
        ),
    )


RETURNS = {
    "RET-1": "Goods may be returned within thirty days of delivery.",
    "RET-2": "Sale items are final and cannot be returned.",
    "RET-3": "A receipt is required for every refund.",
}


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", chroma_url=None)


@pytest.fixture
def embedder() -> HashingEmbedder:
    return HashingEmbedder()


@pytest.fixture
def library(home: Settings, embedder: HashingEmbedder) -> Iterator[PolicyLibrary]:
    with PolicyLibrary.open(home, embedder) as opened:
        yield opened


def texts_of(library: PolicyLibrary) -> dict[str, str]:
    return {clause.id: clause.text for clause in library.book().clauses}


# -- adding


def test_a_new_library_is_empty(library: PolicyLibrary) -> None:
    assert library.count() == 0
    assert library.list_documents() == []
    assert library.book().clauses == ()
    assert library.search("returns") == []
    assert library.remove("acme", "Returns") == 0


def test_adding_keeps_every_field_of_every_clause(library: PolicyLibrary) -> None:
    document = make_document(RETURNS, until=dt.date(2026, 12, 31))
    report = library.add([document])
    assert (report.added, report.unchanged, report.replaced, report.removed) == (3, 0, 0, 0)
    assert report.embedded == 3
    assert report.set_aside == ()
    assert library.book().clauses == document.clauses
    assert library.count() == 3


def test_fields_that_are_not_known_stay_unknown(library: PolicyLibrary) -> None:
    document = PolicyDocument(
        company="acme",
        document="Notes",
        clauses=(Clause(id="n", company="acme", document="Notes", text="Be kind."),),
    )
    library.add([document])
    assert library.book().clauses == document.clauses


@pytest.mark.parametrize(
    "text",
    [
        "| Level | Limit |\n| --- | --- |\n| Agent | USD 50 |",
        "a null \x00 inside",
        'žluťoučký kůň 🐴 «quoted» "it\'s"',
        "  indented\n\n\ttabs ",
        "' OR 1=1; --",
    ],
)
def test_text_comes_back_as_it_was_written(library: PolicyLibrary, text: str) -> None:
    library.add([make_document({"X-1": text})])
    assert texts_of(library) == {"X-1": text}


def test_clauses_are_embedded_one_by_one(library: PolicyLibrary, embedder: HashingEmbedder) -> None:
    document = make_document(RETURNS)
    library.add([document])
    assert embedder.asked == [[clause.embedded_text] for clause in document.clauses]


def test_adding_the_same_again_embeds_and_changes_nothing(
    library: PolicyLibrary, embedder: HashingEmbedder
) -> None:
    library.add([make_document(RETURNS)])
    before = library.book()
    embedder.asked.clear()
    report = library.add([make_document(RETURNS)])
    assert (report.added, report.unchanged, report.embedded) == (0, 3, 0)
    assert embedder.asked == []
    after = library.book()
    assert after.clauses == before.clauses
    assert np.array_equal(after.vectors, before.vectors)


def test_only_what_changed_is_embedded(library: PolicyLibrary, embedder: HashingEmbedder) -> None:
    library.add([make_document(RETURNS)])
    embedder.asked.clear()
    changed = {
        "RET-0": "This policy covers all shops.",
        "RET-1": RETURNS["RET-1"],
        "RET-2": "Sale items may be exchanged.",
    }
    report = library.add([make_document(changed)])
    assert (report.added, report.unchanged, report.replaced, report.removed) == (1, 1, 1, 1)
    assert report.embedded == len(embedder.asked) == 2
    assert texts_of(library) == changed
    assert library.count() == 3


def test_new_days_for_the_same_words_need_no_embedding(
    library: PolicyLibrary, embedder: HashingEmbedder
) -> None:
    library.add([make_document(RETURNS)])
    embedder.asked.clear()
    report = library.add([make_document(RETURNS, until=dt.date(2026, 3, 31))])
    assert (report.replaced, report.embedded) == (3, 0)
    assert {c.effective_to for c in library.book().clauses} == {dt.date(2026, 3, 31)}


def test_the_same_words_elsewhere_in_the_company_are_not_embedded_again(
    library: PolicyLibrary, embedder: HashingEmbedder
) -> None:
    library.add([make_document(RETURNS)])
    embedder.asked.clear()
    next_edition = make_document({**RETURNS, "RET-4": "Gift cards are final."}, since=SUMMER)
    assert library.add([next_edition]).embedded == 1
    moved = next_edition.model_copy(
        update={
            "document": "Sales",
            "clauses": tuple(
                c.model_copy(update={"document": "Sales", "id": f"S-{c.id}"})
                for c in next_edition.clauses
            ),
        }
    )
    assert library.add([moved]).embedded == 0
    assert len(embedder.asked) == 1


def test_a_text_that_stands_twice_is_embedded_once(library: PolicyLibrary) -> None:
    twins = make_document({"A-1": "Ask a manager.", "A-2": "Ask a manager."})
    twins = twins.model_copy(
        update={"clauses": tuple(c.model_copy(update={"title": ""}) for c in twins.clauses)}
    )
    assert library.add([twins]).embedded == 1
    assert library.count() == 2


def test_a_clause_of_another_edition_than_its_document_is_not_taken(
    library: PolicyLibrary,
) -> None:
    document = make_document(RETURNS).model_copy(update={"document": "Other"})
    with pytest.raises(ValueError, match="belongs to another edition"):
        library.add([document])
    assert library.count() == 0


def test_progress_counts_up_to_all_clauses(library: PolicyLibrary) -> None:
    first, second = make_document(RETURNS), make_document(RETURNS, document="Copy")
    library.add([first])
    seen: list[int] = []
    other = make_document({"DEL-1": "Delivery takes a week."}, document="Delivery")
    library.add([first, second, other], progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 7


def test_the_report_is_by_document(library: PolicyLibrary) -> None:
    delivery = make_document({"DEL-1": "A week."}, document="Delivery", source="delivery.md")
    report = library.add([make_document(RETURNS), delivery])
    assert [(r.document, r.source, r.effective_from, r.added) for r in report.documents] == [
        ("Returns", "returns.md", NEW_YEAR, 3),
        ("Delivery", "delivery.md", NEW_YEAR, 1),
    ]


def test_the_order_of_the_book_does_not_depend_on_the_order_of_adding(tmp_path: Path) -> None:
    documents = [
        make_document({"B-2": "two", "B-1": "one"}, document="B"),
        make_document({"A-1": "one"}, document="A", company="zeta"),
        make_document({"B-1": "later"}, document="B", since=SUMMER),
        make_document({"C-1": "undated"}, document="B", since=None),
    ]
    orders = []
    for number, docs in enumerate([documents, documents[::-1]]):
        where = Settings(home=tmp_path / str(number), chroma_url=None)
        with PolicyLibrary.open(where, HashingEmbedder()) as library:
            for document in docs:
                library.add([document])
            orders.append([(c.company, c.document, c.id, c.text) for c in library.book().clauses])
    assert orders[0] == orders[1]
    assert [o[2] for o in orders[0]] == ["C-1", "B-2", "B-1", "B-1", "A-1"]


def test_more_clauses_than_one_page_holds(library: PolicyLibrary) -> None:
    many = make_document({f"N-{i}": f"clause number {i}" for i in range(1050)})
    library.add([many])
    assert library.book().clauses == many.clauses
    assert library.count() == 1050
    assert library.remove("acme", "Returns") == 1050
    assert library.count() == 0


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    editions=st.lists(
        st.tuples(
            st.sampled_from([None, NEW_YEAR, SUMMER]),
            st.dictionaries(
                st.sampled_from(["A", "B", "C", "D"]), st.sampled_from(["x", "y", "z"]), min_size=1
            ),
        ),
        min_size=1,
        max_size=5,
    ),
    data=st.data(),
)
def test_whatever_is_added_the_last_reading_of_each_edition_stands(
    library: PolicyLibrary,
    embedder: HashingEmbedder,
    editions: list[tuple[dt.date | None, dict[str, str]]],
    data: st.DataObject,
) -> None:
    company = data.draw(st.uuids()).hex
    embedder.asked.clear()
    documents = [make_document(clauses, company=company, since=day) for day, clauses in editions]
    for document in documents:
        library.add([document])
    expected = {document.effective_from: document for document in documents}
    stored = [c for c in library.book().clauses if c.company == company]
    for day, document in expected.items():
        found = {c.id: c.text for c in stored if c.effective_from == day}
        assert found == {c.id: c.text for c in document.clauses}
    assert len(stored) == sum(len(d.clauses) for d in expected.values())
    asked = [text for batch in embedder.asked for text in batch]
    assert len(asked) <= len({c.embedded_text for d in documents for c in d.clauses}) * len(
        documents
    )
    library.remove(company, "Returns")


# -- documents that clash


def test_an_id_that_another_document_holds_is_refused_and_the_rest_goes_on(
    library: PolicyLibrary,
) -> None:
    library.add([make_document(RETURNS)])
    clash = make_document({"RET-1": "Never."}, document="Other", source="other.md")
    fine = make_document({"DEL-1": "A week."}, document="Delivery")
    report = library.add([clash, fine])
    (error,) = report.set_aside
    assert isinstance(error, PolicyError)
    assert str(error).startswith("other.md, line 1: clause RET-1 also stands in returns.md")
    assert [r.document for r in report.documents] == ["Delivery"]
    assert texts_of(library)["RET-1"] == RETURNS["RET-1"]


def test_an_id_may_move_to_another_document_once_the_older_one_has_ended(
    library: PolicyLibrary,
) -> None:
    library.add([make_document(RETURNS, until=dt.date(2026, 6, 30))])
    moved = make_document({"RET-1": "Forty days."}, document="Other", since=SUMMER)
    assert library.add([moved]).set_aside == ()


def test_two_documents_that_are_the_same_edition_are_told_apart(library: PolicyLibrary) -> None:
    one = make_document({"A-1": "one"}, source="one.md")
    two = make_document({"A-2": "two"}, source="two.md")
    report = library.add([one, two])
    assert [str(e).split(":")[0] for e in report.set_aside] == ["two.md, line 1"]
    assert texts_of(library) == {"A-1": "one"}


# -- editions and days


def test_a_later_edition_ends_the_earlier_one_and_both_stay(library: PolicyLibrary) -> None:
    library.add([make_document(RETURNS)])
    library.add([make_document({"RET-1": "Goods may be returned within ten days."}, since=SUMMER)])
    assert [(d.effective_from, d.effective_to, d.n_clauses) for d in library.list_documents()] == [
        (NEW_YEAR, SUMMER - dt.timedelta(days=1), 3),
        (SUMMER, None, 1),
    ]
    ((clause, *_), *_) = library.search("returned within days", on=dt.date(2026, 6, 30))
    assert clause.text == RETURNS["RET-1"]
    found = library.search("returned within days", on=SUMMER)
    assert [hit.clause.text for hit in found] == ["Goods may be returned within ten days."]
    assert library.search("returned", on=dt.date(2025, 12, 31)) == []
    assert len(library.search("returned within days")) == 4


def test_removing_the_later_edition_reopens_nothing_else(library: PolicyLibrary) -> None:
    library.add([make_document(RETURNS), make_document({"D-1": "A week."}, document="Delivery")])
    library.add([make_document({"RET-1": "Ten days."}, since=SUMMER)])
    assert library.remove("acme", "Returns") == 4
    assert [d.document for d in library.list_documents()] == ["Delivery"]
    assert library.remove("acme", "Returns") == 0


# -- searching


@pytest.fixture
def two_companies(library: PolicyLibrary) -> PolicyLibrary:
    library.add(
        [
            make_document(RETURNS),
            make_document(
                {"Z-1": "Goods may be returned within a year."}, company="zeta", name="Zeta"
            ),
        ]
    )
    return library


@pytest.mark.parametrize("company", ["zeta", "ZETA", " Zeta "])
def test_a_search_can_be_kept_to_a_company(two_companies: PolicyLibrary, company: str) -> None:
    found = two_companies.search("goods returned", company=company)
    assert [hit.clause.id for hit in found] == ["Z-1"]


def test_a_company_is_known_by_its_shown_name_too(two_companies: PolicyLibrary) -> None:
    found = two_companies.search("goods returned", company="acme shop")
    assert {hit.clause.company for hit in found} == {"acme"}
    assert len(found) == 3


def test_without_a_company_all_are_searched(two_companies: PolicyLibrary) -> None:
    found = two_companies.search("goods returned within a year", k=4)
    assert found[0][0].id == "Z-1"
    assert len(found) == 4
    scores = [hit.score for hit in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= score <= 1.0 for score in scores)


def test_k_bounds_what_is_returned(two_companies: PolicyLibrary) -> None:
    assert len(two_companies.search("returned", k=2)) == 2
    assert len(two_companies.search("returned", k=100)) == 4


@pytest.mark.parametrize(
    ("query", "options", "says"),
    [
        ("", {}, "blank"),
        (" \n", {}, "blank"),
        ("x", {"k": 0}, "ask for 1 or more"),
        ("x", {"company": "zetta"}, "did you mean 'zeta'?"),
        ("x", {"company": "qqqqqq"}, "wordbond policies add"),
    ],
)
def test_a_search_that_cannot_be_done_says_why(
    two_companies: PolicyLibrary, query: str, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=r"[.?]$") as caught:
        two_companies.search(query, **options)
    assert says in str(caught.value)


def test_a_wrong_company_is_an_error_even_where_there_is_only_one(library: PolicyLibrary) -> None:
    library.add([make_document(RETURNS)])
    with pytest.raises(ConfigError, match="no policies of company 'beta'"):
        library.search("returns", company="beta")


def test_the_packaged_embedder_finds_by_meaning(home: Settings) -> None:
    embedder = packaged_embedder()
    documents = [
        make_document(RETURNS),
        make_document({"DEL-1": "Parcels arrive within five working days."}, document="Delivery"),
    ]
    with PolicyLibrary.open(home, embedder) as library:
        library.add(documents)
        ((clause, score, is_weak), *_) = library.search("when will my package get here?")
        assert clause.id == "DEL-1"
        assert 0.2 < score <= 1.0
        assert not is_weak
        kept = library.book()
    direct = PolicyBook.from_documents(sorted(documents, key=lambda d: d.document), embedder)
    assert kept.clauses == direct.clauses
    assert np.array_equal(kept.vectors, direct.vectors)
    assert kept.vectors.dtype == np.float32


# -- embedders and reopening


def test_what_was_added_is_there_after_reopening(home: Settings) -> None:
    embedder = HashingEmbedder()
    with PolicyLibrary.open(home, embedder) as library:
        library.add([make_document(RETURNS)])
        before = library.book()
    with PolicyLibrary.open(home, embedder) as library:
        assert library.book().clauses == before.clauses
        assert np.array_equal(library.book().vectors, before.vectors)
        assert library.add([make_document(RETURNS)]).embedded == 0


def test_vectors_come_back_bit_by_bit(library: PolicyLibrary, embedder: HashingEmbedder) -> None:
    document = make_document(RETURNS)
    library.add([document])
    direct = PolicyBook.from_documents([document], embedder)
    assert library.book().vectors.tobytes() == direct.vectors.tobytes()


def test_two_handles_see_each_other(home: Settings) -> None:
    with (
        PolicyLibrary.open(home, HashingEmbedder()) as one,
        PolicyLibrary.open(home, HashingEmbedder()) as two,
    ):
        one.add([make_document(RETURNS)])
        assert two.count() == 3
        two.remove("acme", "Returns")
        assert one.count() == 0


def test_vectors_of_two_embedders_never_meet(home: Settings) -> None:
    small, large = HashingEmbedder("small", 16), HashingEmbedder("large", 128)
    with PolicyLibrary.open(home, small) as one, PolicyLibrary.open(home, large) as two:
        one.add([make_document(RETURNS)])
        assert two.count() == 0
        assert two.add([make_document({"RET-1": RETURNS["RET-1"]})]).embedded == 1
        assert one.book().vectors.shape == (3, 16)
        assert two.book().vectors.shape == (1, 128)
        assert one.book().embedder_name == "small"


def test_names_that_differ_a_little_are_two_embedders(home: Settings) -> None:
    names = ["a/b", "a-b", "A-B", "a", "ü", "endpoint-" + "x" * 600]
    for name in names:
        with PolicyLibrary.open(home, HashingEmbedder(name)) as library:
            assert library.count() == 0
            library.add([make_document({"X-1": name})])
    for name in names:
        with PolicyLibrary.open(home, HashingEmbedder(name)) as library:
            assert texts_of(library) == {"X-1": name}


# -- faults


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with more rows than Chroma keeps in memory before it writes its index to files."""
    where = Settings(home=tmp_path_factory.mktemp("filled"), chroma_url=None)
    with PolicyLibrary.open(where, HashingEmbedder()) as library:
        library.add([make_document({f"N-{i}": f"clause {i}" for i in range(1100)})])
    return where.chroma_path


def use(where: Settings) -> None:
    with PolicyLibrary.open(where, HashingEmbedder()) as library:
        library.book()


def test_an_embedder_that_fails_leaves_the_edition_as_it_was(home: Settings) -> None:
    class Failing(HashingEmbedder):
        def embed(self, texts: Sequence[str]) -> np.ndarray:
            if "poison" in texts[0]:
                raise EngineUnavailable("gone")
            return super().embed(texts)

    embedder = Failing()
    with PolicyLibrary.open(home, embedder) as library:
        library.add([make_document(RETURNS)])
        longer = {f"N-{i}": f"text {i}" for i in range(70)} | {"N-99": "poison"}
        with pytest.raises(EngineUnavailable):
            library.add([make_document(longer)])
        assert texts_of(library) == RETURNS
        embedder.asked.clear()
        mended = longer | {"N-99": "cured"}
        report = library.add([make_document(mended)])
        assert texts_of(library) == mended
        assert report.embedded == 7  # 64 were written before the failure
        assert library.count() == 71


def test_an_edition_whose_first_adding_was_cut_short_is_shown_as_incomplete(
    home: Settings,
) -> None:
    class Stopping(HashingEmbedder):
        def embed(self, texts: Sequence[str]) -> np.ndarray:
            if len(self.asked) == 100:
                raise KeyboardInterrupt
            return super().embed(texts)

    document = make_document({f"N-{i}": f"text {i}" for i in range(150)})
    with PolicyLibrary.open(home, Stopping()) as library:
        with pytest.raises(KeyboardInterrupt):
            library.add([document])
        assert library.count() == 0
        assert library.book().clauses == ()
        assert library.list_documents() == [
            StoredDocument(
                company="acme",
                company_name="Acme Shop",
                document="Returns",
                effective_from=NEW_YEAR,
                effective_to=None,
                source="returns.md",
                n_clauses=64,
                is_complete=False,
            )
        ]
    with PolicyLibrary.open(home, HashingEmbedder()) as library:
        assert library.add([document]).embedded == 150 - 64
        assert [d.is_complete for d in library.list_documents()] == [True]
        assert library.book().clauses == document.clauses


def test_a_home_that_is_a_file_is_named_and_can_be_mended(tmp_path: Path) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("in the way")
    where = Settings(home=blocked, chroma_url=None)
    with pytest.raises(StoreError, match="cannot be written") as caught:
        use(where)
    assert str(where.chroma_path) in str(caught.value)
    assert "WORDBOND_HOME" in str(caught.value)
    blocked.unlink()
    use(where)


def spoil_database(folder: Path) -> None:
    (folder / "chroma.sqlite3").write_bytes(b"no database " * 1000)


def halve_database(folder: Path) -> None:
    database = folder / "chroma.sqlite3"
    os.truncate(database, database.stat().st_size // 2)


def spoil_index(folder: Path) -> None:
    for path in folder.glob("*/*"):
        path.write_bytes(b"junk")


def test_the_library_outlives_the_loss_of_its_index(home: Settings, filled: Path) -> None:
    folder = Path(shutil.copytree(filled, home.chroma_path))
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    with PolicyLibrary.open(home, HashingEmbedder()) as library:
        assert library.count() == 1100
        assert library.search("clause 7", k=3)
        assert library.add([make_document({"D-1": "A week."}, document="Delivery")]).added == 1
        assert library.count() == 1101


@pytest.mark.parametrize("spoil", [spoil_database, halve_database, spoil_index])
def test_a_damaged_store_says_so_and_the_mend_works_in_the_same_process(
    home: Settings, tmp_path: Path, filled: Path, spoil: Any
) -> None:
    folder = Path(shutil.copytree(filled, home.chroma_path))
    use(home)
    spoil(folder)
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            use(home)
        message = str(caught.value)
        assert str(folder) in message
        assert "move that folder away and add the policies again" in message
        assert "\n" not in message
    folder.rename(tmp_path / "away")
    use(home)


@contextmanager
def raw_collection(where: Settings) -> Iterator[Any]:
    """The collection behind the library, as another program would open it."""
    import chromadb

    options: dict[str, Any] = {"_env_file": None, "anonymized_telemetry": False}
    client: Any = chromadb.PersistentClient(
        path=str(where.chroma_path), settings=chromadb.config.Settings(**options)
    )
    (collection,) = [c for c in client.list_collections() if c.name.startswith("clauses-")]
    yield collection
    client.close()


def test_rows_that_others_wrote_are_damage(home: Settings, library: PolicyLibrary) -> None:
    library.add([make_document(RETURNS)])
    with raw_collection(home) as found:
        found.add(ids=["x"], embeddings=[[1.0] * 64], documents=["x"], metadatas=[{"a": 1}])
    with pytest.raises(StoreError, match="rows that Wordbond did not write"):
        library.count()


def test_an_edition_that_lost_rows_is_not_used_until_it_is_added_again(
    home: Settings, library: PolicyLibrary
) -> None:
    library.add([make_document(RETURNS)])
    with raw_collection(home) as found:
        found.delete(ids=found.get(limit=1)["ids"])
    assert [d.is_complete for d in library.list_documents()] == [False]
    assert library.book().clauses == ()
    assert library.add([make_document(RETURNS)]).embedded == 1
    assert texts_of(library) == RETURNS


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://host:1", "http://", "http://host:port", "nonsense"]
)
def test_a_server_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"WORDBOND_CHROMA_URL is .* write it as http://"):
        PolicyLibrary.open(Settings(home=tmp_path, chroma_url=url), HashingEmbedder())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    where = Settings(home=tmp_path, chroma_url=f"http://me:secret@{address}")
    with pytest.raises(StoreError, match="does not answer") as caught:
        PolicyLibrary.open(where, HashingEmbedder())
    assert f"http://{address}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "WORDBOND_CHROMA_URL" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (502, b"Bad gateway"), (404, b"{}")]
)
@pytest.mark.parametrize("has_heartbeat", [False, True], ids=["no heartbeat", "heartbeat"])
def test_a_server_that_is_no_chroma_is_named(
    tmp_path: Path, status: int, body: bytes, *, has_heartbeat: bool
) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_beat = has_heartbeat and self.path.endswith("/heartbeat")
            self.send_response(200 if is_beat else status)
            self.end_headers()
            self.wfile.write(b'{"nanosecond heartbeat": 1}' if is_beat else body)

        do_POST = do_GET  # noqa: N815 - the name that http.server asks for

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(StoreError, match="does not answer as one") as caught:
            PolicyLibrary.open(Settings(home=tmp_path, chroma_url=url), HashingEmbedder())
        assert "\n" not in str(caught.value)
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--host", "127.0.0.1"]
    folder = tmp_path_factory.mktemp("server")
    process = subprocess.Popen(
        [*command, "--path", str(folder), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_a_server_keeps_the_library_for_a_team(
    chroma_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a team's .env may hold for Chroma itself must not reach our client.
    (tmp_path / ".env").write_text("CHROMA_SERVER_HOST=elsewhere\nCHROMA_SERVER_HTTP_PORT=1\n")
    monkeypatch.chdir(tmp_path)
    where = Settings(home=tmp_path / "unused", chroma_url=chroma_server + "/")
    with PolicyLibrary.open(where, HashingEmbedder()) as library:
        assert library.add([make_document(RETURNS)]).embedded == 3
        assert library.add([make_document({**RETURNS, "RET-3": "New."})]).embedded == 1
    with PolicyLibrary.open(where, HashingEmbedder()) as library:
        assert texts_of(library) == {**RETURNS, "RET-3": "New."}
        assert library.search("sale items final", company="acme", on=SUMMER)[0][0].id == "RET-2"
        assert library.remove("acme", "Returns") == 3
    assert not (tmp_path / "unused").exists()


# -- other processes

CHILD = """
import os, signal, sys, threading
from pathlib import Path
from analyzer.config import Settings
from analyzer.domain import PolicyDocument
from analyzer.policy_library import PolicyLibrary

home, document, kill_at, delay = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
document = PolicyDocument.model_validate_json(Path(document).read_text())

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def progress(n):
    if n == kill_at:
        threading.Timer(delay, kill).start() if delay else kill()

library = PolicyLibrary.open(Settings(home=home, chroma_url=None), HashingEmbedder())
library.add([document], progress=progress)
library.close()
"""


def add_elsewhere(
    where: Settings, document: PolicyDocument, *, kill_at: int = 0, delay: float = 0.0
) -> int:
    """Add a document in another process, which may kill itself; returns its exit status."""
    path = where.home.with_name("document.json")
    path.write_text(document.model_dump_json())
    imports = "import hashlib\nimport numpy as np\nfrom collections.abc import Sequence\n"
    code = imports + inspect.getsource(HashingEmbedder) + CHILD
    done = subprocess.run(
        [sys.executable, "-c", code, str(where.home), str(path), str(kill_at), str(delay)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in {0, -9}, done.stderr
    return done.returncode


def test_an_open_library_sees_what_another_process_does_to_it(home: Settings, filled: Path) -> None:
    # Beyond 1,000 changes Chroma rewrites its index under the feet of those who have it open.
    shutil.copytree(filled, home.chroma_path)
    changed = make_document({f"N-{i}": f"changed {i}" for i in range(1100)})
    with PolicyLibrary.open(home, HashingEmbedder()) as library:
        assert library.search("clause 7")[0][0].text.startswith("clause")
        assert add_elsewhere(home, changed) == 0
        assert library.book().clauses == changed.clauses
        assert library.search("changed 7")[0][0].text.startswith("changed")
        assert library.add([changed]).unchanged == 1100


@pytest.mark.parametrize(
    ("kill_at", "delay"),
    [
        pytest.param(100, 0.0, id="between two writes"),
        pytest.param(200, 0.06, id="while old rows are removed, or near it"),
    ],
)
def test_a_killed_process_leaves_a_library_that_opens_and_can_be_completed(
    home: Settings, kill_at: int, delay: float
) -> None:
    old = make_document({f"N-{i}": f"old clause {i}" for i in range(150)})
    new = make_document({f"N-{i}": f"new clause {i}" for i in range(200)})
    with PolicyLibrary.open(home, HashingEmbedder()) as library:
        library.add([old])
    status = add_elsewhere(home, new, kill_at=kill_at, delay=delay)
    with PolicyLibrary.open(home, HashingEmbedder()) as library:
        stands = library.book().clauses
        if delay:
            assert stands in {old.clauses, new.clauses}
        else:
            assert (status, stands) == (-9, old.clauses)
        report = library.add([new])
        assert report.embedded <= 200 - (kill_at - 1) // 64 * 64
        assert library.book().clauses == new.clauses
        assert library.search("new clause 7", k=1)[0][0].text.startswith("new clause")
    with PolicyLibrary.open(home, HashingEmbedder()) as library:
        assert library.book().clauses == new.clauses
        assert library.add([new]).unchanged == 200


@pytest.mark.slow
def test_wherever_a_process_is_killed_the_library_is_as_before_or_as_after(tmp_path: Path) -> None:
    chance = random.Random(20261127)
    kills = 10 if os.environ.get("CI") else 50
    old = make_document({f"N-{i}": f"old clause {i}" for i in range(150)})
    new = make_document({f"N-{i}": f"new clause {i}" for i in range(200)})
    n_killed = 0
    for number in range(kills):
        where = Settings(home=tmp_path / str(number) / "home", chroma_url=None)
        where.home.parent.mkdir()
        with PolicyLibrary.open(where, HashingEmbedder()) as library:
            library.add([old])
        status = add_elsewhere(
            where, new, kill_at=chance.randint(1, 200), delay=chance.uniform(0.0, 0.12)
        )
        n_killed += status == -9
        with PolicyLibrary.open(where, HashingEmbedder()) as library:
            stands = library.book().clauses
            assert stands in {old.clauses, new.clauses}
            assert library.search("clause 7", k=1)
            library.add([new])
            assert library.book().clauses == new.clauses
        shutil.rmtree(where.home.parent)
    assert n_killed >= 0.8 * kills


def test_chroma_is_not_loaded_before_a_library_is_opened() -> None:
    code = "import sys, analyzer.policy_library; print('chromadb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
