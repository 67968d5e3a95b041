"""Where the sample corpus lies: in a checkout at the top, in an installed package beside the code.

``corpus/KEY/policies/`` holds a company's clauses and ``corpus/KEY/calls/`` its transcripts; both
are read like anybody's own (:mod:`analyzer.readers`).
"""

from __future__ import annotations

from pathlib import Path

from analyzer.errors import ConfigError

_PACKAGE = Path(__file__).parent


def find_corpus() -> Path | None:
    """The folder of the sample corpus, or None if this installation came without it."""
    for folder in (_PACKAGE / "corpus", _PACKAGE.parent / "corpus"):
        # The names of the inner folders tell it from a folder of that name that is not ours.
        if any(folder.glob("*/policies")) and any(folder.glob("*/calls")):
            return folder
    return None


def get_corpus() -> Path:
    """The folder of the sample corpus.

    Raises:
        ConfigError: If this installation came without it.
    """
    folder = find_corpus()
    if folder is None:
        raise ConfigError(
            f"The sample corpus is neither in {_PACKAGE} nor beside it; install Wordbond again, or "
            "run it from a checkout."
        )
    return folder
