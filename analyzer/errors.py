"""Every exception that Wordbond raises on purpose.

::

    AnalyzerError
    ├── InputError(path, line)      a file that cannot be read as what it claims to be
    │   ├── TranscriptError
    │   └── PolicyError
    ├── ConfigError                 a setting or an option that cannot be honoured
    ├── PromptError                 a prompt file that is broken
    ├── EngineError
    │   ├── EngineUnavailable       may be tried again
    │   ├── EngineRefused
    │   ├── BadAnswer(raw)          keeps the raw text
    │   ├── CallSetAside            this engine cannot judge this call, and says why
    │   └── CallDeferred            this call was left for a later run, and why
    └── StoreError                  the database or the vector store
        └── InboxBusy               another batch is at this inbox

A message is one sentence that names the thing, the place and the mend.
"""

from __future__ import annotations

from pathlib import Path


class AnalyzerError(Exception):
    """Base of all errors whose message is meant for a person."""


class InputError(AnalyzerError):
    """A file that cannot be read as what it claims to be.

    Args:
        message: What was found and what to do about it.
        path: The file, where there is one.
        line: 1-based line in it, where known.
    """

    def __init__(
        self, message: str, *, path: Path | str | None = None, line: int | None = None
    ) -> None:
        self.message = message
        self.path = path
        self.line = line
        place = "" if path is None else f"{path}" + (f", line {line}" if line else "") + ": "
        super().__init__(f"{place}{message}")


class TranscriptError(InputError):
    """A transcript that cannot be read."""


class PolicyError(InputError):
    """A policy document that cannot be read."""


class ConfigError(AnalyzerError):
    """A setting or an option that cannot be honoured."""


class PromptError(AnalyzerError):
    """A prompt file that is broken."""


class EngineError(AnalyzerError):
    """An engine could not do its work."""


class EngineUnavailable(EngineError):
    """The engine cannot be reached now; trying again may help."""


class EngineRefused(EngineError):
    """The model declined to answer."""


class BadAnswer(EngineError):
    """The model answered something that cannot be used; ``raw`` keeps its text."""

    def __init__(self, message: str, *, raw: str = "") -> None:
        self.raw = raw
        super().__init__(message)


class CallSetAside(EngineError):
    """This call cannot be judged as it stands; the message says why and what would mend it."""


class CallDeferred(EngineError):
    """This call was not analysed now and can be in a later run: the cost cap, a server away."""


class StoreError(AnalyzerError):
    """The database or the vector store failed.

    Args:
        message: What failed, where, and the mend.
        is_passing: Whether it may go by itself: the database is away, or locked.
    """

    def __init__(self, message: str, *, is_passing: bool = False) -> None:
        self.is_passing = is_passing
        super().__init__(message)


class InboxBusy(StoreError):
    """Another batch is at this inbox; this one does nothing."""
