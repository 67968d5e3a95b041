"""A call with its marks: findings in order, turns cut at quotes, and everything escaped."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.domain import Analysis, Clause
from analyzer.errors import StoreError
from analyzer.pages._annotated import annotate_turns, render_legend, render_turns
from analyzer.pages._clauses import ClauseFound
from analyzer.pages._findings import first_to_open, name_speaker, open_call, pair_findings
from analyzer.pages._panel import (
    render_call_head,
    render_finding,
    render_origin,
    render_scroll,
)
from analyzer.results import FindingRow, ResultStore

HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(2)> **b** $x$ :material/home: \"'"

RECORD: dict[str, Any] = {
    "call_id": "h-1",
    "company": "harbour",
    "date": "2026-03-04",
    "turns": [
        {"role": "agent", "text": "Harbour Books, Dana.", "name": "Dana", "position": "supervisor"},
        {"role": "customer", "text": "Can I return it?"},
        {"role": "agent", "text": "You have sixty days, and I credit 40 dollars.", "name": "Dana"},
        {"role": "customer", "text": "Could somebody senior confirm that?"},
        {"role": "agent", "text": "No. It should arrive on Friday, I think.", "start": 75.4},
        {"role": "system", "text": "(hold music)"},
    ],
    "commitments": [
        {
            "id": "c1", "turn": 2, "quote": "You have sixty days", "kind": "assurance",
            "strength": "firm", "verdict": "contradicted", "clauses": ["RET-1", "RET-2"],
            "clause_versions": ["0", "0"], "clause_quote": "within 30 days",
            "conditions": [
                {"text": "30 days", "met": False, "turn": 2},
                {"text": "receipt", "met": None},
                {"text": "a book", "met": True},
            ],
            "why": "RET-1 gives 30 days.", "confidence": 0.9,
            "resolution": "honour_with_disclosure", "needs_review": True,
        },
        {
            "id": "c2", "turn": 2, "quote": "I credit 40 dollars", "kind": "promise",
            "strength": "firm", "verdict": "not_addressed", "retrieved": ["A-1", "A-2"],
            "withdrawn_at": 4, "policy_conflict": ["A-1", "A-2"],
            "due": {"said": "today", "date": "2026-03-04"},
        },
        {
            "id": "c3", "turn": 4, "quote": "It should arrive on Friday", "kind": "promise",
            "strength": "hedged",
        },
    ],
    "stonewalls": [
        {"start": 3, "end": 4, "tactics": ["denied_escalation"], "severity": 2, "quote": "No."}
    ],
    "score": 62,
    "engine": "embedded",
    "model": "m1",
    "policy_version": "p1",
    "set_aside": [{"what": "commitment", "reason": "the quote <b>is not</b> in turn 4"}],
    "notes": ["A note <i>on</i> it."],
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path):
    with ResultStore.open(f"sqlite:///{tmp_path / 'w.db'}") as opened:
        yield opened


def save(store: ResultStore, record=RECORD) -> Analysis:
    analysis = Analysis.from_record(record)
    store.save_analysis(analysis)
    return analysis


def found(store: ResultStore):
    return open_call(store, "harbour", "h-1", result_id=None)


TAGS = {"div", "span", "mark", "small", "q", "p", "b", "i", "h2", "h3", "ul", "li", "a", "br"}
TAGS |= {"dl", "dt", "dd", "details", "summary", "pre"}
ARIA = {"aria-label"}


class _Parts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def _parts(rendered: str) -> _Parts:
    parser = _Parts()
    parser.feed(rendered)
    return parser


def tags_of(rendered: str) -> set[str]:
    return _parts(rendered).tags


def attributes_of(rendered: str) -> set[str]:
    return _parts(rendered).attributes


def plain(rendered: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", rendered))


def test_findings_come_in_the_order_of_the_call(store):
    save(store)
    opened = found(store)
    assert [(f.number, f.row.mark_id) for f in opened.findings] == [
        (1, "c1"), (2, "c2"), (3, "s1"), (4, "c3"),
    ]  # fmt: skip
    assert opened.is_current
    assert opened.summary == (
        "1 commitment is marked as against policy and 1 stretch is marked as stonewalling; "
        "1 to review."
    )


def test_the_gravest_that_nobody_ruled_on_is_opened_first(store):
    save(store)
    findings = found(store).findings
    assert first_to_open(findings) == 1
    store.save_decision(findings[0].row.finding_id, decision="confirm", reviewer="anna")
    assert first_to_open(found(store).findings) == 3
    assert first_to_open(()) == 0


def test_an_earlier_result_opens_by_its_number_and_says_that_it_is_one(store):
    first = save(store)
    second = first.model_copy(update={"model": "m2", "commitments": first.commitments[:1]})
    store.save_analysis(second)
    earlier = store.list_results("harbour", "h-1")[-1]
    opened = open_call(store, "harbour", "h-1", result_id=earlier.result_id)
    assert (len(opened.findings), opened.is_current) == (4, False)
    assert len(found(store).findings) == 2
    head = render_call_head(opened.analysis, company="Harbour", summary="S.", current=False)
    assert "earlier result" in head


def test_a_call_that_is_not_stored_says_so(store):
    with pytest.raises(StoreError, match="not stored"):
        open_call(store, "harbour", "nothing", result_id=None)


def test_turns_are_cut_where_quotes_begin_and_end(store):
    analysis = save(store)
    turns = annotate_turns(analysis.call, found(store).findings, selected=2)
    assert [(s.text, [f.number for f in s.findings]) for s in turns[2].slices] == [
        ("You have sixty days", [1]), (", and ", []), ("I credit 40 dollars", [2]), (".", []),
    ]  # fmt: skip
    assert [turn.is_selected for turn in turns] == [False, False, True, False, False, False]
    assert [len(turn.walls) for turn in turns] == [0, 0, 0, 1, 1, 0]
    assert [len(turn.opens) for turn in turns] == [0, 0, 0, 1, 0, 0]
    for turn in turns:
        assert "".join(piece.text for piece in turn.slices) == turn.turn.text


def test_the_call_shows_signs_words_and_captions(store):
    analysis = save(store)
    findings = found(store).findings
    out = render_turns(annotate_turns(analysis.call, findings, selected=1), selected=1)
    assert 'data-sign="✕"' in out
    assert 'title="Contradicted: finding 1"' in out
    assert "wb-tone-hedged" in out
    assert "Stonewalling · escalation denied · severity 2 of 3" in out
    assert 'id="turn-5"' in out
    assert "1:15" in out
    for turn in analysis.call.turns:
        assert turn.text in plain(out)
    legend = plain(render_legend(findings))
    assert legend == "✕contradicted▮stonewalling○no clause┄hedged"
    assert render_legend(()) == ""


def test_hostile_words_appear_as_text_everywhere(store):
    record = RECORD | {
        "call_id": "h-1",
        "turns": [
            {"role": "agent", "text": f"You have {HOSTILE} days", "name": HOSTILE},
            {"role": "customer", "text": HOSTILE, "position": HOSTILE},
        ],
        "commitments": [
            RECORD["commitments"][0]
            | {
                "turn": 0,
                "quote": HOSTILE,
                "why": HOSTILE,
                "clause_quote": HOSTILE,
                "conditions": [{"text": HOSTILE}],
            }
        ],
        "stonewalls": [],
        "engine": HOSTILE,
        "notes": [HOSTILE],
        "customer_id": HOSTILE,
    }
    analysis = save(store, record)
    (finding,) = found(store).findings
    store.save_decision(finding.row.finding_id, decision="note", reviewer=HOSTILE, reason=HOSTILE)
    (finding,) = found(store).findings
    clause = Clause(
        id="RET-1", company="harbour", document=HOSTILE, title=HOSTILE, text=f"See {HOSTILE}."
    )
    outputs = [
        render_turns(annotate_turns(analysis.call, (finding,), selected=1), selected=1),
        render_finding(finding, analysis, ClauseFound(clause, "same"), n_findings=1),
        render_finding(finding, analysis, ClauseFound(None, "gone"), n_findings=1),
        render_origin(analysis),
        render_call_head(analysis, company=HOSTILE, summary=HOSTILE, current=True),
    ]
    for out in outputs:
        assert HOSTILE in plain(out)
        assert tags_of(out) <= TAGS
        assert attributes_of(out) <= {"class", "id", "title", "role", "href", "data-sign"} | ARIA


@given(
    st.text(alphabet="ab <&\"'", min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 29), st.integers(1, 30)), max_size=4),
)
def test_any_overlap_of_quotes_keeps_the_words(text, spans):
    spans = [
        (start, min(start + length, len(text))) for start, length in spans if start < len(text)
    ]
    record = RECORD | {
        "turns": [{"role": "agent", "text": text}, {"role": "customer", "text": "Yes."}],
        "commitments": [
            {
                "id": f"c{n}", "turn": 0, "quote": text[start:end], "kind": "promise",
                "strength": "firm", "verdict": "supported",
            }
            for n, (start, end) in enumerate(spans)
        ],
        "stonewalls": [],
    }  # fmt: skip
    analysis = Analysis.from_record(record)
    rows = [row_of(n, start, text[start:end]) for n, (start, end) in enumerate(spans)]
    turns = annotate_turns(analysis.call, pair_findings(analysis, rows))
    assert "".join(piece.text for piece in turns[0].slices) == text
    covered = {i for start, end in spans for i in range(start, end)}
    at = 0
    for piece in turns[0].slices:
        for index in range(at, at + len(piece.text)):
            assert (index in covered) == bool(piece.findings)
        at += len(piece.text)


def row_of(n: int, start: int, quote: str) -> FindingRow:
    return FindingRow(
        finding_id=n, result_id=1, company="harbour", call_id="h-1", date=None, agents=(),
        finding="commitment", mark_id=f"c{n}", turn=0, quote_start=start, first_turn=0,
        last_turn=0, mark_kind="promise", quote=quote, strength="firm", verdict="supported",
        verdict_class="supported", clause=None, resolution=None, severity=None, tactics=(),
        confidence=None, needs_review=False, status="open", decisions=(),
    )  # fmt: skip


def test_a_row_that_points_elsewhere_marks_nothing_wrong():
    analysis = Analysis.from_record(
        RECORD | {"commitments": RECORD["commitments"][:1], "stonewalls": []}
    )
    rows = [row_of(1, 9, "You have sixty days")]
    turns = annotate_turns(analysis.call, pair_findings(analysis, rows))
    assert all(not piece.findings for turn in turns for piece in turn.slices)


def test_the_panel_says_promise_clause_conditions_and_proposal(store):
    analysis = save(store)
    clause = Clause(
        id="RET-1", company="harbour", document="Returns", title="Returns",
        text="Books come back within 30 days.",
    )  # fmt: skip
    finding = found(store).findings[0]
    out = render_finding(finding, analysis, ClauseFound(clause, "same"), n_findings=4)
    for part in (
        "Finding 1 of 4", "to review", "RET-1 gives 30 days.", "You have sixty days",
        "Dana", "RET-1 Returns", "in force that day", "Proposed: honour it this once",
        "Also governed by RET-2.", "quite sure (0.90)", "asks for a person to look",
    ):  # fmt: skip
        assert part in plain(out), part
    assert '<mark class="wb-tone-conflict">within 30 days</mark>' in out
    assert 'href="#turn-2"' in out
    assert [word in out for word in ('title="met"', 'title="not met"', "not seen")] == [True] * 3


def test_the_panel_of_a_gap_and_of_a_stonewall(store):
    analysis = save(store)
    findings = found(store).findings
    gap = plain(render_finding(findings[1], analysis, None, n_findings=4))
    assert "The nearest clauses are A-1 and A-2." in gap
    assert "Policy disagrees with itself here: A-1 and A-2." in gap
    assert "taken back in turn 4" in gap
    assert "Due “today”, which is 4 March 2026." in gap
    wall = plain(render_finding(findings[2], analysis, None, n_findings=4))
    assert "From turn 3 to turn 4" in wall
    assert "Escalation denied" in wall
    assert "Severity 2 of 3: not put right in the call." in wall


@pytest.mark.parametrize("state", ["changed", "gone"])
def test_a_clause_that_is_not_there_as_judged_shows_the_stored_quote(store, state):
    analysis = save(store)
    clause = Clause(id="RET-1", company="harbour", document="R", text="Other words.")
    lookup = ClauseFound(clause if state == "changed" else None, state)
    out = plain(render_finding(found(store).findings[0], analysis, lookup, n_findings=4))
    assert lookup.note in out
    assert "within 30 days" in out
    assert "Other words." not in out


def test_decisions_show_who_what_and_why(store):
    analysis = save(store)
    row = found(store).findings[0].row
    store.save_decision(row.finding_id, decision="note", reviewer="ben", reason="Look at turn 3.")
    store.save_decision(row.finding_id, decision="dismiss", reviewer="anna", reason="It was 2025.")
    finding = found(store).findings[0]
    out = plain(render_finding(finding, analysis, None, n_findings=4))
    assert out.index("Dismissed by anna") < out.index("Note by ben")
    assert "It was 2025." in out
    assert not finding.is_waiting


def test_the_origin_of_a_result_counts_what_was_set_aside(store):
    out = render_origin(save(store))
    assert "embedded" in out
    assert "1: could not be tied to words that were said" in out
    assert "the quote &lt;b&gt;is not&lt;/b&gt; in turn 4" in out


def test_speakers_are_named_by_name_and_position(store):
    call = save(store).call
    assert name_speaker(call, 0) == "Dana, supervisor"
    assert name_speaker(call, 1) == "Customer"


def test_the_scroll_script_holds_a_number_and_no_words():
    script = render_scroll(7)
    assert "turn-7'" in script
    assert "<" not in script.removeprefix("<script>").removesuffix("</script>")


def explained(**more):
    record = dict(RECORD, commitments=[dict(RECORD["commitments"][0], **more)], stonewalls=[])
    return Analysis.from_record(record)


def test_a_finding_says_why_it_was_marked_and_what_to_say(store):
    analysis = explained(
        explanation={
            "retrieved": [{"clause": "RET-1", "score": 0.71}],
            "model": {"verdict": "supported", "why": HOSTILE},
            "derived": "contradicted",
            "doubts": ["the model and the code disagree"],
        },
        guidance={"customer": f"We are sorry. {HOSTILE}", "coach": "What made you sure?"},
    )
    store.save_analysis(analysis)
    shown = render_finding(found(store).findings[0], found(store).analysis, None, n_findings=1)
    for told in (
        "Why was this marked?", "RET-1 0.71", "contradicted, from the conditions",
        "the model and the code disagree", "To the customer", "What made you sure?",
        html.escape("<script>"),
    ):  # fmt: skip
        assert told in shown
    assert "<script" not in shown


def test_the_origin_holds_each_request_with_the_raw_answer():
    analysis = explained().model_copy(
        update={
            "trace": (
                {"prompt": "mark.v2", "tokens_in": 900, "tokens_cached": 512, "tokens_out": 40,
                 "seconds": 1.2, "from_response_cache": False, "answer": HOSTILE,
                 "refusal": None, "finish_reason": "stop"},
            ),
            "redacted": {"card": 1, "email": 0},
        }
    )  # fmt: skip
    shown = render_origin(analysis)
    assert "mark.v2: 900 tokens in (512 cached), 40 out, 1.2 s" in shown
    assert "1 card" in shown
    assert "<script" not in shown
    assert "<details" not in render_origin(explained())
