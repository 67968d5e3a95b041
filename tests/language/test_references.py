"""What a clause refers to: other clauses, terms, what was agreed before a day."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.language.references import find_definitions, find_mentions, find_transitions


def targets(text: str) -> list[str]:
    return [mention.target for mention in find_mentions(text)]


# -- clauses that are named


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("as in RET-4 and RET-5", ["RET-4", "RET-5"]),
        ("RET-1, not RET-10.", ["RET-1", "RET-10"]),
        ("(see HR-2.1).", ["HR-2.1"]),
        ("RET-4's limit", ["RET-4"]),
        ("RET\u20114 and AIR-EU\u201012", ["RET-4", "AIR-EU-12"]),
        ("from RET-4 to RET-7", ["RET-4", "RET-5", "RET-6", "RET-7"]),
        ("RET-4\u2013RET-6", ["RET-4", "RET-5", "RET-6"]),
        ("RET-4 to DEL-6", ["RET-4", "DEL-6"]),
        ("see clause 4.2(b)", ["4.2(b)"]),
        ("Clause 1.2.3(a)(iv) applies.", ["1.2.3(a)(iv)"]),
        ("section 4(2)", ["4(2)"]),
        ("§ 4.2(b) and §§ 7, 8", ["4.2(b)", "7", "8"]),
        ("Sections 4, 5 and 6.1(a).", ["4", "5", "6.1(a)"]),
        ("clauses 4.1, 4.2, and 4.4", ["4.1", "4.2", "4.4"]),
        ("clauses 4.1(a), (b) and 6", ["4.1(a)", "4.1(b)", "6"]),
        ("clauses 4.1 to 4.4", ["4.1", "4.2", "4.3", "4.4"]),
        ("clauses 4.1 to 5.4", ["4.1", "5.4"]),
        ("articles 3-5", ["3", "4", "5"]),
    ],
)
def test_clauses_that_are_named(text: str, wanted: list[str]) -> None:
    assert sorted(targets(text), key=wanted.index) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("within 5 days of clause 3", ["3"]),
        ("clause 4.2, 5 days later", ["4.2"]),
        ("Section 4.2 and 30 business days", ["4.2"]),
        ("section 3 or 14 days", ["3"]),
        ("under clause 3 and 10% more", ["3"]),
        ("the rules 30 days before", []),
        ("a section 4 days long", []),
        ("24-7, 4-5 weeks, ret-4", []),
    ],
)
def test_quantities_are_no_clauses(text: str, wanted: list[str]) -> None:
    assert targets(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "under section 12 of the Consumer Rights Act 2015",
        "Article 6 GDPR",
        "article 7 of Directive 2011/83",
        "section 5 of the Act",
    ],
)
def test_clauses_of_a_law_are_not_the_policys(text: str) -> None:
    assert targets(text) == []


def test_a_mention_says_where_it_stands() -> None:
    text = "See RET-4. Or clause 4.2(b)."
    one, other = find_mentions(text)
    assert (text[one.start : one.end], one.is_id) == ("RET-4", True)
    assert (text[other.start : other.end], other.is_id) == ("4.2(b)", False)


def test_a_range_of_thousands_is_not_counted_out() -> None:
    assert len(targets("clauses 1 to 9999")) <= 22


PIECES = st.lists(
    st.sampled_from(
        ["RET-4", "clause", "4.2(b)", "to", "and", ",", "-", "–", "§", "section 4", "(a)", "days",
         "of the Act", "means", '"', "The", "bookings made before", "1 May 2026", "keep", "\n", "."]
    )
    | st.text(max_size=4),
    max_size=20,
).map(" ".join)  # fmt: skip


@given(PIECES)
def test_any_text_is_looked_through(text: str) -> None:
    mentions = find_mentions(text)
    assert list(mentions) == sorted(mentions, key=lambda mention: mention.start)
    for mention in mentions:
        assert 0 <= mention.start < mention.end <= len(text)
        assert mention.target.strip(". ") == mention.target != ""
    for definition in find_definitions(text):
        assert definition.term.strip() == definition.term != ""
    for transition in find_transitions(text):
        assert 0 <= transition.start < transition.end <= len(text)


@given(st.integers(1, 99), st.integers(1, 99))
def test_an_id_is_never_found_in_a_longer_one(one: int, other: int) -> None:
    assert targets(f"RET-{one} and RET-{other}") == [f"RET-{one}", f"RET-{other}"]


@pytest.mark.parametrize(
    "unit",
    ["clause 1, ", "clause 1.1.1.1.", "A-", "RET-1 to ", "(a)", "The term ", "In these rules, ",
     "Order ", "bookings ", "bookings made before 1 May 2026 ", "section 4 of A B C D "],
)  # fmt: skip
def test_long_text_takes_time_in_proportion(unit: str) -> None:
    text = unit * (40_000 // len(unit))
    begin = time.perf_counter()
    find_mentions(text)
    find_definitions(text)
    find_transitions(text)
    assert time.perf_counter() - begin < 5


# -- terms


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ('"Business day" means any day but Sunday.', "Business day"),
        ("“Order” refers to all that is bought at once.", "Order"),
        ("**Working day**: means Monday to Friday.", "Working day"),
        ("Business day (BD) means any day but Sunday.", "Business day"),
        ("- Member means whoever pays the fee.", "Member"),
        ("A consumer is understood to mean a natural person.", "consumer"),
        ("The late fee means the fee of FEE-1.", "late fee"),
        ("The term “Goods” means what is sold.", "Goods"),
        ('In these rules, "Trip" shall mean a journey.', "Trip"),
        ("Fees fall due. 'Stay' is defined as one night or more.", "Stay"),
    ],
)
def test_terms_that_are_defined(text: str, term: str) -> None:
    assert [definition.term for definition in find_definitions(text)] == [term]


@pytest.mark.parametrize(
    "text",
    [
        "This means that nothing is due.",
        "What this means for you",
        "Whatever that means, nothing is due.",
        "It means the fee.",
        "No means no.",
        "By all means ask.",
    ],
)
def test_sentences_that_define_nothing(text: str) -> None:
    assert find_definitions(text) == ()


def test_a_definition_begins_at_its_sentence() -> None:
    text = "Fees fall due.\nThe term “Goods” means what is sold."
    (definition,) = find_definitions(text)
    assert text[definition.start :].startswith("The term “Goods”")


# -- earlier terms

MAY = dt.date(2026, 5, 1)


@pytest.mark.parametrize(
    ("text", "before", "what"),
    [
        ("Bookings made before 1 May 2026 keep the earlier terms.", MAY, "booking"),
        ("For orders placed before the 1st of May 2026 the old rules apply.", MAY, "order"),
        ("These terms do not apply to contracts signed before May 1, 2026.", MAY, "contract"),
        ("Members who joined before 2026-05-01 keep the former fee.", MAY, "member"),
        ("Bookings made prior to 1 May 2026 stay on the terms printed.", MAY, "booking"),
        ("A booking made before 1 May 2026\nkeeps the earlier terms.", MAY, "booking"),
        (
            "Bookings made before 13/05/2026 keep the earlier terms.",
            dt.date(2026, 5, 13),
            "booking",
        ),
        # A day up to which something holds is itself one of the old ones.
        ("Orders placed on or before 30 April 2026 keep their terms.", MAY, "order"),
        ("Policies up to and including 30 April 2026 remain under the old terms.", MAY, "policy"),
        ("Bookings no later than 30 April 2026 keep the earlier terms.", MAY, "booking"),
        ("Stays booked until 30 April 2026 stay under the old price.", MAY, "stay"),
        (
            "It holds for bookings made on or after 1 May 2026; earlier bookings keep their terms.",
            MAY,
            "booking",
        ),
        ("This applies to orders from 1 May 2026. Older orders keep their terms.", MAY, "order"),
    ],
)
def test_what_was_agreed_before_a_day_keeps_its_terms(
    text: str, before: dt.date, what: str
) -> None:
    (found,) = find_transitions(f"Fees are due at once. {text} Nothing else changes here.")
    assert (found.before, found.what) == (before, what)


@pytest.mark.parametrize(
    "text",
    [
        "Bookings made before 1 May 2026 have to be paid by then.",
        "Bookings cancelled before 1 May 2026 are refunded. The price stays the same.",
        "Orders returned before 1 May 2026 keep the voucher.",
        "Bookings made before 01/05/2026 keep the earlier terms.",
        "Bookings made before this edition keep the earlier terms.",
        "Bookings from 1 May 2026 are free. Members keep their card.",
        "Cancel before 1 May 2026 and the fee stands.",
    ],
)
def test_other_rules_with_a_day_keep_no_terms(text: str) -> None:
    assert find_transitions(text) == ()


def test_a_transition_is_its_sentence() -> None:
    text = "Fees rise.\nBookings made before 1 May 2026 keep the earlier fee. Ask us."
    (found,) = find_transitions(text)
    said = "Bookings made before 1 May 2026 keep the earlier fee."
    assert text[found.start :].startswith(said)
