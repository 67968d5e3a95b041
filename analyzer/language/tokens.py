"""Words as features see them: contractions mended, numbers, sums and dates made alike."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d[\d,.:]*|[£$€%?]")
#: Recognisers drop apostrophes; the likely meaning in an agent's mouth.
_MENDED = {
    "youll": "you'll", "youve": "you've", "youre": "you're", "ive": "i've", "im": "i'm",
    "itll": "it'll", "thats": "that's", "theres": "there's", "wont": "won't", "cant": "can't",
    "dont": "don't", "doesnt": "doesn't", "isnt": "isn't", "its": "it's", "theyll": "they'll",
    "theyre": "they're", "weve": "we've", "whats": "what's", "thatll": "that'll",
    "couldnt": "couldn't", "wouldnt": "wouldn't", "didnt": "didn't", "hasnt": "hasn't",
    "havent": "haven't", "arent": "aren't", "wasnt": "wasn't", "id": "i'd", "youd": "you'd",
    "gonna": "going to", "wanna": "want to", "gotta": "got to", "lemme": "let me",
    "'em": "them", "cos": "because", "cuz": "because",
}  # fmt: skip
_NUMBER = "<n>"
#: What stands for a word: all numbers are one token, all dates, all sums, all periods.
_ALIKE = {
    _NUMBER: (
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
        "hundred thousand first second third fourth fifth sixth seventh eighth ninth tenth "
        "eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth "
        "nineteenth twentieth thirtieth"
    ),
    "<date>": (
        "january february march april june july august september october november december "
        "monday tuesday wednesday thursday friday saturday sunday"
    ),
    "<money>": "$ £ € dollar dollars pound pounds quid bucks euro euros cents pence rand",
    "<period>": "day days week weeks month months year years hour hours minutes fortnight",
}
_TOKEN_OF = {word: token for token, listed in _ALIKE.items() for word in listed.split()}


def words(text: str) -> list[str]:
    """Lower-case words of a text, contractions mended, punctuation but ``?`` dropped."""
    lowered = text.lower().replace("’", "'")
    out: list[str] = []
    for found in _WORD.findall(lowered):
        out += _MENDED.get(found, found).split()
    return out


def feature_tokens(text: str) -> list[str]:
    """Words with numbers, sums, periods and dates made alike, runs of numbers made one token."""
    out: list[str] = []
    for word in words(text):
        token = _NUMBER if word[0].isdigit() else _TOKEN_OF.get(word, word)
        if token != _NUMBER or out[-1:] != [_NUMBER]:
            out.append(token)
    return out


def ngrams(tokens: list[str], longest: int, *, prefix: str = "") -> list[str]:
    """All runs of one to ``longest`` tokens, with marks for the text's edges."""
    padded = ["^", *tokens, "$"]
    return [
        prefix + " ".join(padded[i : i + n])
        for n in range(1, longest + 1)
        for i in range(len(padded) - n + 1)
        if not (n == 1 and padded[i] in {"^", "$"})
    ]


_STOP = frozenset(
    (
        "a an the and or but so if of to in on at for with by from as is are was were be been am "
        "do does did have has had will would can could should may might must shall not no it it's "
        "this that that's these those i i'm i've i'll you you're you've you'll he she we they "
        "them their my your our his her its there there's what which who whom when where how why "
        "all any each some just okay ok yeah yes right well um uh like then than let me us get "
        "got go going know see one"
    ).split()
)
_SHORTEST = 3
#: Suffixes that are taken off, longest first, each with the least that has to be left of a word.
_SUFFIXES = {
    "ations": 4, "ation": 4, "ments": 4, "ment": 4, "ings": 3, "ing": 3, "ies": 2, "ied": 2,
    "ed": 3, "es": 3, "ly": 3, "s": 3,
}  # fmt: skip
_LONG = 4


def content_words(text: str) -> list[str]:
    """Words that carry content, crudely stemmed so that ``refunds`` meets ``refunded``."""
    return [stem(w) for w in words(text) if w not in _STOP and len(w) >= _SHORTEST and w.isalpha()]


def stem(word: str) -> str:
    """A light suffix stripper: plural, -ing, -ed, -ly, -tion(s), -ment(s)."""
    for suffix, least in _SUFFIXES.items():
        if word.endswith(suffix) and len(word) - len(suffix) >= least:
            base = word.removesuffix(suffix)
            if suffix in {"ies", "ied"}:
                return base + "y"
            return base.rstrip("e") if base.endswith("ee") else base
    return word.rstrip("e") if len(word) > _LONG else word
