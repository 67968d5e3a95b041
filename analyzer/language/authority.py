"""Authority that a policy gives: who may grant what, up to how much, with whose approval.

A clause is read sentence by sentence and table by table. Where a policy names an approver but
nobody who acts ("credits over 50 euro are signed off by the duty manager"), the approver is the
role of the grant as well. Where it says that nobody may do a thing, the role is :data:`ANYONE`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from analyzer.language.quantities import Quantity, find_quantities
from analyzer.language.roles import same_role, singular, table_rows

#: The role of a grant that is refused to everybody.
ANYONE = "anyone"
#: How much is looked at beside a role, how many roles are one group, how many grants a later
#: sentence may change: they bound the work on text that is made to be slow.
_WINDOW, _MOST_ROLES, _MOST_CHANGED = 160, 8, 20


def _re(pattern: str) -> re.Pattern[str]:
    """A pattern in which one space stands for any white space."""
    return re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE)


# fmt: off
# Roles. Words are short by the pattern: a text of hyphens and letters costs no more than prose.
_HEADS = (
    "representative|rep|agent|supervisor|manager|director|lead|leader|engineer|associate|clerk|specialist|adviser|advisor|officer|desk|team|office|department|adjuster|cashier|assistant|controller|partner|coordinator|technician|pharmacist|handler|staff|consultant|operator|"
    "receptionist|dispatcher|underwriter|committee|board|registrar|bursar|superintendent|executive|teller|employee|colleague|unit|division|bureau|dean|concierge|captain|inspector|attendant|assessor|adjudicator|steward|planner"
)
_NOT_IN_NAME = (
    "the|a|an|any|each|every|all|our|your|their|its|of|by|to|and|or|nor|from|for|in|at|no|not|with|without|is|are|be|may|can|must|will|shall|only|if|on|as|that|this|these|free|but|both|either|neither|another|other|such|same|own|unless|when|once|until|while|than|then|also|never|"
    "always|needs?|requires?|asks?|contact|see|calls?|via|through|after|before|between|approved|authori[sz]ed|granted|waived|remitted|decided|"
    "up|over|above|below|who|which|where|has|have|holds?|except|save|solely|exclusively|alone|us|you|takes?|one|two|pays?|goes|go|speaks?|per|it|so|because|does|do|least|most|some|what|how|whether|beyond"
)
_WORD = rf"(?!(?:{_NOT_IN_NAME})\b)[a-z][a-z-]{{1,20}}"
_ROLE = _re(rf"(?<![\w-])(?:members? of (?:the )?staff|(?:heads?|directors?|chiefs?) of {_WORD}(?: (?:care|services?|operations|relations|support|experience|sales|affairs|accounts))?|(?:{_WORD} ){{0,2}}(?:{_HEADS})s?)(?![\w-])")
_DET = r"(?:(?:the|a|an|any|our|each|every|another|one|its|their|either|at least) ){0,2}$"
_JOINED = _re(rf"\s*,?\s*(?:and/or|and|or|nor|as well as|&|/)\s*(?:by )?{_DET}")
# What an authority is for: to give something, or to depart from a rule.
_VERB = (
    "(?:grant|give|credit|refund|waive|approve|authori[sz]e|remit|allow|offer|issue|award|reduce|discount|extend|reverse|adjust|write|restore|reinstate|release|replace|pay|reimburse|return|compensate|repay|take|knock|upgrade|comp|forgo|drop|sign|decide|agree|accept|admit|override|"
    "depart|make|spend|settle|promise|concede|lift|set|strike|forgive|lower|apply|rebook|alter|change|move|swap|add|match|commit|dispense|exempt|vary|go|excuse|cancel|postpone|defer|abate|cut|remove|fix|determine|reopen|back-?date|raise|double|reset|rescind|void|spread|resend|quote|"
    "deduct|redeem|revive|renew|allot|correct|conclude|exceed|substitute|suspend|freeze|confirm)"
)
_PAST = rf"(?:(?!take){_VERB}(?:[a-z]?ed|d|n)?|paid|written off|struck out|applied|varied|withdrawn|signed off|put through|given out)"
_ASSENT = "(?:approval|consent|sign-?off|authori[sz]ation|agreement|permission|say-so|signature|clearance|assent)"
_POWER = "(?:authority|power|discretion|right|leave|mandate|permission)"
_NOBODY = "(?:nobody|no one|no-one)"
# What stands on the left of a role.
_BUT = _re(
    rf"\b(?:(?:{_NOBODY}|none) (?:but|except|other than|save|besides|apart from)|(?:not|never)\b[^.;]{{0,60}} (?:except|save|other than|but|unless) by) {_DET}"
)
_ONLY = _re(rf"\b(?:only|solely|exclusively)(?: by| for| to| with)? {_DET}")
_NO = _re(rf"\b(?:no|neither|nor|none of) (?:the )?$|\bnothing\b|\b(?:not|never) (?:be |to be )?{_PAST}(?: [a-z]+){{0,3}} by {_DET}")
_INVERTED = _re(rf"\b(?:no circumstances|no case|no event|nor|never) (?:may|can|shall|should|must) {_DET}")
_NOT_ITS_OWN = _re(r"\bno other $|(?<!\babove\s)(?<!\bbeyond\s)(?<!\bover\s)(?<!\bthan\s)\b(?:that|which|what|whom) (?:[a-z]+ ){0,5}?" + _DET)
_BY = _re(rf"\b{_PAST}(?: [a-z]+){{0,3}} by:? {_DET}")
_ANY_BY = _re(rf"\bby:? {_DET}")
_ASSENT_OF = _re(rf"\b(?:{_ASSENT}(?: in writing)? (?:of|from|by)|(?:approved|authori[sz]ed|signed(?: off)?|countersigned|agreed|cleared|sanctioned|endorsed)(?: in writing)?(?: only)? by|needs?|requires?) {_DET}")
_NAMING = _re(rf"(?:\b{_ASSENT} (?:of|from|by) )?{_DET}")
_RESERVED = _re(rf"\b(?:reserved|confined|limited|restricted) (?:to|for) {_DET}")
_OWNED = _re(rf"\b(?:(?:discretion|decision|judge?ment|gift|power|hands|authority) of|(?:limit|ceiling|cap|maximum) (?:for|of)|(?:rests?|lies?) with|belongs? to|(?:is|are|remains?)(?: a matter)? for|(?:is|are) up to|left to) {_DET}|{_RESERVED.pattern}")
_IF = _re(r"\b(?:unless|if|provided|providing|once|until|when|where|after)\b[^,;]{0,30}$")
_TIER = _re(rf"(?:\b(?:above|over|below|under|beyond|more|rest|otherwise|to)\b|\d)[^:;(]{{0,60}}[:(]\s*{_DET}")
_WITHOUT = _re(r"\b(?:without|unless|except|save|but|only)\b")
# What stands on its right.
_ALONE = _re(rf"\s*,?\s*(?:alone|only|solely|exclusively|and (?:by )?(?:{_NOBODY} else|no other(?: \w+)?))\b,?")
_ASSENTS = _re(rf"(?:['’]s?)?\s*(?:(?:written |prior |express )?{_ASSENT}\b|(?:must|has to|have to|needs? to|shall) (?:first )?(?:approve|sign|authori[sz]e|agree|consent|countersign|clear)\b|for (?:approval|decision)\b)")
_AGREES = _re(r"\s*(?:has )?(?:approve|agree|consent|sign|authori[sz]e|allow)[sd]*\b")
_ASIDE = r"\s*(?:,[^,;]{1,40},\s*)?(?:,\s*(?:who|which) )?(?:on duty |on shift |in charge )?"
_MAY_NOT = _re(rf"{_ASIDE}(?:(?:may|must|shall|should|do|does|can|could) (?:not|never)|cannot|can['’]t|never|(?:is|are) not (?:allowed|authori[sz]ed|permitted|empowered) to|(?:has|have|holds?) no {_POWER} (?:to|over|for))(?:,[^,;]{{1,40}},)? (?:[a-z]+ ){{0,2}}?(?P<verb>{_VERB}s?\b)")
_TO = rf"{_ASIDE}(?:may|can|could|(?:is|are) (?:allowed|authori[sz]ed|permitted|empowered|able|entitled|free) to|(?:has|have|holds?) (?:the |full )?{_POWER} to) (?:[a-z]+ ){{0,2}}?"
_MAY, _MAY_ANYTHING = _re(rf"{_TO}(?P<verb>{_VERB}\b)"), _re(rf"{_TO}(?P<verb>(?!be\b)[a-z]+)")
_HOLDS = _re(
    rf"\s*(?P<verb>(?:has|have|holds?) (?:a |an )?(?:{_POWER}|limit|allowance|budget|ceiling) (?:of|up to)\b|(?:is|are) (?:limited to|capped at|restricted to))"
)
_DOES = _re(rf"\s*(?P<verb>{_VERB}(?:e?s)?\b)")
_SURELY_DOES = _re(r"\s*(?P<verb>(?:approve|authori[sz]e|decide|determine|grant|waive)s?\b)")
_LISTED = _re(r"\s*[:,–—-]?\s*(?:may grant |goodwill |credits? )?(?:up to|as (?:much|many) as|at most|not (?:more|exceeding)|no more|any\b|unlimited|without limit|[£$€]\s?\d|\d|one\b|two\b|three\b|beyond|above|none\b|nil\b)")
_NOTHING = _re(r"\w+ (?:nothing|none)\b")
# What a whole sentence says.
_LEADS = _re(r"\b(?:may|can|authority|permitted|allowed|authori[sz]ed|empowered)\b[^:]{0,60}:$")
_NOBODY_MAY = _re(rf"\b{_NOBODY} (?:may|can|shall) (?:[a-z]+ ){{0,2}}?{_VERB}\b|\b{_PAST} by {_NOBODY}\b(?! (?:else|but|except|other|save))")
_NO_OTHER = _re(rf"\b(?:{_NOBODY} else|no other (?:role|person|member|staff|agent|team|desk))\b")
_FURTHER = _re(r"\b(?:larger|higher|greater|bigger|further|(?:anything|whatever|everything|sums?|amounts?|that)(?: \w+)? (?:above|beyond|over|past|more)|(?:more than|above|beyond) (?:that|this))\b")
# What stands beside a quantity.
_CAP = _re(r"(?:up to|exceed(?:ing)?|(?:not|no) more than|at (?:the )?most|maximum(?: of)?|ceiling(?: of)?|limit(?: of)?|capped at|as (?:much|many) as|discretion of|allowance of|\bto|one of|below|under)\s*$")
_CAP_AFTER = _re(r"\s*(?:at (?:the )?most|or less|maximum)\b")
_ABOVE = _re(r"(?<!\bnot\s)(?<!\bno\s)(?:above|over|more than|(?<!\bto\s)exceed(?:s|ing)?|in excess of|beyond|(?:larg|great|high)er than|past)\s*$")
_GIFT = _re(r"\b(?:credit|voucher|refund|discount|goodwill|compensation|rebate|allowance|gift card|gesture|reduction)s? (?:notes? )?(?:of|worth)\s*$")
_CONDITION = _re(r"(?:within|after|before|(?:older|younger|longer|later|less|fewer|earlier) than|\bin(?: any)?|\blast|\bfor|outside|every|during|at least|first|\bthe|\bthis|\btheir|\bits|from|between|until|\bof)\s*$")
_CONDITION_AFTER = _re(r"\s*(?:after|before|ago|old|of the|from)\b")
# Codes of clauses, adjectives ("14-day window") and words that only look like numbers.
_MASKED = _re(r"\b[A-Z]{2,6}-\d+|\b(?:clause|section|article|rule|schedule|part) \d+|\(\d+\)|\b\w{1,15}-(?:day|month|week|year|hour)\b|\b(?:no|any|every|each|some)[ -]one\b|\bper\b(?!\s*cent)")
_THING = r"([a-z]{1,20}(?: (?!(?:and|or|with|if|but|without|when|only|by|on|may|is|are|up|of)\b)[a-z]{1,20}){0,3}(?: and \w{1,9} (?:months|years))?)"
_PER = _re(rf"\b(?:per|an?|each|every|for (?:each|every)|in (?:any|each|one|an?|the same)|on any(?: one)?) (?!cent\b){_THING}")
_PER_HEADING = _re(rf"\b(?:per|each|every) (?!cent\b){_THING}")
_ACTION_END = _re(r"[,;:.]|\b(?:up to|not exceeding|(?:no|not) more than|at most|if|unless|without|with|provided|as (?:much|many))\b")
_AUXILIARY = _re(r"\b(?:(?:is|are) at the|is|are|may|must|can|requires?|needs?|rests?|lies?|at the)\b")
# Headings and cells of tables.
_HEADINGS = {
    "approval": _re(r"\b(?:approv\w+|consent|sign\w*[ -]?off|authori[sz]\w+ by|escalat\w+)\b"),
    "role": _re(r"\b(?:role|who|position|post|grade|staff|job title)\b"),
    "action": _re(r"^(?:actions?|acts?|concession|remedy|what|measure|kind|type|matter|gesture|may grant)\b"),
    "limit": _re(r"^(?:limit|cap|ceiling|max(?:imum)?|up to|amount|most|how much|sum|highest)\b"),
}
_OTHER_HEADING = _re(r"\b(?:form|notes?|conditions?|remarks?|hours?|phone|telephone|extension|e-?mail|contact|reports? to|works?|location|shift|training|salary|duties|tasks?|responsib\w+|reply|response|answer\w*)\b")
_GIVING_HEADING = _re(rf"\b(?:{_VERB}\w{{0,3}}|fees?|charges?|goodwill|gestures?|compensation|waivers?|remission|reduction|allowance|gift|voucher|late|concessions?|write-?offs?|money|price|limit|cap|ceiling|points)\b")
_UNLIMITED = _re(r"\b(?:any|unlimited|without limit|no (?:limit|cap|ceiling)|none set|whole|in full|whatever|yes)\b")
_NONE = _re(r"\s*(?:(?:none|nil|never|no(?! more| limit| cap| ceiling)|not(?! more| exceed)|nothing|cannot|n/a)\b(?! set)|[-–—✗]\s*$|[£$€]?0(?:\.00)?\s*$)")
_CELL_ASSENT = _re(r"\b(?:approv\w*|consent|permission|agree\w*|sign\w*|authori[sz]\w+|with|needs?|say|ok)\b")
#: A heading that says no more than that something may be granted: the cells say what.
_ANY_HEADING = _re(r"(?:(?:they |it )?(?:may|can) (?:grant|give|approve|authori[sz]e|allow|offer|do|decide)|(?:limits? of |level of )?authority|powers?|discretion|allowed|permitted|what (?:they|it) (?:may|can) \w+)(?: without (?:approval|asking))?")
_REFUSED = _re(r"\s*(?:no|not|never) [a-z]{4,}")
# The shape of the text.
_ITEM = re.compile(r"[ \t]{0,20}(?:[-*+•]|\d{1,3}[.)])[ \t]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s{1,9}(?=[\"'“(A-Z0-9])")
_MARKS = re.compile(r"[*_`\\\s]")
_SUMS = frozenset(("money", "percent", "points"))
# fmt: on


@dataclass(frozen=True)
class Grant:
    """What a policy lets a role grant, or refuses it.

    Attributes:
        role: Lower case, singular, as the policy names it ("duty manager"); :data:`ANYONE` where
            a thing is refused to everybody.
        action: What may be granted: the table's heading, or the sentence's words for it.
        limit: The most, or None where no limit is named.
        per: What the limit is counted by ("call", "customer per year"), as the policy says it.
        is_allowed: False if the role may not grant it at all.
        approval: The role whose approval is needed, above ``limit`` or at all.
        approval_above: Approval is needed only above this.
        is_exclusive: Only this role may grant it.
        start: Where the sentence or the table cell that says it begins in the text.
        end: Where it ends, exclusive.
    """

    role: str
    action: str
    limit: Quantity | None = None
    per: str | None = None
    is_allowed: bool = True
    approval: str | None = None
    approval_above: Quantity | None = None
    is_exclusive: bool = False
    start: int = 0
    end: int = 0


class _Amount(NamedTuple):
    """The sum in a stretch of text: the most, above what, by what it is counted, if "up to"."""

    limit: Quantity | None = None
    above: Quantity | None = None
    per: str | None = None
    is_capped: bool = False


class _Said(NamedTuple):
    """What the words beside a role make of it, and where the verb begins in those on the right."""

    part: Literal["none", "grants", "refused", "assents"] = "none"
    verb: int = 0
    is_only: bool = False


@dataclass
class _Group:
    """Roles named together ("supervisors and the store manager"), and where."""

    roles: list[str]
    start: int
    end: int


def find_grants(text: str) -> tuple[Grant, ...]:
    """Find who may grant what, from the sentences, lists and Markdown tables of a clause.

    Args:
        text: Policy text of any length; it is not trusted.

    Returns:
        Grants in the order of the text. Refusals are grants with ``is_allowed`` False.
    """
    prose = _Prose()
    for start, end, is_item in _sentences(text):
        prose.read(_MARKS.sub(" ", text[start:end]), start, is_item=is_item)
    return tuple(sorted([*prose.grants, *_table_grants(text)], key=lambda grant: grant.start))


def _sentences(text: str) -> Iterator[tuple[int, int, bool]]:
    """Sentences outside headings and tables: start, end, whether it begins an item of a list."""
    begin = at = 0
    is_item = False
    for line in [*text.splitlines(keepends=True), ""]:
        item = _ITEM.match(line)
        is_apart = line.strip()[:1] in {"", "|", "#"}
        if item or is_apart:
            for found in _SENTENCE_END.finditer(text, begin, at):
                yield begin, found.start(), is_item
                begin, is_item = found.end(), False
            if kept := text[begin:at].rstrip():
                yield begin, begin + len(kept), is_item
            begin, is_item = at + (item.end() if item else len(line)), bool(item)
        at += len(line)


def _groups(sentence: str) -> list[_Group]:
    out: list[_Group] = []
    for found in _ROLE.finditer(sentence):
        between = sentence[out[-1].end : found.start()][:40] if out else ""
        if out and len(out[-1].roles) < _MOST_ROLES and _JOINED.fullmatch(between):
            out[-1].roles.append(singular(found.group()))
            out[-1].end = found.end()
        else:
            out.append(_Group([singular(found.group())], found.start(), found.end()))
    return out


def _amount(text: str, offset: int, *, is_cell: bool = False) -> _Amount:
    masked = _MASKED.sub(lambda found: "." * len(found.group()), text)
    first: dict[str, Quantity] = {}
    for quantity in find_quantities(masked):
        first.setdefault(_kind(masked, quantity, is_cell=is_cell), quantity)
    most = first.get("cap") or first.get("plain")
    per = _PER.search(text[most.end : most.end + 60]) if most else None
    limit, above = (
        found and replace(found, start=found.start + offset, end=found.end + offset)
        for found in (most, first.get("above"))
    )
    return _Amount(limit, above, per and per.group(1), "cap" in first)


def _kind(text: str, quantity: Quantity, *, is_cell: bool) -> str:
    """Whether a sum is a "cap", what is "above" one, a "plain" sum or no limit at all ("other")."""
    before = text[max(0, quantity.start - 25) : quantity.start]
    after = text[quantity.end : quantity.end + 20]
    is_range = len(quantity.readings) > 1 and before.rstrip().lower().endswith(("from", "between"))
    if quantity.unit == "bare" or quantity.dimension == "clock":
        return "other"
    is_above = _ABOVE.search(before)
    if _CAP_AFTER.match(after) or (_CAP.search(before) and not is_above):
        return "cap"
    if is_above:
        return "above"
    if _GIFT.search(before) and quantity.dimension in _SUMS:
        return "plain"
    # Conditions: "within 14 days", "the $5 fee", "90 days after the sale".
    if (_CONDITION.search(before) and not is_range) or _CONDITION_AFTER.match(after):
        return "other"
    is_sum = is_cell or is_range or quantity.dimension in _SUMS
    is_often = quantity.unit == "time" and not re.match(r"\s+[a-z]+ed\b", after)
    # A bare count is a limit right after the verb: "may waive one late fee".
    is_first = len(text[: min(quantity.start, _WINDOW)].split()) <= 1
    return "plain" if is_sum or is_often or is_first else "other"


def _said(left: str, right: str, *, follows: bool) -> _Said:
    alone = _ALONE.match(right)
    is_only = any((alone, _ONLY.search(left), _BUT.search(left), _RESERVED.search(left)))
    if found := _MAY_NOT.match(right):
        return _Said("refused", found.start("verb"))
    if _NOT_ITS_OWN.search(left):
        return _Said()
    if _is_assent(left, right):
        return _Said("assents")
    is_inverted = bool(_INVERTED.search(left))  # "in no case may an agent promise"
    is_refused = is_inverted or bool(_NO.search(left) and not _BUT.search(left))
    patterns = [_MAY_ANYTHING, _DOES] if is_only or is_inverted else [_MAY, _HOLDS, _SURELY_DOES]
    if _names_sum(right):
        patterns.append(_MAY_ANYTHING)  # "can settle it for up to $40", whatever the verb
    for pattern in patterns:
        if found := pattern.match(right, alone.end() if alone else 0):
            is_refused = is_refused or bool(_NOTHING.match(right, found.start("verb")))
            return _Said("refused" if is_refused else "grants", found.start("verb"), is_only)
    is_given = _BY.search(left) or ((is_only or follows) and _ANY_BY.search(left))
    is_listed = (follows or left.rstrip()[-1:] in {"", ":"}) and _LISTED.match(right)
    is_tier = _TIER.search(left) and right.strip(" .,")[:1] in {"", ")"}
    if is_given or is_listed or is_tier or _OWNED.search(left):
        return _Said("refused" if is_refused else "grants", 0, is_only)
    return _Said()


def _names_sum(text: str) -> bool:
    amount = _amount(text, 0)
    return bool(amount.is_capped and amount.limit and amount.limit.dimension in _SUMS)


def _is_assent(left: str, right: str) -> bool:
    found = _ASSENT_OF.search(left)
    if found and found.group().lower().startswith(("need", "require")):
        return not right.strip(" .,") or bool(_ASSENTS.match(right))
    if found and _amount(right, 0).is_capped:
        return False  # "authorised by the manager up to £100" says who grants
    return bool(found or _ASSENTS.match(right) or (_IF.search(left) and _AGREES.match(right)))


def _sum_of(left: str, right: str, starts: tuple[int, int], *, is_active: bool) -> _Amount:
    """The sum beside a role: after the verb first, else before it ("up to $5 by a clerk")."""
    is_tier = left.rstrip().endswith(":")
    before, after = _amount(left, starts[0], is_cell=is_tier), _amount(right, starts[1])
    if before.is_capped and not (is_active and after.limit):
        return before
    is_often = before.limit is not None and before.limit.unit == "time"  # "once a year by a clerk"
    return before if (is_tier or is_often) and not after.limit else after


@dataclass
class _Prose:
    """Reads sentence after sentence, as one may add to the one before it."""

    grants: list[Grant] = field(default_factory=list)
    latest: int = 0  # where in grants those of the latest sentence with any begin
    carried: list[str] = field(default_factory=list)  # whom a list is about ("Supervisors may:")
    sentence: str = ""
    start: int = 0

    def read(self, sentence: str, start: int, *, is_item: bool) -> None:
        """Add the grants of a sentence that begins at ``start``."""
        self.sentence, self.start = sentence, start
        first = len(self.grants)
        groups = _groups(sentence)
        assents = self._read_groups(groups)
        if len(self.grants) == first and _NOBODY_MAY.search(sentence):
            self._add([ANYONE], sentence, _Amount(), is_allowed=False)
        elif len(self.grants) == first and is_item and self.carried and not assents:
            self._add(self.carried, sentence, _amount(sentence, start, is_cell=True))
        self.latest = first if len(self.grants) > first else self.latest
        if _NO_OTHER.search(sentence):
            for index in self._recent():
                grant = self.grants[index]
                self.grants[index] = replace(grant, is_exclusive=grant.is_allowed)
        for group, amount in assents:
            self._assent(group, amount, is_own=len(self.grants) > first)
        if sentence.endswith(":"):
            self.carried = groups[-1].roles if groups and _LEADS.search(sentence) else []
        elif not is_item:
            self.carried = []

    def _read_groups(self, groups: list[_Group]) -> list[tuple[_Group, _Amount]]:
        """Add what the sentence says of each role; return the roles that only assent."""
        assents: list[tuple[_Group, _Amount]] = []
        taken, first = 0, len(self.grants)
        stops = [*(group.start for group in groups[1:]), len(self.sentence)]
        for group, stop in zip(groups, stops, strict=False):
            begin = max(taken, self.sentence.rfind(";", taken, group.start) + 1)
            semicolon = self.sentence.find(";", group.end, stop)
            left = self.sentence[begin : group.start]
            right = self.sentence[group.end : stop if semicolon < 0 else semicolon]
            follows = len(self.grants) > first
            said = _said(left[-_WINDOW:], right[:_WINDOW], follows=follows)
            taken = group.end
            if said.part == "assents":
                amount = _amount(left, self.start + begin)
                after = _amount(right, self.start + group.end)
                assents.append((group, amount if amount.above else after))
            elif said.part != "none":
                spans = (self.start + begin, self.start + group.end + said.verb)
                amount = _sum_of(left, right[said.verb :], spans, is_active=said.verb > 0)
                # "By a clerk up to $5 and by a manager up to $9" tells the action once.
                is_same = follows and not said.verb and not _AUXILIARY.search(left)
                action = self.grants[-1].action if is_same else _action(left, right, said.verb)
                is_refused = said.part == "refused"
                # "May not credit more than $40" lets the role credit that much.
                amount = amount._replace(limit=amount.above) if is_refused else amount
                may = not is_refused or amount.limit is not None
                self._add(group.roles, action, amount, is_allowed=may, is_exclusive=said.is_only)
                taken = max(taken, amount.limit.end - self.start) if amount.limit else taken
        return assents

    def _add(self, roles: list[str], action: str, amount: _Amount, **others: Any) -> None:
        what = (action.strip(" ,:.") or self.sentence)[:_WINDOW]
        others |= {"start": self.start, "end": self.start + len(self.sentence)}
        self.grants += [Grant(role, what, amount.limit, amount.per, **others) for role in roles]

    def _recent(self) -> range:
        return range(max(self.latest, len(self.grants) - _MOST_CHANGED), len(self.grants))

    def _assent(self, group: _Group, amount: _Amount, *, is_own: bool) -> None:
        """Add a role that must assent to the grants it is about, or as a grant of its own."""
        before = self.sentence[max(0, group.start - _WINDOW) : group.start]
        is_further, is_without = bool(_FURTHER.search(before)), bool(_WITHOUT.search(before))
        role, above, is_added = group.roles[-1], amount.above, False
        for index in self._recent() if is_own or is_further else ():
            grant = self.grants[index]
            if not same_role(grant.role, role) and (grant.is_allowed or is_without):
                more = above or (grant.limit if is_further or is_without else None)
                grant = replace(grant, is_allowed=True, approval=role, approval_above=more)
                self.grants[index], is_added = grant, True
        if not is_added:
            action = _action(before, "", 0)
            self._add([role], action, _Amount(), approval=role, approval_above=above)


def _action(left: str, right: str, verb: int) -> str:
    """The words that say what is granted: the verb and what follows, or what stands before."""
    if verb:
        return _ACTION_END.split(right[verb : verb + _WINDOW], maxsplit=1)[0]
    left = _NAMING.sub("", left[-_WINDOW:])
    ends = [found.start() for found in _AUXILIARY.finditer(left)]
    head = (left[: ends[-1]] if ends else _ACTION_END.split(left.lstrip(" ,"))[0]).strip(" ,")
    tail = re.split(r"[,;:]", head)[-1].strip()
    return head if len(tail.split()) <= 1 or tail.startswith(("and ", "or ")) else tail


class _Cell(NamedTuple):
    text: str
    start: int


def _table_grants(text: str) -> Iterator[Grant]:
    at = 0
    table: list[list[_Cell]] = []
    for line in [*text.splitlines(keepends=True), ""]:
        if line.strip().startswith("|"):
            table.extend(filter(None, [_cells(line, at)]))
        elif table:
            headings = [cell.text[:_WINDOW] for cell in table[0]]
            columns = _columns(headings, table[1:])
            names = [heading.split("(")[0].strip() for heading in headings]
            across = {i for i, name in enumerate(names) if i and _ROLE.fullmatch(name)}
            for row in table[1:]:
                yield from _row_grants(headings, row, columns, across)
            table = []
        at += len(line)


def _cells(line: str, start: int) -> list[_Cell]:
    """The cells of a table's line and where they begin; none for the line under the headings."""
    out: list[_Cell] = []
    at = 0
    for _, cells in table_rows("|role|\n" + line):
        for cell in cells:
            at = line.find(cell, at)
            out.append(_Cell(_MARKS.sub(" ", cell), start + at))
            at += len(cell)
    return out


def _columns(headings: list[str], rows: list[list[_Cell]]) -> dict[str, int]:
    """Which column names the role, the approver, the action and the limit, as far as it has one."""
    out: dict[str, int] = {}
    for name, pattern in _HEADINGS.items():
        named = (i for i, h in enumerate(headings) if i not in out.values() and pattern.search(h))
        if (column := next(named, None if name != "role" else 0)) is not None:
            out[name] = column
    for name in {"role", "approval"} & out.keys():
        cells = [row[out[name]].text for row in rows if out[name] < len(row)]
        if not any(_ROLE.search(cell) for cell in cells):
            del out[name]
    return out


def _row_grants(
    headings: list[str], row: list[_Cell], columns: dict[str, int], across: set[int]
) -> Iterator[Grant]:
    cells = {i: cell for i, cell in enumerate(row[: len(headings)]) if cell.text}
    if "role" not in columns and across:
        for i in sorted(across & cells.keys()):
            yield from _cell_grants(singular(headings[i]), row[0].text, cells[i], None)
        return
    wanted = ("approval", "role", "action", "limit")
    approver, named, action, limit = (cells.get(columns.get(name, -1)) for name in wanted)
    approvals = [group.roles[0] for group in _groups(approver.text)] if approver else []
    roles = [] if "role" in columns else approvals[:1]
    if named:
        names = re.split(r",|/|\bor\b|\band\b", re.sub(r"\([^)]{0,40}\)?", "", named.text))
        roles = [singular(name) for name in names[:_MOST_ROLES] if name.strip()]
    pairs = [(headings[i], c) for i, c in cells.items() if _is_giving(headings[i], c.text)]
    if action and limit:
        pairs = [(action.text, limit)]
    for role in roles:
        for what, cell in pairs:
            if cell not in (named, approver):
                yield from _cell_grants(role, what, cell, approvals[0] if approvals else None)


def _is_giving(heading: str, cell: str) -> bool:
    """Whether a column is about what may be granted, not about hours or telephone numbers."""
    is_named = (
        _GIVING_HEADING.search(heading)
        or _is_any(heading)
        or _UNLIMITED.search(cell)
        or _NONE.match(cell)
    )
    return bool(is_named and not _OTHER_HEADING.search(heading))


def _is_any(heading: str) -> bool:
    """Whether a heading says no more than that something may be granted; "(per call)" is beside."""
    return bool(_ANY_HEADING.fullmatch(re.sub(r"\([^)]{0,40}\)?", "", heading).strip(" :")))


def _own_action(cell: str) -> str:
    """What a cell says may be granted, where it says more than how much."""
    without = list(cell)
    for quantity in find_quantities(cell):
        without[quantity.start : quantity.end] = " " * (quantity.end - quantity.start)
    if not re.search(r"[A-Za-z]{4,}", _CAP.sub("", "".join(without).rstrip())):
        return ""
    words = _ACTION_END.split(cell.strip(), maxsplit=1)[0].strip(" ,:.")
    return (re.sub(r"\s+(?:of|by|for|to)$", "", words) or cell.strip())[:_WINDOW]


def _cell_grants(role: str, action: str, cell: _Cell, approval: str | None) -> Iterator[Grant]:
    at, end, what = cell.start, cell.start + len(cell.text), action[:_WINDOW]
    heading = _PER_HEADING.search(what)
    for part in cell.text.split(";"):
        amount = _amount(part, at, is_cell=True)
        at += len(part) + 1
        others = [n for group in _groups(part) for n in group.roles if not same_role(n, role)]
        is_assent = bool(others and _CELL_ASSENT.search(part))
        may = not (_NONE.match(part) or (others and not is_assent))
        named = f"{what}: {part.strip()[:_WINDOW]}" if ";" in cell.text else what
        if _is_any(what):
            own = _own_action(part) if may else _REFUSED.match(part) and part.strip()[:_WINDOW]
            named = own or named
        limit, per = amount.limit if may else None, amount.per or (heading and heading.group(1))
        assent = others[0] if is_assent else approval
        yield Grant(
            role, named, limit, per, is_allowed=may, approval=assent,
            approval_above=amount.above if is_assent else None, start=cell.start, end=end,
        )  # fmt: skip
