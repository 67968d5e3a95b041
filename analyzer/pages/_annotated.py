"""A call with its marks laid over it: turns cut into slices, and the HTML that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from analyzer.domain import Call, Stonewall, Turn
from analyzer.pages._escaping import as_html
from analyzer.pages._findings import Finding
from analyzer.pages._wording import ROLE_WORDS, say_tactics


@dataclass(frozen=True)
class Slice:
    """A piece of a turn's text and the findings whose quote covers it, the gravest first."""

    text: str
    findings: tuple[Finding, ...] = ()
    is_end: bool = False


@dataclass(frozen=True)
class AnnotatedTurn:
    """One turn as it is shown.

    Attributes:
        turn: The turn.
        slices: Its text, cut where quotes begin and end; joined they are the text.
        walls: The stonewalls that this turn is inside of.
        opens: Those of them that begin here.
        is_selected: Whether the chosen finding is about this turn.
    """

    turn: Turn
    slices: tuple[Slice, ...]
    walls: tuple[Finding, ...]
    opens: tuple[Finding, ...]
    is_selected: bool


def annotate_turns(
    call: Call, findings: Sequence[Finding], *, selected: int = 0
) -> tuple[AnnotatedTurn, ...]:
    """Lay findings over the turns of their call.

    Args:
        call: The call.
        findings: Its findings; a quote that does not stand where its row says is left out.
        selected: Number of the chosen finding; 0 for none.

    Returns:
        Every turn, in the order spoken.
    """
    walls = [finding for finding in findings if isinstance(finding.mark, Stonewall)]
    out = []
    for turn in call.turns:
        around = tuple(w for w in walls if w.row.first_turn <= turn.turn <= w.row.last_turn)
        here = [f for f in findings if f.row.turn == turn.turn and f not in walls]
        out.append(
            AnnotatedTurn(
                turn=turn,
                slices=_cut(turn.text, here),
                walls=around,
                opens=tuple(wall for wall in around if wall.row.first_turn == turn.turn),
                is_selected=any(
                    finding.number == selected and finding.row.turn == turn.turn
                    for finding in findings
                ),
            )
        )
    return tuple(out)


def _cut(text: str, findings: Sequence[Finding]) -> tuple[Slice, ...]:
    spans = [
        (finding.row.quote_start, finding.row.quote_start + len(finding.words), finding)
        for finding in findings
        if finding.words and text.startswith(finding.words, max(finding.row.quote_start, 0))
    ]
    edges = sorted({0, len(text), *(edge for start, end, _ in spans for edge in (start, end))})
    slices = []
    for start, end in pairwise(edges):
        covering = [f for first, last, f in spans if first <= start and end <= last]
        covering.sort(key=lambda finding: (finding.label.rank, finding.number))
        ends = any(last == end for first, last, _ in spans if first <= start)
        slices.append(Slice(text[start:end], tuple(covering), ends and bool(covering)))
    return tuple(slices)


def render_turns(turns: Sequence[AnnotatedTurn], *, selected: int = 0) -> str:
    """The call as one block of HTML, every word of it escaped.

    Each turn has the id ``turn-N``, so that a link can lead to it.

    Args:
        turns: From :func:`annotate_turns`.
        selected: Number of the chosen finding; 0 for none.
    """
    rows = "".join(_row(annotated, selected) for annotated in turns)
    timed = " wb-timed" if any(a.turn.start is not None for a in turns) else ""
    return f'<div class="wb-call{timed}" role="list" aria-label="The call">{rows}</div>'


def _row(annotated: AnnotatedTurn, selected: int) -> str:
    turn = annotated.turn
    classes = ["wb-turn", f"wb-{turn.role}"]
    classes += ["wb-walled"] if annotated.walls else []
    classes += ["wb-chosen"] if annotated.is_selected else []
    captions = "".join(_caption(wall) for wall in annotated.opens)
    said = "".join(_slice(piece, selected) for piece in annotated.slices)
    sign = ""
    if annotated.walls and turn.role == "agent":
        tip = as_html(f"Stonewalling: {'; '.join(say_tactics_of(w) for w in annotated.walls)}")
        sign = f'<span class="wb-sign wb-tone-wall" title="{tip}">▮</span>'
    return (
        f"{captions}"
        f'<div class="{" ".join(classes)}" id="turn-{turn.turn}" role="listitem">'
        f'<span class="wb-number" title="turn {turn.turn}">{turn.turn}</span>'
        f"{_when(turn)}"
        f'<span class="wb-who" title="{as_html(turn.position or ROLE_WORDS[turn.role])}">'
        f"{as_html(turn.name or ROLE_WORDS[turn.role])}</span>"
        f'<span class="wb-said">{said}</span><span class="wb-margin">{sign}</span></div>'
    )


def say_tactics_of(finding: Finding) -> str:
    """The tactics of a stonewall finding, in words; empty for a commitment."""
    return say_tactics(finding.mark) if isinstance(finding.mark, Stonewall) else ""


def _caption(finding: Finding) -> str:
    severity = finding.row.severity
    words = f"Stonewalling · {say_tactics_of(finding)} · severity {severity} of 3"
    return f'<div class="wb-caption wb-tone-wall">{as_html(words)}</div>'


def _slice(piece: Slice, selected: int) -> str:
    text = as_html(piece.text)
    if not piece.findings:
        return text
    gravest = piece.findings[0]
    tip = "; ".join(f"{f.label.word}: finding {f.number}" for f in piece.findings)
    chosen = " wb-chosen" if any(f.number == selected for f in piece.findings) else ""
    sign = ""
    if piece.is_end and gravest.label.sign:
        sign = f' data-sign="{gravest.label.sign}"'
    return (
        f'<mark class="wb-tone-{gravest.label.tone}{chosen}" title="{as_html(tip)}"{sign}>'
        f"{text}</mark>"
    )


def _when(turn: Turn) -> str:
    """The clock of a turn; empty where the call carries no times."""
    if turn.start is None:
        return '<span class="wb-when"></span>'
    minutes, seconds = divmod(int(turn.start), 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f'<span class="wb-when">{clock}</span>'


def render_legend(findings: Sequence[Finding]) -> str:
    """The signs that stand in this call, each with its word; empty if there are none."""
    labels = {finding.label.word: finding.label for finding in findings}
    items = "".join(
        f'<span><i class="wb-sign wb-tone-{label.tone}">{label.sign or "┄"}</i>'
        f"{as_html(label.word.lower())}</span>"
        for label in sorted(labels.values(), key=lambda label: label.rank)
    )
    return f'<div class="wb-legend">{items}</div>' if items else ""
