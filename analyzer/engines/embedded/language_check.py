"""Is a call in English? The embedded engine reads nothing else."""

from __future__ import annotations

import re

from analyzer.domain import Call

_COMMON = frozenset(
    ("the", "a", "i", "you", "to", "and", "it", "that", "is", "in", "of", "for", "on", "my", "me",
     "have", "so", "what", "we", "do", "no", "not", "can", "your", "be", "this", "but", "i'm",
     "it's", "yeah", "yes", "okay", "ok", "just", "with", "was", "are", "if", "at", "or", "they",
     "he", "she", "there", "hi", "hello", "thank", "thanks", "don't", "i'll", "i've", "you're",
     "that's", "will", "would", "could", "please", "how", "when", "who", "an", "as", "from", "up",
     "out", "all", "get", "got")
)  # fmt: skip
_ENGLISH = frozenset(("en", "eng", "english"))
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
_LEAST_SHARE = 0.18
_LEAST_WORDS = 25
_ENOUGH_WORDS = 2000


def looks_english(call: Call) -> bool:
    """Whether a call is English, by what it says of itself or by its commonest words.

    Args:
        call: The call; a ``language`` of ``en`` or ``en-…`` settles it, any other code too. A call
            of fewer than 25 words gets the benefit of the doubt.
    """
    if call.language:
        return call.language.strip().lower().replace("_", "-").split("-")[0] in _ENGLISH
    found: list[str] = []
    for turn in call.turns:
        if turn.role != "system":
            found += _WORD.findall(turn.text.lower().replace("’", "'"))
        if len(found) > _ENOUGH_WORDS:
            break
    if len(found) < _LEAST_WORDS:
        return True
    return sum(word in _COMMON for word in found) / len(found) >= _LEAST_SHARE
