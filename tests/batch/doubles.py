"""An executor whose outcomes a test writes, and small transcripts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

from analyzer.batch.executors import Ended
from analyzer.domain import Analysis, Call, Commitment
from analyzer.results.batch_queue import Task

TEXT = """Agent: The Shop, Ines speaking. This is call {number}.
Customer: Hi, how long do I have to send a coat back?
Agent: You have 30 days from delivery to return it.
Customer: Great, thank you.
"""
RULES = """---
company: The Shop
company_id: shop
document: House rules
effective_from: 2025-01-01
---

## RET-1 Returns

Goods may be returned within 14 days of delivery.
"""


def write_calls(folder: Path, count: int, *, first: int = 0) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for number in range(first, first + count):
        path = folder / f"call-{number:03d}.txt"
        path.write_text(TEXT.format(number=number))
        out.append(path)
    return out


def marked(call: Call) -> Analysis:
    """One promise in every call, the words of its third turn."""
    quote = call.turns[2].text
    mark = Commitment(id="c1", turn=2, quote=quote, kind="assurance", strength="firm")
    return Analysis(call=call, commitments=(mark,), engine="scripted", model="1", score=90)


class ScriptedExecutor:
    """Does what a test says with each call, one at a time."""

    name = "scripted"

    def __init__(
        self, act: Callable[[Task, Call], Ended] | None = None, *, capacity: int = 4
    ) -> None:
        self._act = act or (lambda task, call: Ended(task, marked(call), 0.01))
        self.capacity = capacity
        self._held: deque[tuple[Task, Call]] = deque()
        self.seen: list[str] = []
        self.most_held = 0

    @property
    def n_under_way(self) -> int:
        return len(self._held)

    def submit(self, task: Task, call: Call) -> None:
        self._held.append((task, call))
        self.most_held = max(self.most_held, len(self._held))

    def collect(self, timeout_s: float) -> list[Ended]:  # noqa: ARG002 - as the interface has it
        if not self._held:
            return []
        task, call = self._held.popleft()
        self.seen.append(call.call_id)
        return [self._act(task, call)]

    def close(self, *, is_hasty: bool = False) -> None: ...


class SilentWatcher:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.states: list[tuple[str, str]] = []

    def expect(self, n_calls: int) -> None: ...

    def took_in(self, n_files: int, n_found: int) -> None: ...

    def ended(self, task: Task, state: str, reason: str | None) -> None:  # noqa: ARG002
        self.states.append((task.call_id, state))

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)
