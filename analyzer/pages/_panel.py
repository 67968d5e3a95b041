"""The chosen finding in words: what was promised, what the clause says, what is proposed."""

from __future__ import annotations

from analyzer.domain import Analysis, Call, Commitment, Condition, Stonewall
from analyzer.explanation import explain_commitment, list_steps
from analyzer.pages._clauses import ClauseFound, render_clause, say_force
from analyzer.pages._escaping import as_html
from analyzer.pages._findings import Finding, name_speaker
from analyzer.pages._wording import (
    DECISION_WORDS,
    RESOLUTION_WORDS,
    SEVERITY_WORDS,
    STATUS_WORDS,
    say_day,
    say_list,
    say_moment,
    say_sureness,
    say_tactics,
)
from analyzer.results import Decision

#: What the rows of an explanation are headed by here; conditions and guidance stand by themselves.
_EXPLAINED = {
    "found": "Clauses found", "model": "The model says", "code": "The code says",
    "doubt": "Doubt",
}  # fmt: skip


def render_finding(
    finding: Finding, analysis: Analysis, clause: ClauseFound | None, *, n_findings: int
) -> str:
    """The chosen finding as one block of HTML, every word of it escaped.

    Args:
        finding: The finding.
        analysis: The result that it belongs to.
        clause: What the library has of its decisive clause; None if it names none.
        n_findings: How many findings the call has.
    """
    mark = finding.mark
    parts = [_head(finding, n_findings)]
    if isinstance(mark, Stonewall):
        parts.append(_stonewall(mark, finding, analysis.call))
    else:
        parts.append(_pair(mark, finding, analysis.call, clause))
        parts += [_proposal(mark), _guidance(mark), _conditions(mark), *_beside(mark)]
    parts.append(_review(finding))
    if isinstance(mark, Commitment):
        parts.append(_explanation(mark))
    return f'<div class="wb-finding">{"".join(parts)}</div>'


def _head(finding: Finding, n_findings: int) -> str:
    label = finding.label
    sign = f'<i class="wb-sign">{label.sign}</i> ' if label.sign else ""
    status = STATUS_WORDS[finding.row.status] or ("to review" if finding.is_waiting else "")
    tag = f'<span class="wb-status wb-{finding.row.status}">{as_html(status)}</span>'
    return (
        f'<div class="wb-eyebrow">Finding {finding.number} of {n_findings}{tag if status else ""}'
        f'</div><h3 class="wb-tone-{label.tone}">{sign}{as_html(label.word)}</h3>'
        f'<p class="wb-lead">{as_html(finding.mark.why or label.sentence)}</p>'
        f"{render_decisions(finding.row.decisions)}"
    )


def _pair(mark: Commitment, finding: Finding, call: Call, clause: ClauseFound | None) -> str:
    taken_back = ""
    if mark.withdrawn_at is not None:
        taken_back = f" · taken back in {_turn_link(mark.withdrawn_at)}"
    promised = (
        f"<div><small>{as_html(mark.kind.capitalize())} · {_turn_link(mark.turn)} · "
        f"{as_html(name_speaker(call, mark.turn))}{taken_back}</small>"
        f'<q class="wb-tone-{finding.label.tone}">{as_html(mark.quote)}</q></div>'
    )
    return f'<div class="wb-pair">{promised}{_clause(mark, finding, call, clause)}</div>'


def _clause(mark: Commitment, finding: Finding, call: Call, found: ClauseFound | None) -> str:
    if not mark.clauses or found is None:
        return ""
    quote = mark.clause_quote or ""
    note = f'<p class="wb-note">{as_html(found.note)}</p>' if found.note else ""
    clause = found.clause
    if clause is None or found.found == "changed":
        title = f"{mark.clauses[0]} {clause.title if clause else ''}".strip()
        return f"<div><small>{as_html(title)}</small>{note}<q>{as_html(quote)}</q></div>"
    force = say_force(clause, on=call.date)
    head = (
        f"<small><b>{as_html(f'{clause.id} {clause.title}'.strip())}</b><br>"
        f"{as_html(clause.document)} · {as_html(force)}</small>"
    )
    body = render_clause(clause.text, quote=quote, tone=finding.label.tone)
    return f'<div>{head}{note}<div class="wb-clause">{body}</div></div>'


def _conditions(mark: Commitment) -> str:
    if not mark.conditions:
        return ""
    rows = "".join(_condition(condition) for condition in mark.conditions)
    return f'<div class="wb-eyebrow">Conditions</div><ul class="wb-conditions">{rows}</ul>'


def _condition(condition: Condition) -> str:
    sign, tone, word = {
        True: ("✓", "fine", "met"),
        False: ("✕", "conflict", "not met"),
        None: ("?", "quiet", "not seen in the call"),
    }[condition.met]
    turn = _turn_link(condition.turn) if condition.turn is not None else ""
    return (
        f'<li><i class="wb-sign wb-tone-{tone}" title="{word}" aria-label="{word}">{sign}</i>'
        f"<span>{as_html(condition.text)}</span><span>{turn}</span></li>"
    )


def _stonewall(wall: Stonewall, finding: Finding, call: Call) -> str:
    turns = f"{_turn_link(wall.start)} to {_turn_link(wall.end)}"
    turn = finding.row.turn
    said = ""
    if wall.quote:
        who = f"{_turn_link(turn)} · {as_html(name_speaker(call, turn))}"
        said = f'<div><small>{who}</small><q class="wb-tone-wall">{as_html(wall.quote)}</q></div>'
    what = (
        f"<div><small>From {turns}</small>{as_html(say_tactics(wall).capitalize())}<br>"
        f"Severity {wall.severity} of 3: {as_html(SEVERITY_WORDS[wall.severity])}.</div>"
    )
    return f'<div class="wb-pair">{said}{what}</div>'


def _proposal(mark: Commitment) -> str:
    if mark.resolution is None:
        return ""
    what, how = RESOLUTION_WORDS[mark.resolution]
    return f'<p class="wb-proposal"><b>Proposed: {as_html(what)}</b> {as_html(how)}</p>'


def _guidance(mark: Commitment) -> str:
    """The model's words for the customer and for the coach."""
    said = dict(explain_commitment(mark))
    told = [("To the customer", said.get("customer")), ("For the coach", said.get("coach"))]
    return "".join(
        f'<p class="wb-aside"><b>{label}:</b> {as_html(words)}</p>'
        for label, words in told
        if words
    )


def _explanation(mark: Commitment) -> str:
    rows = [
        f"<dt>{_EXPLAINED[label]}</dt><dd>{as_html(words)}</dd>"
        for label, words in explain_commitment(mark)
        if label in _EXPLAINED
    ]
    if not rows:
        return ""
    return (
        "<details><summary>Why was this marked?</summary>"
        f'<dl class="wb-origin">{"".join(rows)}</dl></details>'
    )


def _beside(mark: Commitment) -> list[str]:
    """What else the verdict rests on: further clauses, clauses at odds, the nearest ones."""
    lines = []
    if len(mark.clauses) > 1:
        lines.append(f"Also governed by {say_list(mark.clauses[1:])}.")
    if mark.policy_conflict:
        lines.append(f"Policy disagrees with itself here: {say_list(mark.policy_conflict)}.")
    if mark.verdict == "not_addressed" and mark.retrieved:
        lines.append(f"The nearest clauses are {say_list(mark.retrieved[:3])}.")
    if mark.due:
        when = f", which is {say_day(mark.due.date)}" if mark.due.date else ""
        lines.append(f"Due “{mark.due.said}”{when}.")
    return [f'<p class="wb-aside">{as_html(line)}</p>' for line in lines]


def _review(finding: Finding) -> str:
    sure = say_sureness(finding.mark.confidence)
    lines = [f"Confidence: {sure}."] if sure else []
    if finding.row.needs_review:
        lines.append("It asks for a person to look before anyone relies on this.")
    return f'<p class="wb-aside">{as_html(" ".join(lines))}</p>' if lines else ""


def _turn_link(turn: int) -> str:
    return f'<a href="#turn-{turn}">turn {turn}</a>'


def render_decisions(decisions: tuple[Decision, ...]) -> str:
    """What reviewers said of a mark, the latest first, as HTML; empty if nobody has."""
    items = "".join(
        f"<li><b>{DECISION_WORDS[d.decision]}</b> by {as_html(d.reviewer)}, "
        f"{say_moment(d.decided_at)}{f'<br>{as_html(d.reason)}' if d.reason else ''}</li>"
        for d in reversed(decisions)
    )
    return f'<ul class="wb-decisions">{items}</ul>' if items else ""


def render_origin(analysis: Analysis) -> str:
    """Where a result comes from, as HTML: engine, model, policies, notes, what was set aside."""
    rows = [
        ("Engine", analysis.engine or "not said"),
        ("Model", analysis.model or "not said"),
        ("Prompts", analysis.prompt_version or "none"),
        ("Policies", analysis.policy_version or "none in force"),
    ]
    if analysis.usage.requests:
        used = analysis.usage
        cost = f", {used.cost_usd:.4f} USD" if used.cost_usd is not None else ""
        tokens = f"{used.tokens_in} tokens in ({used.tokens_cached} cached), {used.tokens_out} out"
        rows.append(("Model asked", f"{used.requests} times, {tokens}{cost}"))
    if analysis.redacted:
        masked = [f"{n} {kind.replace('_', ' ')}" for kind, n in analysis.redacted.items() if n]
        rows.append(("Masked in what was sent", ", ".join(masked) or "nothing"))
    n_aside = len(analysis.set_aside)
    what = "nothing" if not n_aside else f"{n_aside}: could not be tied to words that were said"
    rows.append(("Set aside", what))
    told = "".join(f"<dt>{name}</dt><dd>{as_html(value)}</dd>" for name, value in rows)
    aside = "".join(f"<li>{as_html(item.reason)}</li>" for item in analysis.set_aside)
    listed = f"<ul>{aside}</ul>" if aside else ""
    return f'<dl class="wb-origin">{told}</dl>{listed}{_steps(analysis)}'


def _steps(analysis: Analysis) -> str:
    """Every request to the model with its raw answer, folded away."""
    return "".join(
        f"<details><summary>{as_html(step.head)}</summary>"
        f'<pre class="wb-raw">{as_html(step.answer)}</pre></details>'
        for step in list_steps(analysis)
    )


def render_call_head(analysis: Analysis, *, company: str, summary: str, current: bool) -> str:
    """The heading of a call, as HTML: what is known of it, what was found, what to know of that.

    Args:
        analysis: The result that is shown.
        company: Name that the company is shown by; empty if the call names none.
        summary: What was found, in one sentence.
        current: Whether this is the call's current result.
    """
    call = analysis.call
    agents = dict.fromkeys(
        name_speaker(call, turn.turn) for turn in call.turns if turn.role == "agent"
    )
    facts = [say_day(call.date), company or "no company", *agents]
    facts += [f"customer {call.customer_id}"] if call.customer_id else []
    facts += [f"score {analysis.score} of 100"] if analysis.score is not None else []
    told = " · ".join(as_html(fact) for fact in facts)
    notes = [*analysis.notes, *([] if current else ["This is an earlier result of this call."])]
    return (
        f'<div class="wb-head"><h2>{as_html(call.call_id)}</h2><span>{told}</span>'
        f"<p>{as_html(summary)}</p></div>"
        + "".join(f'<p class="wb-note">{as_html(note)}</p>' for note in notes)
    )


def render_scroll(turn: int) -> str:
    """A script that brings a turn into view in its pane, and nothing else; no words in it."""
    # It is run while the page is still being laid out, so it looks twice. There is no "<" in it:
    # the sanitiser would take it for markup and drop the script.
    return (
        "<script>(()=>{const go=()=>{"
        f"const row=document.getElementById('turn-{int(turn)}');"
        "let pane=row&&row.parentElement;"
        "while(pane&&pane.clientHeight+4>=pane.scrollHeight)pane=pane.parentElement;"
        "if(!pane||pane===document.documentElement)return;"
        "const top=row.getBoundingClientRect().top-pane.getBoundingClientRect().top;"
        "if(40>top||top>pane.clientHeight-120)pane.scrollTop+=top-pane.clientHeight/3;"
        "};setTimeout(go,60);setTimeout(go,500);})()</script>"
    )
