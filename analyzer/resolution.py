"""What to do about a conflict: the annotation guide's section 6, as far as the marks alone tell."""

from __future__ import annotations

import re

from analyzer.domain import Call, Commitment, Resolution

_SMALL_SUM = 100.0
_LAW_OR_SAFETY = re.compile(
    r"\b(?:law|legal\w*|liab\w+|injur\w+|safety|licen[cs]e\w*|regulat\w+|credit (?:bureau|file|record)|"
    r"data protection|hipaa|insur\w+ ombudsman|fault)\b",
    re.IGNORECASE,
)


def propose_resolution(mark: Commitment, call: Call, clause_text: str) -> Resolution | None:
    """Propose what to do about a conflict; None for a mark that is none.

    Taken back in the call: ``correct``. Beyond the agent's authority, or a clause on law, safety or
    fault, or a large sum: ``escalate``. Else the customer relied on it: ``honour_with_disclosure``.

    Args:
        mark: The commitment with its verdict.
        call: Its call.
        clause_text: The decisive clause.
    """
    if not mark.is_conflict:
        return None
    if mark.withdrawn_at is not None:
        return "correct"
    large = mark.amount is not None and mark.amount.value > _SMALL_SUM
    if _LAW_OR_SAFETY.search(clause_text) or (
        mark.verdict == "exceeds_authority" and (large or mark.amount is None)
    ):
        return "escalate"
    if large and mark.amount is not None and mark.amount.value > 10 * _SMALL_SUM:
        return "escalate"
    last_agent_turn = max(t.turn for t in call.turns if t.role == "agent")
    return "correct" if mark.turn == last_agent_turn else "honour_with_disclosure"
