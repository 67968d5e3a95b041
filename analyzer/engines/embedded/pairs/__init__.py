"""A promise beside each clause: what can be compared, as numbers.

The ranker chooses the decisive clause from :data:`RANK_FEATURES`, the judge the verdict from
:data:`JUDGE_FEATURES`. The trained heads hold one weight for each name, in this order.
"""

from __future__ import annotations

from analyzer.engines.embedded.pairs.comparisons import (
    Comparison,
    Judged,
    agrees,
    caps_that_bear,
    find_authority,
    judge_pair,
    names_own_role,
)
from analyzer.engines.embedded.pairs.judging import JUDGE_FEATURES, judge_features
from analyzer.engines.embedded.pairs.promises import QUERY_NAMES, Promise, describe_promise
from analyzer.engines.embedded.pairs.ranking import RANK_FEATURES, rank_features

__all__ = [
    "JUDGE_FEATURES",
    "QUERY_NAMES",
    "RANK_FEATURES",
    "Comparison",
    "Judged",
    "Promise",
    "agrees",
    "caps_that_bear",
    "describe_promise",
    "find_authority",
    "judge_features",
    "judge_pair",
    "names_own_role",
    "rank_features",
]
