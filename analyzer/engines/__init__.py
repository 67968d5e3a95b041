"""What reads a call and judges it. Every engine is called alike and returns the same thing."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from analyzer.domain import Analysis, Call
from analyzer.policy_book import PolicyView


@runtime_checkable
class Engine(Protocol):
    """Marks commitments and stonewalls in a call and judges each commitment.

    Attributes:
        name: ``embedded``, ``llm`` or ``cascade``.
        model: What did the reading, with its version.
        prompt_version: Version of the prompts, None where there are none.

    :func:`analyzer.pipeline.build_engine` adds ``scorecard``, by which its calls are scored.
    """

    name: str
    model: str
    prompt_version: str | None

    def analyze(self, call: Call, view: PolicyView | None) -> Analysis:
        """Read one call.

        Args:
            call: The call; any number of turns.
            view: The clauses in force for its company on its day; None where that cannot be said,
                and then no mark carries a verdict.

        Returns:
            Marks as the engine sees them, not yet grounded.

        Raises:
            CallSetAside: If the engine cannot judge this call, with the reason.
            EngineError: If it failed.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files; the engine is not used again."""
        ...
