"""How much personal data still reads, over numbers and addresses said in many ways.

``python eval/bench/redaction_forms.py`` draws short calls in which a card, an account, a phone or a
tax number, or an e-mail address, is asked for or volunteered; said digit by digit, in pairs, with
"double", or written; in one go or in pieces with an echo between; read back, or its end named. It
redacts them and counts what leaked, as ``redaction.py`` does with its own calls. The rules were
tuned on other seeds (up to 2031); the default is a fresh one.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent)]
from redaction import Case, make_case, score_cases  # noqa: E402 - beside this file

_ONES = ("oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_LEADS = ("", "sure, ", "um, ", "it's ", "yeah it's ", "hang on, let me find it... right, ")
_ECHOES = ("mm-hm", "okay", "go on", "yep", "got that", "right", "sorry, go ahead", "and then")
_STAYS = (
    "Thanks. That's <nineteen ninety-nine> a month from <the first of June>.",
    "Your order <88213450> is <$45.00> and comes in <3 to 5 business days>.",
    "Great, it's <£120> due on <12 March 2026>.",
    "Okay. There's <two hundred and ten dollars> on there.",
)
_ASKS = {
    "c": ("Can I take the long number on the front of the card?", "What's the card number?",
          "And the card you'd like to use?", "Could you give me the number off the card?"),
    "a": ("What's your account number?", "And your membership number?",
          "Do you have your policy number there?", "Could you read out your member ID?"),
    "p": ("What's the best number to reach you on?", "Can I get a phone number?",
          "What number are you calling from?", "Is there a mobile I can call you back on?"),
    "g": ("Can I get your social?", "What's your National Insurance number?",
          "Could you confirm your tax ID?", "What's the passport number?"),
    "e": ("What's your e-mail address?", "Which email should I send it to?",
          "Can I take an email for you?", "Could you spell your email for me?"),
}  # fmt: skip
_VOLUNTEERED = {
    "c": ("I paid with my card, {}, and it was declined.", "Put it on my Mastercard, that's {}."),
    "a": ("My account number is {} and I've a question.", "It's about policy {}, the motor one.",
          "I'm member {}, I joined in May."),
    "p": ("You can ring me on {} after five.", "Call me back at {} please."),
    "g": ("My social is {}.", "My tax number is {}."),
    "e": ("My email is {} and I never got the invoice.", "Can you send it to {} please?"),
}  # fmt: skip
_FIRST = ("anna", "carla", "dmitri", "farid", "gwen", "imani", "jonas", "lamar", "opal", "petra",
          "stefan", "tessa", "viktor", "wanda", "xenia", "zelda")  # fmt: skip
_LAST = ("harlow", "okafor", "brandt", "nguyen", "moreau", "petrov", "haddad", "lindqvist")
_DOMAINS = ("gmail dot com", "outlook dot com", "yahoo dot co dot uk", "icloud dot com",
            "ridgeway dental dot com", "acme dot org")  # fmt: skip


class Drawer:
    """Draws calls.

    Args:
        seed: The same gives the same calls.
    """

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - a benchmark, not a secret

    def case(self, number: int) -> Case:
        """One call with one item in all its places."""
        kind = self._draw.choice("ccaappgee")
        value = self._local() if kind == "e" else self._digits(kind)
        whole = self._whole(kind, value)
        turns = ["A: Thanks for calling, how can I help?"]
        if self._draw.random() < 0.3:
            said = self._draw.choice(_VOLUNTEERED[kind]).format(_mark(kind, whole()))
            turns += [f"C: {said}", "A: Okay, let me look into that."]
        else:
            turns.append("C: There's a charge of <forty-five dollars> from <the third of May>.")
            turns.append(f"A: {self._draw.choice(_ASKS[kind])}")
            turns += self._answer(kind, value, whole)
        ending = self._draw.random()
        if ending < 0.35:
            turns += [f"A: So that's {_mark(kind, whole())}, correct?", "C: Yes."]
        elif ending < 0.5 and kind != "e":
            turns += [f"A: The one ending in {_mark(kind, self._say(value[-4:]))}?", "C: Yes."]
        turns.append(f"A: {self._draw.choice(_STAYS)}")
        return make_case({"id": f"f{number}", "turns": turns})

    def _digits(self, kind: str) -> str:
        size = {"c": 15, "g": 9, "p": 9, "a": self._draw.choice((7, 8, 9, 10))}[kind]
        start = {"c": self._draw.choice("45"), "p": "07"}.get(kind, "")
        return start + "".join(self._draw.choice("0123456789") for _ in range(size))

    def _local(self) -> str:
        first, last = self._draw.choice(_FIRST), self._draw.choice(_LAST)
        return self._draw.choice(
            (f"{first} dot {last}", f"{first[0]} {last}", f"{first} underscore {last}",
             f"{first} {last} seventy two", " ".join(first + last[:2]), f"{first}38")
        )  # fmt: skip

    def _whole(self, kind: str, value: str) -> Callable[[], str]:
        if kind != "e":
            return lambda: self._say(value)
        domain = self._draw.choice(_DOMAINS)
        return lambda: f"{value} at {domain}"

    def _answer(self, kind: str, value: str, whole: Callable[[], str]) -> list[str]:
        lead = self._draw.choice(_LEADS)
        if self._draw.random() < 0.5:
            return [f"C: {lead}{_mark(kind, whole())}."]
        if kind == "e":
            rest = whole().removeprefix(value).strip()
            return [f"C: {lead}{_mark(kind, value)}", "A: mm-hm", f"C: {rest}"]
        size = self._draw.choice((3, 4, 5))
        pieces = [value[i : i + size] for i in range(0, len(value), size)]
        out = []
        for place, piece in enumerate(pieces):
            out.append(f"C: {'' if place else lead}{_mark(kind, self._say(piece))}")
            echo = self._draw.random() < 0.3 and len(piece) > 1
            said = _mark(kind, self._say(piece)) if echo else self._draw.choice(_ECHOES)
            out.append(f"A: {said}")
        return out

    def _say(self, digits: str) -> str:
        way = self._draw.randrange(4)
        if way == 0:
            return "-".join(digits[i : i + 4] for i in range(0, len(digits), 4))
        if way == 1:
            return " ".join(_pair(digits[i : i + 2]) for i in range(0, len(digits), 2))
        out: list[str] = []
        for digit in digits:
            word = _ONES[int(digit)]
            if out and out[-1] == word and self._draw.random() < 0.6:
                out[-1] = f"double {word}"
            else:
                out.append(word)
        return self._draw.choice((" ", ", ")).join(out)


def _pair(digits: str) -> str:
    if len(digits) == 1 or digits[0] == "0":
        return " ".join(_ONES[int(d)] for d in digits)
    if digits[0] == "1":
        return _TEENS[int(digits[1])]
    return _TENS[int(digits[0])] + ("" if digits[1] == "0" else f" {_ONES[int(digits[1])]}")


def _mark(kind: str, said: str) -> str:
    return f"{{{kind}1:{said}}}"


def main() -> int:
    """Draw, redact and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=2032)
    parser.add_argument("--failed", action="store_true", help="name what leaked")
    arguments = parser.parse_args()
    drawer = Drawer(arguments.seed)
    tallies = score_cases([drawer.case(n) for n in range(arguments.calls)])
    print(f"{'kind':18} {'items':>6} {'failed':>7} {'share':>7}")
    for kind, tally in tallies.items():
        if tally.items:
            shown = "stay, but masked" if kind == "stay" else kind
            print(f"{shown:18} {tally.items:6} {len(tally.failed):7} {tally.share:7.1%}")
            for line in tally.failed if arguments.failed else ():
                print("   ", line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
