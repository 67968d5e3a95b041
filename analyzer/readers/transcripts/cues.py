"""Habits of speech that tell an agent from a customer, and how much each tells.

The weights are the author's judgement; agents' habits weigh above zero, customers' below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Cue:
    """A habit of speech.

    Attributes:
        what: The habit in a few words, for people.
        weight: How much it tells; above zero for an agent, below for a customer.
        pattern: Finds it; case does not matter.
    """

    what: str
    weight: float
    pattern: re.Pattern[str]


def _cue(what: str, weight: float, *ways: str) -> Cue:
    return Cue(what, weight, re.compile(rf"\b(?:{'|'.join(ways)})", re.IGNORECASE))


_THING = (
    r"(?:account|order|booking|reservation|policy|card|bill|subscription|membership|member|"
    r"customer|reference|confirmation|phone|ticket|claim|contract|invoice|plan|line)"
)
_DETAIL = (
    r"(?:full name|first name|last name|surname|name|date of birth|e-?mail|post ?code|zip|address|"
    rf"phone|{_THING}(?: number| code| id))"
)
_NOT_DONE = r"(?:never|didn'?t|haven'?t|still haven'?t)"
_PEOPLE = r"(?:someone|somebody|she|he|they|you guys|you people|your \w+)"

AGENT_CUES = (
    _cue(
        "thanks for calling",
        3.0,
        r"(?:thank you|thanks)(?: so much)? for (?:calling|contacting|reaching|choosing)",
        r"(?:thank you|thanks)(?: so much)? for (?:holding|waiting|your (?:call|patience|loyalty))",
        r"welcome to",
    ),
    _cue(
        "offers help",
        3.0,
        r"how (?:can|may|could) (?:i|we) (?:help|assist)",
        r"what can (?:i|we) (?:do|help)",
        r"(?:can|may) i help",
        r"happy to help",
        r"help you with (?:that|this|today)",
    ),
    _cue("asks if there is anything else", 3.0, r"anything else (?:i|we|you need|today)"),
    _cue(
        "greets for the company",
        2.5,
        r"\w+ speaking\b",
        r"this is \w+ (?:with|from|at|in|here)\b",
        r"you'?re (?:speaking|chatting|through) (?:with|to)",
        r"my name is \w+ (?:and|how|with|from)",
    ),
    _cue(
        "asks for account details",
        2.5,
        r"(?:can|could|may|might) i (?:please )?(?:have|get|take|ask)(?: for)? (?:your|the|an?) "
        rf"(?:\w+ )?{_DETAIL}",
        r"(?:can|could|would) you (?:please )?(?:give|confirm|verify|spell|provide|share|tell)"
        rf"(?: me)? (?:your|the|an?) (?:\w+ )?{_DETAIL}",
        rf"please (?:provide|confirm|give)(?: me)? (?:your|the|an?) (?:\w+ )?{_DETAIL}",
        rf"(?:do you have|what(?:'s| is)) (?:your|the|an?) (?:\w+ )?{_DETAIL}",
        r"for (?:security|verification)",
    ),
    _cue(
        "puts on hold",
        2.0,
        r"(?:brief |on )hold\b",
        r"bear with me",
        r"(?:one|just a) (?:moment|second|minute)",
        r"transfer you",
        r"put you (?:on|through)",
        r"hold the line",
    ),
    _cue(
        "looks things up",
        1.5,
        r"let me (?:check|look|see|pull|take|get|just|go|find|have)",
        r"i(?:'ll| will) (?:check|look|go ahead|pull|send|waive|credit|refund|cancel|note|process)",
        r"i(?:'ll| will) make a note",
        r"i(?:'m| am) (?:showing|seeing|looking)",
        r"i (?:can |do )?see (?:here|that|the|it|your|you)",
        r"in (?:our|the) system",
        r"on (?:my|our) (?:end|side|screen)",
        r"i(?:'ve| have) (?:gone ahead|processed|added|noted|applied|credited)",
    ),
    _cue(
        "speaks for the company",
        1.5,
        r"our (?:policy|system|records|terms|team|company|department|store|warehouse|rules)",
        r"(?:as|per) (?:a|our) (?:policy|courtesy|gesture|one-time)",
        r"company policy",
        r"we (?:offer|do have|don'?t (?:offer|allow|cover|refund|price))",
        r"we (?:can'?t (?:offer|refund)|apologi[sz]e)",
    ),
    _cue(
        "apologises for the company",
        1.0,
        r"(?:i|we) (?:do |sincerely |truly )?apologi[sz]e",
        r"(?:i'm|i am) (?:so |very |really )?sorry (?:to hear|about|for (?:the|any|that|this))",
        r"i (?:completely |totally |do )?understand (?:your|how|that you)",
        r"i appreciate (?:your|you|that)",
    ),
    _cue(
        "speaks of 'your' account",
        0.5,
        rf"your (?:\w+ )?{_THING}\b",
        r"you(?:'ll| will) (?:get|receive|see|have|be)",
    ),
    _cue(
        "addresses politely",
        0.6,
        r"ma'?am",
        r"sir\b",
        r"m(?:r|s|rs)\.? [a-z]+",
        r"have a (?:great|good|nice|lovely)",
    ),
)

CUSTOMER_CUES = (
    _cue(
        "says why they call",
        -2.5,
        r"i(?:'m| am|was)? (?:calling|phoning|ringing|writing)(?: in)? "
        r"(?:because|about|to|for|since|regarding)",
        r"(?:the |that's )?(?:reason|why) i(?:'m| am)? call",
        r"i(?:'ve| have) (?:a (?:question|problem|complaint)|an issue)",
        r"i (?:called|spoke|talked) (?:to|with|in|last|yesterday|before|on|about)",
    ),
    _cue(
        "tells what happened to them",
        -1.5,
        r"i(?:'ve| have)? (?:was|were|got|been) (?:\w+ )?(?:charged|billed|told|promised)",
        r"i(?:'ve| have)? (?:was|were|got|been) (?:\w+ )?(?:overcharged|waiting|trying|on hold)",
        r"i(?:'ve| have)? been (?:\w+ )?a (?:customer|member)",
        rf"{_PEOPLE} (?:told|said|promised|charged|assured|billed) (?:me|i|that|it)",
        rf"i {_NOT_DONE} (?:get|got|receive|received|order|ordered|sign|signed|ask|asked)",
        rf"i {_NOT_DONE} (?:agree|authorize|hear|heard)",
    ),
    _cue(
        "asks for redress",
        -1.5,
        r"i (?:just )?(?:want|need|would like|'?d like|wanted|demand|expect) "
        r"to (?:cancel|return|speak|talk|know|get|make|change|dispute|complain)",
        r"i (?:just )?(?:want|need|would like|'?d like|wanted|demand|expect) "
        r"(?:my|a (?:refund|manager|supervisor)|the|it|this|you)",
        r"(?:can|could|may) i (?:just )?(?:get|speak|talk|still|return|cancel)",
        r"(?:can|could|may) i (?:just )?have (?:a refund|my|it|that)",
        r"(?:your|a|the) (?:manager|supervisor)\?",
        r"cancel (?:my|it|the whole)",
    ),
    _cue(
        "speaks of 'my' account",
        -0.7,
        rf"my (?:\w+ )?{_THING}\b",
        r"my (?:money|wife|husband|bank|kids?|mother|father|son|daughter|mum|mom|dad|flight)\b",
        r"my (?:refund|internet|service|credit|deposit|points|status|phone|payment)\b",
        r"(?:am|was|do|will|did) i\b",
    ),
    _cue(
        "complains",
        -1.2,
        r"ridiculous",
        r"unacceptable",
        r"are you (?:kidding|serious)",
        r"fed up",
        r"rip-?off",
        r"scam",
        r"(?:that|this|it)(?:'s| is) not (?:fair|right|good enough|my (?:fault|problem))",
        r"you (?:people|guys)",
        r"never (?:again|coming back)",
        r"why (?:was|did|do|am|is|are|would|should|can'?t)",
    ),
    _cue(
        "asks about terms",
        -0.8,
        r"how (?:much|long|soon|do i|would i)",
        r"what (?:if|about|happens)",
        r"when (?:will|do|can) i",
        r"so (?:i|you'?re saying)",
    ),
)
