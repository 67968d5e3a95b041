"""Which of the waiting calls are analysed, and in what order."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from analyzer.errors import ConfigError
from analyzer.results.batch_queue import Task

ORDERS = ("oldest", "newest", "open-cases", "below-sample")
_PER_AGENT = re.compile(r"^(\d+)(?: per |/)agent(?:(?: and | per |/)week)?$")
_SHARE = re.compile(r"^(\d+(?:\.\d+)?)\s*%$")
_WHOLE = 100.0
_WEEK = 7


@dataclass(frozen=True)
class SamplingPlan:
    """How many of the calls are analysed.

    Every call of a group has the same chance, whatever it may hold: the draw is by a hash of the
    seed and the call's key, so that it is the same again and calls that nobody would flag are in
    it. Misses can be measured in no other way.

    Attributes:
        text: As it was asked for: ``all``, ``10%``, or ``5/agent/week``.
        share: Of each group, where a share was asked for.
        per_agent: Of each agent and week, where a number was asked for.
        strata: By what calls are grouped for a share: ``team``, ``agent``, ``company``.
        seed: Of the draw.
    """

    text: str = "all"
    share: float | None = None
    per_agent: int | None = None
    strata: tuple[str, ...] = ()
    seed: int = 0

    @classmethod
    def parse(cls, text: str, *, strata: Sequence[str] = (), seed: int = 0) -> SamplingPlan:
        """Read a plan as it is written on the command line.

        Raises:
            ConfigError: If it cannot be read.
        """
        plain = text.strip().lower()
        unknown = set(strata) - {"team", "agent", "company"}
        if unknown:
            raise ConfigError(f"There is no stratum {min(unknown)!r}; use team, agent or company.")
        if plain == "all":
            return cls(seed=seed)
        if found := _SHARE.match(plain):
            share = float(found.group(1)) / _WHOLE
            if 0 < share <= 1:
                return cls(plain, share=share, strata=tuple(strata), seed=seed)
        if (found := _PER_AGENT.match(plain)) and int(found.group(1)) > 0:
            return cls(plain, per_agent=int(found.group(1)), seed=seed)
        raise ConfigError(
            f"The sample {text!r} cannot be read; write all, a share such as 10%, or a number for "
            "each agent and week such as 5/agent/week."
        )


@dataclass(frozen=True)
class Drawn:
    """What a plan chose.

    Attributes:
        chosen: Tasks to be analysed, in the order in which they came.
        left_out: Tasks that were not chosen.
        strata: For each group its size and how many were chosen; recorded with the run.
    """

    chosen: tuple[Task, ...]
    left_out: tuple[Task, ...]
    strata: dict[str, tuple[int, int]]


def draw(
    tasks: Sequence[Task],
    plan: SamplingPlan,
    *,
    today: dt.date,
    done_this_week: Mapping[str, int] | None = None,
) -> Drawn:
    """Choose the calls to analyse.

    Args:
        tasks: What waits.
        plan: How many.
        today: For ``per_agent``: the week's share that is due by this day is drawn, so that the
            sample is spread over the week.
        done_this_week: How many calls of each agent were chosen in this week already.
    """
    if plan.share is None and plan.per_agent is None:
        return Drawn(tuple(tasks), (), {})
    groups: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        groups[_group(task, plan)].append(task)
    chosen: set[int] = set()
    strata: dict[str, tuple[int, int]] = {}
    for name, members in sorted(groups.items()):
        if plan.share is not None:
            # By a threshold on the hash, not by a count: a call's chance does not depend on which
            # others came in the same night. Of a small group at least one is drawn.
            kept = [t for t in members if _chance(t, plan.seed) < plan.share]
            kept = kept or [min(members, key=lambda t: _chance(t, plan.seed))]
        else:
            due = math.ceil((plan.per_agent or 0) * (today.weekday() + 1) / _WEEK)
            room = max(0, due - (done_this_week or {}).get(name, 0))
            kept = sorted(members, key=lambda t: _chance(t, plan.seed))[:room]
        chosen.update(t.task_id for t in kept)
        strata[name] = (len(members), len(kept))
    return Drawn(
        tuple(t for t in tasks if t.task_id in chosen),
        tuple(t for t in tasks if t.task_id not in chosen),
        strata,
    )


def _group(task: Task, plan: SamplingPlan) -> str:
    if plan.per_agent is not None:
        return task.agent or "(no agent)"
    found = {"team": task.team, "agent": task.agent, "company": task.company}
    return " · ".join(found[name] or f"(no {name})" for name in plan.strata) or "all"


def _chance(task: Task, seed: int) -> float:
    """A number in [0, 1) of a call, the same every night."""
    key = f"{seed}\x1f{task.company or ''}\x1f{task.call_id}".encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:7]) / 2**56


def put_in_order(
    tasks: Sequence[Task],
    order: str,
    *,
    customers: AbstractSet[str] = frozenset(),
    analyzed: Mapping[str, int] | None = None,
) -> list[Task]:
    """Put what matters most first.

    Args:
        tasks: What will be analysed.
        order: One of :data:`ORDERS`, or several with commas, the first counting most.
        customers: Those with an open case.
        analyzed: How many calls of each agent were analysed in this week.

    Raises:
        ConfigError: If there is no such order.
    """
    keys: dict[str, Callable[[Task], float]] = {
        "oldest": lambda t: t.date.toordinal() if t.date else math.inf,
        "newest": lambda t: -t.date.toordinal() if t.date else math.inf,
        "open-cases": lambda t: 0 if t.customer_id in customers else 1,
    }
    wanted = [name.strip() for name in order.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in ORDERS]
    if unknown or not wanted:
        raise ConfigError(f"There is no order {order!r}; use {', '.join(ORDERS)}.")
    if "below-sample" in wanted:
        # One call of each agent before a second one of any: a task's place among its agent's.
        place: dict[int, int] = {}
        count: Counter[str] = Counter(dict(analyzed or {}))
        for task in tasks:
            place[task.task_id] = count[task.agent or ""]
            count[task.agent or ""] += 1
        keys["below-sample"] = lambda t: place[t.task_id]
    return sorted(tasks, key=lambda t: (*(keys[name](t) for name in wanted), t.task_id))
