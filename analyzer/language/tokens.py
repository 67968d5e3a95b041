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
_NUMBER_WORDS = frozenset(
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "twelfth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth", "thirtieth"]
)
_MONTHS = frozenset(
    ["january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december"]
)
_WEEKDAYS = frozenset(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
_MONEY = frozenset(
    ["$", "£", "€", "dollar", "dollars", "pound", "pounds", "quid", "bucks", "euro", "euros", "cents", "pence", "rand"]
)
_PERIODS = frozenset(
    ["day", "days", "week", "weeks", "month", "months", "year", "years", "hour", "hours", "minutes", "fortnight"]
)


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
        if word in _NUMBER_WORDS or word[0].isdigit():
            token = "<n>"
        elif word in _MONTHS or word in _WEEKDAYS:
            token = "<date>"
        elif word in _MONEY:
            token = "<money>"
        elif word in _PERIODS:
            token = "<period>"
        else:
            token = word
        if token == "<n>" and out and out[-1] == "<n>":
            continue
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
    ["a", "an", "the", "and", "or", "but", "so", "if", "of", "to", "in", "on", "at", "for", "with", "by", "from", "as", "is", "are", "was", "were", "be", "been", "am", "do", "does", "did", "have", "has", "had", "will", "would", "can", "could", "should", "may", "might", "must", "shall", "not", "no", "it", "it's", "this", "that", "that's", "these", "those", "i", "i'm", "i've", "i'll", "you", "you're", "you've", "you'll", "he", "she", "we", "they", "them", "their", "my", "your", "our", "his", "her", "its", "there", "there's", "what", "which", "who", "whom", "when", "where", "how", "why", "all", "any", "each", "some", "just", "okay", "ok", "yeah", "yes", "right", "well", "um", "uh", "like", "then", "than", "let", "me", "us", "get", "got", "go", "going", "know", "see", "one"]
)


def content_words(text: str) -> list[str]:
    """Words that carry content, crudely stemmed so that ``refunds`` meets ``refunded``."""
    return [stem(w) for w in words(text) if w not in _STOP and len(w) > 2 and w.isalpha()]


def stem(word: str) -> str:
    """A light suffix stripper: plural, -ing, -ed, -ly, -tion(s), -ment(s)."""
    for suffix, least in (("ations", 5), ("ation", 5), ("ments", 5), ("ment", 5), ("ings", 4),
                          ("ing", 4), ("ies", 3), ("ied", 3), ("ed", 4), ("es", 4), ("ly", 4),
                          ("s", 4)):  # fmt: skip
        if word.endswith(suffix) and len(word) - len(suffix) >= least - 1:
            base = word[: -len(suffix)]
            return (
                base + "y"
                if suffix in {"ies", "ied"}
                else base.rstrip("e")
                if base.endswith("ee")
                else base
            )
    return word.rstrip("e") if len(word) > 4 else word
