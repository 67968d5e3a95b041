"""The policy book: who is meant, what is in force, and what lies nearest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pytest

from analyzer.domain import Clause, PolicyDocument
from analyzer.policy_book import PolicyBook, PolicyView

JAN = dt.date(2026, 1, 1)
JULY = dt.date(2026, 7, 1)


class LetterEmbedder:
    """A text to the counts of its letters, at length 1."""

    name = "letters"
    dimension = 26

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked.append(list(texts))
        out = np.zeros((len(texts), 26), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            for letter in text.lower():
                if "a" <= letter <= "z":
                    row[ord(letter) - ord("a")] += 1
        unit: np.ndarray = out / np.linalg.norm(out, axis=1, keepdims=True)
        return unit


def make_document(
    texts: dict[str, str],
    *,
    company: str = "acme",
    name: str | None = None,
    document: str = "Rules",
    since: dt.date | None = None,
) -> PolicyDocument:
    clauses = tuple(
        Clause(
            id=key,
            company=company,
            company_name=name,
            document=document,
            text=text,
            effective_from=since,
        )
        for key, text in texts.items()
    )
    return PolicyDocument(
        company=company,
        company_name=name,
        document=document,
        effective_from=since,
        clauses=clauses,
    )


def make_book(*documents: PolicyDocument) -> PolicyBook:
    return PolicyBook.from_documents(documents, LetterEmbedder())


def test_each_clause_is_embedded_by_itself_with_its_headings() -> None:
    embedder = LetterEmbedder()
    document = make_document({"A-1": "aaa", "A-2": "bbb"})
    titled = document.clauses[0].model_copy(update={"title": "T", "heading_path": ("H",)})
    document = document.model_copy(update={"clauses": (titled, document.clauses[1])})
    book = PolicyBook.from_documents([document], embedder)
    assert embedder.asked == [["H. T. aaa"], ["bbb"]]
    assert book.embedder_name == "letters"
    assert book.vectors.dtype == np.float32
    assert book.vectors.shape == (2, 26)


def test_a_book_of_nothing() -> None:
    book = make_book()
    assert book.companies == {}
    assert book.find_company("acme") is None
    assert book.nearest_company("acme") is None
    view = book.view("acme", JAN)
    assert view.clauses == ()
    assert view.search(np.ones((2, 26), dtype=np.float32), 3) == [[], []]


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ("acme", "acme"),
        ("ACME", "acme"),
        ("Acme Shop", "acme"),
        (" acme shop ", "acme"),
        ("zeta", "zeta"),
        ("acm", None),
        ("", None),
        (None, None),
    ],
)
def test_a_company_is_found_by_key_or_shown_name(asked: str | None, key: str | None) -> None:
    book = make_book(
        make_document({"A-1": "a"}, name="Acme Shop"), make_document({"Z-1": "z"}, company="zeta")
    )
    assert book.companies == {"acme": "Acme Shop", "zeta": "zeta"}
    assert book.find_company(asked) == key


@pytest.mark.parametrize("asked", ["beta", None, ""])
def test_the_only_company_is_meant_whatever_is_said(asked: str | None) -> None:
    assert make_book(make_document({"A-1": "a"})).find_company(asked) == "acme"


@pytest.mark.parametrize(
    ("asked", "key"), [("acne", "acme"), ("Acme Shops", "acme"), ("zetta", "zeta"), ("q", None)]
)
def test_the_nearest_company_for_an_error_message(asked: str, key: str | None) -> None:
    book = make_book(
        make_document({"A-1": "a"}, name="Acme Shop"), make_document({"Z-1": "z"}, company="zeta")
    )
    assert book.nearest_company(asked) == key


def test_a_name_that_only_one_document_gives_is_the_companys() -> None:
    book = make_book(
        make_document({"A-1": "a"}),
        make_document({"B-1": "b"}, document="More", name="Acme Shop"),
        make_document({"C-1": "c"}, document="Rest"),
    )
    assert book.companies == {"acme": "Acme Shop"}


def test_a_view_holds_what_was_in_force_on_the_day() -> None:
    book = make_book(
        make_document({"A-1": "old", "A-2": "gone"}, since=JAN),
        make_document({"A-1": "new"}, since=JULY),
        make_document({"Z-1": "other"}, company="zeta"),
    )
    assert book.view("acme", JAN - dt.timedelta(days=1)).clauses == ()
    before = book.view("acme", JULY - dt.timedelta(days=1))
    assert [c.text for c in before.clauses] == ["old", "gone"]
    after = book.view("acme", JULY)
    assert [c.text for c in after.clauses] == ["new"]
    assert after.vectors.shape == (1, 26)
    assert before.version != after.version
    assert book.view("acme", JULY) is after
    assert book.view("acme", JULY + dt.timedelta(days=9)).version == after.version


def test_a_book_that_is_asked_about_many_days_stays_small() -> None:
    book = make_book(make_document({"A-1": "a"}, since=JAN))
    for offset in range(1200):
        assert len(book.view("acme", JAN + dt.timedelta(days=offset)).clauses) == 1
    assert len(book._views) <= 513


def test_a_clause_is_found_by_id() -> None:
    view = make_book(make_document({"A-1": "one", "A-2": "two"})).view("acme", JAN)
    found = view.find_clause("A-2")
    assert found is not None
    assert found.text == "two"
    assert view.find_clause("A-3") is None


def test_search_is_best_first_and_bounded() -> None:
    view = make_book(make_document({"A-1": "aaab", "A-2": "aabb", "A-3": "bbbb"})).view("acme", JAN)
    queries = LetterEmbedder().embed(["bbbb", "aaaa"])
    first, second = view.search(queries, 2)
    assert [c.id for c, _ in first] == ["A-3", "A-2"]
    assert [c.id for c, _ in second] == ["A-1", "A-2"]
    assert first[0][1] == pytest.approx(1.0)
    assert len(view.search(queries, 10)[0]) == 3


def test_equal_scores_keep_the_order_of_the_document() -> None:
    view = make_book(make_document({f"A-{i}": "same" for i in range(20)})).view("acme", JAN)
    (found,) = view.search(LetterEmbedder().embed(["same"]), 20)
    assert [c.id for c, _ in found] == [f"A-{i}" for i in range(20)]


def test_the_version_of_a_view_does_not_depend_on_order() -> None:
    clauses = make_document({"A-1": "one", "A-2": "two"}).clauses
    vectors = np.eye(2, dtype=np.float32)
    assert (
        PolicyView("acme", clauses, vectors).version
        == PolicyView("acme", clauses[::-1], vectors).version
    )


def numbered(clause_id: str, title: str, text: str, document: str = "Rules") -> Clause:
    return Clause(id=clause_id, company="acme", document=document, title=title, text=text)


def view_of(*clauses: Clause) -> PolicyView:
    return PolicyView("acme", clauses, np.zeros((len(clauses), 2), dtype=np.float32))


def test_references_lead_to_clauses_by_id_and_by_number() -> None:
    window = numbered("r/4.1", "4.1 Window", "Thirty days.")
    sale = numbered("r/4.2", "4.2 Sale", "(a) None. (b) Ten days.")
    outlet = numbered("r/4.2-a", "4.2(a) Outlets", "Five days.")
    tenth, first = numbered("RET-10", "Shoes", "x"), numbered("RET-1", "Hats", "x")
    fees = numbered("f/4.1", "4.1 Late fee", "As clause 4.2 says.", document="Fees")
    view = view_of(window, sale, outlet, tenth, first, fees)

    def leads(text: str) -> list[str]:
        clause = numbered("RET-4", "From", text)
        return [found.id for found in view.find_references(clause)]

    assert leads("As in RET-10.") == ["RET-10"]
    assert leads("RET-1 and RET-4, not RET-11 or RET-100.") == ["RET-1"]
    assert leads("See clause 4.2(b) and clause 4.1.") == ["r/4.2", "r/4.1"]
    assert leads("See clause 4.2(a)(iv).") == ["r/4.2-a"]
    assert leads("See clauses 4.1 to 4.3; clause 4.1 again.") == ["r/4.1", "r/4.2"]
    assert leads("See clause 4.20, clause 14.2 and clause 9.") == []
    assert leads("Within 4.1 days.") == []
    assert view.find_references(fees) == ()


def test_definitions_are_read_with_the_clauses_that_use_them() -> None:
    defines = numbered("DEF-1", "Terms", "The term “business day” means Monday to Friday.")
    uses = numbered("RET-1", "Window", "Refunds take three Business Days, as RET-2 says.")
    other = numbered("RET-2", "Sale", "None, on any business day.")
    view = view_of(defines, uses, other)
    assert [c.id for c in view.find_related(other)] == ["DEF-1"]
    assert [c.id for c in view.find_related(uses)] == ["RET-2", "DEF-1"]
    assert view.find_related(defines) == ()


def test_the_edition_before_a_day_stays_beside_the_rule_that_keeps_it() -> None:
    old = make_document({"CAN-1": "The fee is 20 euro."}, since=JAN)
    new = make_document(
        {
            "CAN-1": "The fee is 50 euro.",
            "CAN-9": "Bookings made on or before 30 June 2026 keep the earlier terms.",
        },
        since=JULY,
    )
    book = make_book(old, new)
    view = book.view("acme", dt.date(2026, 8, 1))
    assert [(c.id, c.text) for c in view.earlier] == [("CAN-1", "The fee is 20 euro.")]
    assert book.view("acme", dt.date(2026, 2, 1)).earlier == ()
