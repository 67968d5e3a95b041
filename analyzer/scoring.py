"""One number for a call: 100 is a clean one."""

from __future__ import annotations

from analyzer.domain import Analysis

_VERDICT_COST = {"contradicted": 25, "exceeds_authority": 20, "conditions_unverified": 5}
_SEVERITY_COST = {1: 10, 2: 20, 3: 35}
_WITHDRAWN_SHARE = 0.4


def score_call(analysis: Analysis) -> int:
    """Score a call from its marks.

    A contradicted commitment costs 25 points, one beyond the agent's authority 20, one whose
    conditions were not seen to be met 5; put right in the same call it costs two fifths of that. A
    stonewall costs 10, 20 or 35 by severity.

    Returns:
        0 to 100.
    """
    cost = 0.0
    for mark in analysis.commitments:
        share = 1.0 if mark.withdrawn_at is None else _WITHDRAWN_SHARE
        cost += share * _VERDICT_COST.get(mark.verdict or "", 0)
    cost += sum(_SEVERITY_COST[wall.severity] for wall in analysis.stonewalls)
    return max(0, round(100 - cost))
