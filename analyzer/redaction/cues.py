"""The words that tell what a number is, and those that only keep a talk going."""
# ruff: noqa: E501, SIM905 - tables of words and patterns; small counts of words

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

CueKind = Literal["card", "account", "phone", "government_id", "address", "email", "name", "keep"]


#: Kinds that are told by digits.
SENSITIVE: frozenset[CueKind] = frozenset({"card", "account", "phone", "government_id", "address"})


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue in a turn; ``is_strong`` where it names a number rather than a thing."""

    start: int
    end: int
    kind: CueKind
    is_strong: bool
    is_ending: bool = False


_NUMBER = r"(?:\s*(?:number|numbers|num|no\b\.?|nr|id|code|reference|ref|#|digits))"
_THINGS = (
    r"order|booking|ticket|case|confirmation|tracking|invoice|serial|part|model|flight|room|"
    r"version|error|build|port|form|page|quote|group|reservation|parcel|shipment|incident|"
    r"reference|receipt|claim|job|complaint|purchase|gate|seat|product|item|bill|voucher|coupon|"
    r"promo|transaction|router|meter|reading|return|rma|po|work\s+order|docket|consignment|waybill|batch|lot"
)
_SAID = (
    r"(?:oh|o|zero|nought|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|double|triple|treble)"
)
_FOLLOWED = (
    rf"(?=\s*[#:]?\s*(?:is\s+)?(?:[0-9][0-9 -]{{4,}}|{_SAID}[\s,-]+{_SAID}[\s,-]+{_SAID}\b))"
)
_CUE = re.compile(
    r"(?P<end>\b(?:end(?:s|ed|ing)?(?:\s+(?:in|with))?|finish(?:es|ing)\s+(?:in|with)|"
    r"last\s+(?:four|4|few|eight|8|three|3|six|6)(?:\s+(?:digits|numbers))?|final\s+(?:four|4))\b)"
    r"|(?P<card>\b(?:(?:card|visa|mastercard|debit|credit|amex)"
    rf"(?:'s)?{_NUMBER}|long\s+(?:card\s+)?number|numbers?\s+(?:off|from)\s+(?:the|your|my|that)\s+card|card\s+details|sixteen[\s-]digits?|pan\s+number|"
    r"cvv2?|cvc2?|security\s+(?:code|number)|(?:digits?|numbers?|code)\s+on\s+the\s+(?:back|front|reverse)))"
    r"|(?P<card_weak>\b(?:card|cards|visa|mastercard|amex|american\s+express|debit|maestro|discover)\b)"
    r"|(?P<account>\b(?:(?:bank\s+)?acc(?:oun)?t(?:'s)?"
    rf"(?:{_NUMBER}|\s+is\b)|acct\b{_NUMBER}?|sort\s*-?\s*codes?|routing(?:{_NUMBER})?|aba\s+number|ibans?|"
    r"bic|transit\s+number|bsb|"
    r"(?:member(?:ship)?|loyalty|customer|frequent\s+(?:flyer|flier)|rewards?|client|patient|"
    r"policy(?:holder)?|subscriber|meter\s+account|mileage\s*plus|avios|clubcard|nectar|user)"
    rf"(?:'s)?(?:\s+(?:card|account|programme|program|club))?{_NUMBER}"
    r"|user\s?names?\b|log-?\s?in\s+(?:name|id)\b"
    rf"|(?:member|policy|customer|patient|client|subscriber)\b{_FOLLOWED}))"
    r"|(?P<account_weak>\b(?:account|acct|membership|loyalty)\b)"
    r"|(?P<phone>\b(?:(?:tele)?phone|mobile|cell(?:phone)?|land\s*line|call\s*-?\s*back|contact|daytime|home|work|fax|whatsapp)"
    rf"(?:'s)?(?:\s+phone)?{_NUMBER}|number\s+(?:to|you\s+can|can|we\s+can|i\s+can|where)\s+\w+|(?:mobile|cell(?:phone)?|phone|land\s*line)\s+(?:that\s+)?(?:i|we|they)\s+can\s+(?:call|reach|ring|text|get)|(?:(?<=best )|(?<=good )|(?<=another )|(?<=different )|(?<=right )|(?<=which )|(?<=what )|(?<=a )|(?<=my )|(?<=your )|(?<=her )|(?<=his )|(?<=their )|(?<=new )|(?<=old )|(?<=other ))number\b)"
    r"|(?P<phone_weak>\b(?:(?:call|ring|phone|text|reach|bell|buzz|dial|try|get|whatsapp|message)\s+(?:me|us|you|him|her|them|back|my\s+\w+)\b|call\s*back\b|calling\s+(?:from|on)\b|called\s+(?:me\s+)?from\b|give\s+(?:me|us)\s+a\s+(?:call|ring|bell|buzz|shout)|telephone|phone|mobile|mob|cell|landline|tel|fax|office\s+on|dial|area\s+code)\b)"
    r"|(?P<government_id>\b(?:social(?:\s+security)?(?!\s+media)|ssn|national\s+insurance|n\s?\.?i\.?\s+(?:number|no)|nino|"
    rf"passports?|(?:driv(?:ing|er|ers|er's)\s+|driver’s\s+)licen[cs]e|licen[cs]e\s+number|tax\s+(?:id|number|reference|file)|utr\b|itin|"
    r"national\s+id|medicare|nhs\s+number)(?:'s)?"
    rf"{_NUMBER}?)"
    r"|(?P<address>\b(?:post\s?code|zip(?:\s*code)?|postal\s+code|eir\s?code|(?:home|billing|shipping|mailing|delivery|street|postal)\s+address|(?<!ip )(?<!web )address|"
    r"where\s+should\s+(?:i|we)\s+send|house\s+number|door\s+number|where\s+do\s+you\s+live|live\s+at|living\s+at|moved\s+to)\b)"
    r"|(?P<email>\be\s?-?\s?mails?(?:\s+address(?:es)?)?\b)"
    rf"|(?P<keep>\b(?:(?:{_THINGS})s?(?:'s)?{_NUMBER}|tracking|serial|invoice|expir(?:y|es|ation|ing)|(?:start|issue|end)\s+date|valid\s+(?:until|thru|through|from)|"
    r"date\s+of\s+birth|dob|birthday|(?:record\s+)?locator|pnr|(?:the\s+)?amount|total|price|balance|quantity|imei)\b)"
    rf"|(?P<keep_weak>\b(?:{_THINGS})s?\b)"
)
#: A turn without any of these has no cue.
CUE_WORDS = frozenset(
    """
    end ends ended ending finishes finishing last final card cards card's visa mastercard
    debit credit amex long sixteen digit digits pan cvv cvv2 cvc cvc2 security maestro
    discover american account account's accounts acct acc bank sort sortcode routing aba
    iban ibans ban bic transit bsb member membership loyalty customer frequent rewards
    reward client patient policy policyholder subscriber mileage mileageplus avios clubcard
    nectar user username usernames log login phone telephone mobile cell cellphone landline land callback call contact
    daytime home work fax whatsapp number ring text reach bell buzz dial try get calling
    called give message tel mob office area social ssn national insurance ni nino passport
    passports licence license tax utr itin medicare nhs postcode post zip zipcode postal eircode
    address house door where live living moved billing shipping mailing delivery street n e
    code numbers start issue driving driver drivers record date bank email emails mail mails order
    booking ticket case confirmation tracking invoice serial part model flight room version
    error build port form page quote group reservation parcel shipment incident reference
    receipt claim job complaint purchase gate seat product item bill voucher coupon promo
    transaction router meter reading return rma po docket consignment waybill batch lot
    expiry expires expiration expiring valid date dob birthday locator pnr amount total
    price balance quantity imei tracking's order's booking's flight's
    """.split()
) | frozenset(f"{word}s" for word in _THINGS.split("|"))
_KINDS: dict[str, tuple[CueKind, bool]] = {
    "card": ("card", True),
    "card_weak": ("card", False),
    "account": ("account", True),
    "account_weak": ("account", False),
    "phone": ("phone", True),
    "phone_weak": ("phone", False),
    "government_id": ("government_id", True),
    "address": ("address", True),
    "email": ("email", True),
    "keep": ("keep", True),
    "keep_weak": ("keep", False),
}
_FILLER = frozenset(
    """
    uh uhh um umm er err erm ah oh and then so sorry no wait hang on hm hmm mm mmm mhm huh
    ok okay yeah yea yes yep yup ya aye right sure go ahead carry got it its it's is was
    that's thats that thank thanks you great lovely perfect correct next please the my i've
    have well again first rest of in let me see did say said now one with by followed like
    i'm here we brilliant cool continue number digits mean just to should be love mate still
    there what last bit part read back confirm repeat also actually alright all noted fine
    good beauty grand double triple oh for as pause a i s
    """.split()
)
_WORD = re.compile(r"[a-z](?:[a-z']*[a-z])?")
_FIRST = re.compile(r"[a-z]+")


def find_cues(low: str) -> list[Cue]:
    """Cues of a turn in order; ``low`` is the turn's text in lower case."""
    cues: list[Cue] = []
    at = 0
    for word in _FIRST.finditer(low):
        if word.start() < at or word[0] not in CUE_WORDS:
            continue
        match = _CUE.match(low, word.start())
        if match is None:
            continue
        at = match.end()
        name = match.lastgroup or ""
        if name == "end":
            cues.append(Cue(match.start(), match.end(), "card", is_strong=False, is_ending=True))
        elif name in _KINDS:
            kind, strong = _KINDS[name]
            cues.append(Cue(match.start(), match.end(), kind, strong))
    return cues


def words_left(low: str, spans: list[tuple[int, int]]) -> int:
    """How many words of a turn are neither in ``spans`` nor such as only keep a talk going."""
    kept: list[str] = []
    at = 0
    for start, end in spans:
        kept.append(low[at:start])
        at = end
    kept.append(low[at:])
    return sum(len(w) > 1 and w not in _FILLER for w in _WORD.findall(" ".join(kept)))
