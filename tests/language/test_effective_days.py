"""The days of force that stand around a document's clauses."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.language.effective_days import EffectiveDays, find_effective_days

FEB = dt.date(2026, 2, 1)
DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31))


def days(text: str) -> tuple[str | None, str | None]:
    found = find_effective_days(text)
    begins, ends = (str(day) if day else None for day in (found.begins, found.ends))
    return begins, ends


@pytest.mark.parametrize(
    "written",
    [
        "1 February 2026",
        "1st February, 2026",
        "the 1st of February 2026",
        "1st of Feb. 2026",
        "1 Feb 2026",
        "01-Feb-2026",
        "February 1, 2026",
        "FEBRUARY 1ST, 2026",
        "Feb. 1st 2026",
        "2026-02-01",
        "2026/02/01",
        "2026.02.01",
        "Sunday, 1 February 2026",
        "midnight on 1 February 2026",
    ],
)
@pytest.mark.parametrize(
    "lead",
    [
        "Effective",
        "with effect from",
        "Effective date:",
        "Effective date of this policy:",
        "In force as from",
        "comes into force on",
        "| Effective date |",
        "**Effective:**\n\n",
    ],
)
def test_a_first_day_in_many_forms(lead: str, written: str) -> None:
    found = find_effective_days(f"Returns policy\n{lead} {written}. Version 3.")
    assert found == EffectiveDays(begins=FEB)


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("Valid until 31/12/2025", None, "2025-12-31"),
        ("Effective 13/02/2026", "2026-02-13", None),
        ("Effective 02/13/2026", "2026-02-13", None),
        ("Effective 5/5/2026", "2026-05-05", None),
        ("Effective 1 Sept. 2026", "2026-09-01", None),
        ("In force from 1 March 2026 to 31 August 2026", "2026-03-01", "2026-08-31"),
        ("Valid 1 March 2026 – 31 August 2026", "2026-03-01", "2026-08-31"),
        ("Valid from 1 March 2026 up to and including 31 August 2026", "2026-03-01", "2026-08-31"),
        ("Effective March 1, 2026 through Aug. 31, 2026", "2026-03-01", "2026-08-31"),
        ("Effective from 2026-03-01 until 2026-08-31.", "2026-03-01", "2026-08-31"),
        ("Expiry date: 31.12.2026", None, "2026-12-31"),
        ("In effect since 2024-05-01, amended 2025-05-01", "2024-05-01", None),
        ("Effective 1 May 2026, expires 1 April 2026", "2026-05-01", None),
    ],
)
def test_first_and_last_days(text: str, begins: str | None, ends: str | None) -> None:
    assert days(text) == (begins, ends)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Version 3 · 1 May 2026",
        "Last revised: 1 May 2026",
        "Review date: 1 February 2027",
        "Effective 31 February 2026",
        "Effective 32/13/2026",
        "Effective 1 February",
        "Ineffective 1 May 2026",
        "An effective 5 step plan of 1 May 2026",
        "This is not effective before 1 May 2026",
    ],
)
def test_days_that_say_nothing_of_force(text: str) -> None:
    assert find_effective_days(text) == EffectiveDays()


@pytest.mark.parametrize(
    "text",
    [
        "Orders of the season may be returned until 15 January 2026.",
        "The fee of the old year is due up to 31 March 2026.",
        "Gift cards sold from Monday to 31 December 2026 carry a bonus.",
    ],
)
def test_a_deadline_in_the_opening_does_not_end_the_policy(text: str) -> None:
    assert days(f"Returns\n{text}") == (None, None)
    assert days(f"Returns, effective 1 February 2026.\n{text}") == ("2026-02-01", None)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("This edition is no longer in force from 1 May 2026.", "2026-04-30"),
        ("Superseded from 1 May 2026 by edition 4.", "2026-04-30"),
        ("Withdrawn with effect from 1 May 2026", "2026-04-30"),
        ("In force until 30 April 2026", "2026-04-30"),
    ],
)
def test_the_first_day_without_force_is_not_the_first_day_of_force(text: str, ends: str) -> None:
    assert days(text) == (None, ends)


@pytest.mark.parametrize(
    "text",
    [
        "It supersedes the version effective 1 January 2025 and is effective from 1 February 2026.",
        "Effective 1 February 2026 (replaces the edition effective 1 January 2025)",
        "Replaces the previous edition, effective 1 January 2025. Effective 1 February 2026.",
        "This edition supersedes all earlier ones and is effective from 1 February 2026.",
        "This policy replaces the Returns Rules effective 1 February 2026.",
    ],
)
def test_the_day_of_the_edition_before_is_not_this_ones(text: str) -> None:
    assert days(text) == ("2026-02-01", None)


@pytest.mark.parametrize("written", ["03/04/2026", "3.4.2026", "03-04-2026"])
def test_a_day_that_can_be_read_as_two_is_asked_for(written: str) -> None:
    assert find_effective_days(f"Effective from {written}") == EffectiveDays(doubtful=written)
    assert find_effective_days(f"Valid until {written}") == EffectiveDays(doubtful_end=written)
    assert find_effective_days(f"Printed {written}") == EffectiveDays()
    both = find_effective_days(f"Effective from {written} to 05/06/2026")
    assert (both.doubtful, both.doubtful_end) == (written, "05/06/2026")


def test_another_day_of_the_text_tells_the_order() -> None:
    assert days("Effective from 03/04/2026 to 31/12/2026") == ("2026-04-03", "2026-12-31")
    assert days("Effective from 03/04/2026 to 12/31/2026") == ("2026-03-04", "2026-12-31")
    torn = find_effective_days("Effective 03/04/2026. Printed 31/12/2026, sent 12/31/2026.")
    assert torn == EffectiveDays(doubtful="03/04/2026")


def test_a_table_about_the_document_is_read_under_its_headings() -> None:
    head = "| Version | Effective date | Owner |\n| --- | --- | --- |\n"
    assert days(f"{head}| 3 | 1 February 2026 | Ana |") == ("2026-02-01", None)
    history = f"{head}| 2 | 1 January 2025 | Bo |\n| 3 | 1 February 2026 | Ana |"
    assert days(history) == (None, None)


@given(DAYS, DAYS)
def test_whatever_days_are_written_out_are_read(one: dt.date, other: dt.date) -> None:
    begins, ends = sorted((one, other))
    text = f"Effective from {begins:%d %B %Y} until {ends:%B %d, %Y}"
    assert days(text) == (begins.isoformat(), ends.isoformat())


@given(DAYS)
def test_digits_are_never_read_in_the_wrong_order(day: dt.date) -> None:
    found = find_effective_days(f"Effective {day:%d/%m/%Y}")
    assert found.begins == day or (found.begins is None and found.doubtful == f"{day:%d/%m/%Y}")


@given(st.lists(st.sampled_from([
    "effective", "valid", "from", "until", "to", "1 May 2026", "03/04/2026", "2026-02-30", "|",
    "\n", ".", "superseded", "not", "31/12/9999", "date", ":", "| --- |",
]) | st.text(max_size=4), max_size=20).map(" ".join))  # fmt: skip
@example("no longer in force from 2000-01-01")
def test_any_text_gives_days_in_order(text: str) -> None:
    found = find_effective_days(text)
    assert found == find_effective_days(text)
    assert found.begins is None or found.ends is None or found.begins <= found.ends
    assert found.doubtful is None or found.doubtful in text
