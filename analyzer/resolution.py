"""What to do about a conflict: the annotation guide's section 6, as far as the marks alone tell."""

from __future__ import annotations

import re

from analyzer.domain import Call, Commitment, Resolution

#: A sum beyond the agent's authority up to which nobody else has to decide.
_SMALL_SUM = 100.0
#: Any sum above which somebody else has to.
_LARGE_SUM = 1000.0
_LAW_OR_SAFETY = re.compile(
    r"\b(?:law|legal\w*|liab\w+|injur\w+|safety|licen[cs]e\w*|regulat\w+|"
    r"credit (?:bureau|file|record)|data protection|hipaa|insur\w+ ombudsman|fault)\b",
    re.IGNORECASE,
)


def propose_resolution(mark: Commitment, call: Call, clause_text: str) -> Resolution | None:
    """Propose what to do about a conflict; None for a mark that is none.

    Taken back in the call: ``correct``. Beyond the agent's authority by more than a small sum, or a
    clause on law, safety or fault, or a large sum: ``escalate``. Said in the agents' last turn,
    before anything could rest on it: ``correct``. Else the customer relied on it:
    ``honour_with_disclosure``.

    Args:
        mark: The commitment with its verdict.
        call: Its call.
        clause_text: The decisive clause.
    """
    if not mark.is_conflict:
        return None
    if mark.withdrawn_at is not None:
        return "correct"
    amount = mark.amount.value if mark.amount is not None else None
    beyond = mark.verdict == "exceeds_authority" and (amount is None or amount > _SMALL_SUM)
    if beyond or (amount or 0.0) > _LARGE_SUM or _LAW_OR_SAFETY.search(clause_text):
        return "escalate"
    last_agent_turn = max(t.turn for t in call.turns if t.role == "agent")
    return "correct" if mark.turn == last_agent_turn else "honour_with_disclosure"
