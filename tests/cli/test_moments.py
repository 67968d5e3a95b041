"""A call on the screen: signs with their words, quotes as they stand, nothing obeyed."""

from __future__ import annotations

import datetime as dt
import io
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from analyzer.cli.moments import (
    count_to_review,
    find_moments,
    name_call,
    number,
    render_call,
)
from analyzer.cli.terminal import Terminal
from analyzer.domain import Analysis, Call, Clause, Commitment, Stonewall
from analyzer.policy_book import PolicyBook
from analyzer.readers.transcripts import Speaker

DAY = dt.date(2026, 3, 4)
TURNS = (
    ("agent", "Thank you for calling, this is Dana."),
    ("customer", "Will I keep my Gold with the pending order?"),
    ("agent", "Yes, a pending order is enough."),
    ("customer", "And what if it is not?"),
    ("agent", "I'll put sixty pounds on your account."),
    ("customer", "But what can you do about the tent?"),
    ("agent", "Nothing. I've told you already."),
)


def make_call(texts=TURNS, **fields) -> Call:
    turns = [
        {"role": role, "text": text, "name": "Dana", "position": "representative"}
        if role == "agent"
        else {"role": role, "text": text}
        for role, text in texts
    ]
    return Call.model_validate(
        {"call_id": "c-1", "company": "shop", "date": DAY, "turns": turns, **fields}
    )


def make_commitment(**fields) -> Commitment:
    return Commitment.model_validate(
        {
            "id": "c1",
            "turn": 2,
            "quote": "a pending order is enough",
            "kind": "assurance",
            "strength": "firm",
            "verdict": "contradicted",
            "clauses": ("SUM-2",),
            "clause_quote": "Only orders delivered count",
            "resolution": "honour_with_disclosure",
            "why": "SUM-2 counts delivered orders alone.",
            **fields,
        }
    )


WALL = Stonewall(
    start=6,
    end=6,
    tactics=("flat_refusal", "repeated_position"),
    severity=2,
    quote="Nothing.",
    why="A refusal with no way forward.",
)
OVER = make_commitment(
    id="c2",
    turn=4,
    quote="I'll put sixty pounds on your account",
    kind="promise",
    verdict="exceeds_authority",
    clauses=("AUTH-1",),
    resolution="escalate",
    needs_review=True,
    withdrawn_at=6,
)


def make_analysis(call: Call | None = None, **fields) -> Analysis:
    return Analysis(call=call or make_call(), score=55, policy_version="0123456789ab", **fields)


@pytest.fixture
def book() -> PolicyBook:
    clause = Clause(
        id="SUM-2",
        company="shop",
        document="Programme rules",
        title="Qualifying purchases",
        text="Only orders delivered count.",
    )
    return PolicyBook("test", (clause,), np.ones((1, 1), dtype=np.float32))


def shown(analysis: Analysis, book: PolicyBook | None = None, width: int = 200, **given) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, emoji=False, highlight=False)
    console.print(render_call(analysis, book, **given))
    return out.getvalue()


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_conflict_shows_promise_clause_reason_and_proposal(book):
    text = shown(make_analysis(commitments=(make_commitment(),)), book)
    assert "✕ contradicted  turn 2, Dana (representative), firm assurance" in text
    assert "“a pending order is enough”" in text
    assert "SUM-2 Qualifying purchases (Programme rules): “Only orders delivered count”" in text
    assert "SUM-2 counts delivered orders alone." in text
    assert "honour it this once, and tell the customer that it was a mistake" in text


def test_over_authority_has_its_own_sign_and_word():
    text = shown(make_analysis(commitments=(OVER,)))
    assert "▲ over authority  turn 4" in text
    assert "taken back in turn 6" in text
    assert "let somebody decide who has the authority" in text
    assert "a person should look" in text


def test_a_stonewall_shows_tactics_severity_and_quote():
    text = shown(make_analysis(stonewalls=(WALL,)))
    assert "▮ stonewalled  turn 6, Dana, severity 2 of 3" in text
    assert "flat refusal, repeated position" in text
    assert "“Nothing.”" in text
    assert "A refusal with no way forward." in text


def test_moments_stand_in_the_order_of_the_call_and_the_gravest_leads():
    analysis = make_analysis(commitments=(OVER, make_commitment()), stonewalls=(WALL,))
    assert [moment.turn for moment in find_moments(analysis)] == [2, 4, 6]
    first = shown(analysis).splitlines()[0]
    assert first.startswith("✕ shop/c-1  2026-03-04 · Dana · score 55 · 3 marks: 2 conflicts, ")
    assert "1 stonewall, 1 to review" in first
    assert count_to_review(analysis) == 1


def test_a_clean_call_is_one_line():
    fine = make_commitment(verdict="supported", resolution=None)
    lines = shown(make_analysis(commitments=(fine,))).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("✓ shop/c-1")
    assert lines[0].endswith("1 mark · nothing marked against policy")


def test_a_call_without_a_verdict_is_not_called_fine():
    unjudged = make_commitment(verdict=None, clauses=(), clause_quote=None, resolution=None)
    analysis = make_analysis(commitments=(unjudged,)).model_copy(update={"policy_version": None})
    text = shown(analysis)
    assert "✓" not in text
    assert text.startswith("? shop/c-1")
    assert "no verdict" in text


def test_what_is_not_known_is_not_made_up():
    call = make_call(company=None, date=None)
    call = call.model_copy(
        update={"turns": tuple(turn.model_copy(update={"name": None}) for turn in call.turns)}
    )
    text = shown(make_analysis(call))
    assert "no date" in text
    assert "agent not named" in text
    assert text.startswith("✓ c-1 ")


def test_roles_that_were_guessed_are_shown_with_how_sure_they_are():
    speakers = (
        Speaker("Speaker 1", "agent", 0.93, "offers help", 4),
        Speaker("Customer", "customer", 1.0, "the label says so", 3),
    )
    text = shown(make_analysis(), speakers=speakers)
    assert "Speaker 1 is taken for the agent (93% sure: offers help)" in text
    assert "--role" in text
    assert "Customer is taken" not in text


def test_markup_and_control_codes_of_a_call_are_neither_read_nor_obeyed():
    nasty = "I will [bold red]refund[/] :smile: [link=http://x]you[/link] \x1b[31mnow\x1b[0m \x9b2J"
    call = make_call((("agent", nasty), ("customer", "ok")), call_id="id\x1b]0;title\x07")
    mark = make_commitment(turn=0, quote=nasty, why=f"why {nasty}")
    text = shown(make_analysis(call, commitments=(mark,)), width=300)
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert "\x07" not in text
    assert "“I will [bold red]refund[/] :smile: [link=http://x]you[/link] [31mnow [0m 2J”" in text


@pytest.mark.parametrize("width", [12, 24, 40, 80, 200])
def test_every_width_shows_every_word(width, book):
    analysis = make_analysis(commitments=(make_commitment(), OVER), stonewalls=(WALL,))
    text = shown(analysis, book, width=width)
    assert max(len(line) for line in text.splitlines()) <= width
    letters = re.sub(r"\s", "", text)
    for part in ("apendingorder", "Onlyordersdelivered", "stonewalled", "overauthority"):
        assert part in letters or width < 40


@given(st.text(min_size=1, max_size=60).filter(str.strip))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_of_a_call_reaches_the_terminal_as_a_command(text):
    call = make_call((("agent", text), ("customer", "ok")), call_id=text)
    mark = make_commitment(turn=0, quote=text, why=text, clause_quote=text)
    out = shown(make_analysis(call, commitments=(mark,)), width=90)
    assert all(character.isprintable() or character == "\n" for character in out)


def test_names_and_counts():
    assert name_call(make_call()) == "shop/c-1"
    assert name_call(make_call(company=None)) == "c-1"
    assert number(1, "call") == "1 call"
    assert number(0, "call") == "0 calls"


def test_the_terminal_leaves_no_spaces_at_the_end_of_lines(capsys):
    terminal = Terminal()
    terminal.show(render_call(make_analysis(commitments=(OVER,)), None), "")
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line == line.rstrip() for line in lines)


def test_the_terminal_keeps_results_and_talk_apart(capsys):
    terminal = Terminal()
    terminal.show("a result")
    terminal.show_line("x " * 200)
    terminal.say("some talk\x1b[2J")
    out, err = capsys.readouterr()
    assert out == "a result\n" + ("x " * 200).strip() + "\n"
    assert err == "some talk [2J\n"


def test_with_results_for_programs_people_read_standard_error(capsys):
    terminal = Terminal(has_results_only=True)
    terminal.show("for people")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "for people\n"


def test_without_a_terminal_there_is_no_bar(capsys):
    terminal = Terminal()
    with terminal.progress("working", 2) as bar:
        bar.advance()
        bar.expect(3)
        terminal.say("talk")
        bar.reach(3)
    assert capsys.readouterr() == ("", "talk\n")


def test_a_bar_makes_room_for_what_is_printed(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    terminal = Terminal()
    with terminal.progress("working", 2) as bar:
        bar.advance()
        terminal.show("a result")
        bar.advance()
    out, err = capsys.readouterr()
    assert out == "a result\n"
    assert "working" in err
