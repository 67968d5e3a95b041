"""Small closed classes of English words that tell how something is said.

They feed classifiers as features among others; none of them decides anything by itself.
"""

from __future__ import annotations

import re
from functools import lru_cache


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(patterns) + r")\b", re.IGNORECASE)


#: How something is said, by name; each is searched for in a segment or a turn.
CUES: dict[str, re.Pattern[str]] = {
    "hedge": _any(r"should(?: be)?", "probably", "maybe", "perhaps", "might", "i think", "i believe",
                  "i'd imagine", "i guess", "hopefully", "see what i can", r"try(?:ing)? to",
                  "not sure", "as far as i know", "usually", "i reckon", "can't promise", "likely",
                  "i'd have thought", "or so", "fingers crossed"),
    "condition": _any("if", "once", "as long as", "as soon as", "unless", "provided", "when you",
                      "until", "after you", "assuming", "soon as", "only if", "in case"),
    "first_future": _any(r"i(?:'ll| will|'m going to|'m gonna| am going to| shall)", r"we(?:'ll| will|'re going to)",
                         r"let me"),
    "first_doing": _any(r"i(?:'m|'ve| have| am) (?:just |already |now )?\w+(?:ing|ed|en|t|ne)",
                        r"i (?:just |already )?(?:put|sent|took|set|made|added|did|went|got|gave)"),
    "they_will": _any(r"(?:they|it|that|he|she|somebody|someone|you)(?:'ll| will|'d| would| gets?)"),
    "second_have": _any(r"you(?:'ve| have| get|'re| are| can| could| won't| don't| need| owe|'d)"),
    "negation": _any("no", "not", "never", "nothing", "none", "cannot", "without", "neither", "nobody",
                     r"\w+n't"),
    "done": _any("done", "gone", "sorted", "cancelled", "canceled", "refunded", "waived", "credited",
                 "processed", "booked", "confirmed", "approved", "removed", "updated", "off there",
                 "all set", "gone through", "completed", "issued", "submitted", "applied", "changed"),
    "give": _any("refund", "credit", "waive", "take (?:it|that) off", "money back", "voucher", "discount",
                 "free", "no charge", "at no cost", "compensat\\w+", "upgrade", "extend\\w*", "cover\\w*"),
    "exception": _any("normally", "usually", "this once", "just this", "one-off", "exception", "goodwill",
                      "don't normally", "strictly", "supposed to", "as a favou?r", "gesture", "special case",
                      "bend", "not meant to", "shouldn't really", "on me", "on the house", "courtesy"),
    "courtesy": _any("thank", "thanks", "sorry", "apologi[sz]e", "welcome", "happy to help", "appreciate",
                     "pleasure", "good morning", "good afternoon", "hello", "bye", "have a"),
    "handling": _any("bear with", "hold on", "one moment", "pull (?:that|it|you) up", "let me (?:look|see|check|just|have)",
                     "transfer", "put you (?:on|through)", "can i (?:get|take|have)", "may i",
                     "account number", "date of birth", "postcode", "zip code", "verify", "reference"),
    "offer": _any("would you like", "do you want", "shall i", "should i", "want me to", "can i offer",
                  "i can offer", "we could", "if you want", "if you'd like", "may i", "are you happy",
                  "proceed", "yes/no", "is that okay", "would that", "or i can", "please confirm"),
    "refusal": _any("can't", "cannot", "unable", "not able", "won't", "no way", "nothing i can", "not possible",
                    "don't do", "not allowed", "against", "unfortunately", "afraid", "couldn't", "isn't something",
                    "not eligible", "doesn't allow", "not refundable", "wouldn't"),
    "policy_talk": _any("policy", "policies", "terms", "rule", "rules", "the system", "procedure", "guidelines",
                        "conditions", "as i said", "as i mentioned", "like i said", "as stated", "contract"),
    "escalation": _any("supervisor", "manager", "someone else", "somebody else", "escalat\\w+", "above you",
                       "complaint", "your boss", "in charge", "someone senior", "higher up", "team lead(?:er)?"),
    "blame": _any("you should(?:'ve| have)", "you would(?:'ve| have)", "you were told", "you didn't", "you need to have",
                  "your responsibility", "on you", "on your end", "you agreed", "you signed", "you accepted", "you ticked"),
    "threat": _any("collections", "collection agency", "debt", "bailiff\\w*", "legal action", "suspend\\w*", "blocked",
                   "cut off", "disconnect\\w*", "credit (?:file|score|record|report)", "penalty", "court"),
    "runaround": _any("call (?:them|back|again)", "ring (?:them|back)", "contact (?:them|the)", "different (?:team|department)",
                      "other (?:team|department)", "not (?:our|my) department", "take (?:that|it) up with", "reach out to",
                      "you'd have to", "you would need to", "speak to (?:them|your)", "website", "online"),
    "dismissal": _any("calm down", "look", "listen", "other (?:people|customers|calls)", "busy", "everyone",
                      "it's only", "that's up to you", "nothing personal", "no need", "over one", "not my problem"),
    "progress": _any("what i can do", "let me find out", "i'll find", "i can see", "let me look", "alternatively",
                     "the reason", "because", "i've checked", "i checked", "you're right", "my mistake", "here's what"),
    "restrict": _any("only", "just", "at most", "maximum", "minimum", "up to", "within", "at least", "no later than"),
    "all_of": _any("all", "everything", "whole", "full", "lot", "entire", "any", "always", "whatever"),
    "automatic": _any("automatic(?:ally)?", "by itself", "don't (?:have|need) to", "no need", "nothing to do", "straight away"),
}  # fmt: skip
CUE_NAMES = tuple(CUES)

_QUESTION = re.compile(
    r"^(?:so |and |but |okay |well |um |uh )*(?:can|could|would|will|do|does|did|is|are|was|were|have|has|may|"
    r"shall|should|what|when|where|which|who|why|how|what's|who's|how's|when'd)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def cue_vector(text: str) -> tuple[float, ...]:
    """One number a cue, in the order of :data:`CUE_NAMES`: 1.0 where the text has it.

    Kept for the latest texts: a turn is asked for once with each of its segments and neighbours.
    """
    return tuple(1.0 if pattern.search(text) else 0.0 for pattern in CUES.values())


def is_question(text: str) -> bool:
    """Whether a text asks, by its mark or by its opening words."""
    stripped = text.strip()
    return stripped.endswith("?") or bool(_QUESTION.match(stripped))
