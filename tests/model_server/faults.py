"""What can go wrong between a client and a model, injected on purpose and written down."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.model_server.answers import Answer, ChatRequest
from tests.model_server.schema_rules import resolve
from tests.model_server.wire import Reply

#: Answered before the model is asked; a script loses no entry by them.
BEFORE_THE_MODEL = (
    "429", "429_int", "429_ms", "429_bare", "quota", "500", "502", "503", "timeout", "cut", "drop",
)  # fmt: skip
#: The model is asked, and its answer spoilt.
IN_THE_ANSWER = (
    "invalid_json", "missing_field", "wrong_enum", "truncated", "refusal", "content_filter",
    "false_quote", "false_clause", "huge", "slow",
)  # fmt: skip
ALL_KINDS = BEFORE_THE_MODEL + IN_THE_ANSWER

CHAT_PATH = "/v1/chat/completions"
QUOTE_FIELDS = frozenset({"quote", "clause_quote"})
CLAUSE_FIELDS = frozenset({"clauses", "clause", "clause_id", "clause_ids"})
REFUSAL = "I'm sorry, but I can't assist with that request."

_BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad "
    "Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
)
_ERRORS: dict[str, tuple[int, str, str | None, str]] = {
    "429": (429, "requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    "quota": (
        429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."
    ),
    "500": (500, "server_error", None, "The server had an error while processing your request."),
    "503": (503, "server_error", None, "The engine is currently overloaded."),
}  # fmt: skip


@dataclass(frozen=True)
class InjectedFault:
    """One fault: which draw it was, its kind, and whether it found anything to spoil."""

    n: int
    kind: str
    path: str
    changed: bool = True


Choose = Callable[[Any], str | None]


@dataclass
class FaultPlan:
    """Which requests go wrong and how.

    A plan draws by chance (``rate`` and ``kinds``, the same for the same ``seed``), by number
    (``FaultPlan.script``) or by the request (``FaultPlan.when``). Only valid requests to ``paths``
    are drawn for, numbered from 0; on other paths than chat only the kinds of
    ``BEFORE_THE_MODEL`` have an effect. One plan serves one server.
    """

    rate: float = 0.0
    kinds: Sequence[str] = ALL_KINDS
    seed: int = 0
    numbers: Mapping[int, str] | None = None
    choose: Choose | None = None
    retry_after_s: float = 0.05
    hold_s: float = 0.5
    slow_s: float = 0.2
    huge_chars: int = 4_000_000
    paths: tuple[str, ...] = (CHAT_PATH,)
    injected: list[InjectedFault] = field(default_factory=list)
    drawn: int = 0

    def __post_init__(self) -> None:
        unknown = {*self.kinds, *(self.numbers or {}).values()} - set(ALL_KINDS)
        if unknown:
            raise ValueError(f"no such kinds of fault: {sorted(unknown)}")

    @classmethod
    def script(cls, numbers: Mapping[int, str], **settings: Any) -> FaultPlan:
        """Faults for single requests by their number."""
        return cls(numbers=numbers, **settings)

    @classmethod
    def when(cls, choose: Choose, **settings: Any) -> FaultPlan:
        """Faults by a function of the request that returns a kind or None."""
        return cls(choose=choose, **settings)

    def by_kind_counts(self) -> dict[str, int]:
        """How often each kind of fault was injected and changed something."""
        return dict(Counter(fault.kind for fault in self.injected if fault.changed))

    def draw(self, path: str, request: object) -> Fault | None:
        """The fault that this request gets, if any."""
        if path not in self.paths:
            return None
        n = self.drawn
        self.drawn += 1
        chance = random.Random(f"{self.seed}:{n}")
        kind = self._kind(n, request, chance)
        if kind is None:
            return None
        if kind not in ALL_KINDS:
            raise ValueError(f"no such kind of fault: {kind!r}")
        return Fault(self, n, kind, path, chance)

    def _kind(self, n: int, request: object, chance: random.Random) -> str | None:
        if self.choose is not None:
            return self.choose(request)
        if self.numbers is not None:
            return self.numbers.get(n)
        return chance.choice(self.kinds) if chance.random() < self.rate else None


@dataclass(frozen=True)
class Fault:
    """One fault on its way to one request."""

    plan: FaultPlan
    n: int
    kind: str
    path: str
    chance: random.Random

    def _note(self, *, changed: bool = True) -> None:
        self.plan.injected.append(InjectedFault(self.n, self.kind, self.path, changed))

    def reply(self) -> Reply | None:
        """The reply in place of the model's, for the kinds that never reach it."""
        if self.kind not in BEFORE_THE_MODEL:
            return None
        self._note()
        if self.kind == "timeout":
            return Reply(sent="nothing", delay_s=self.plan.hold_s)
        if self.kind == "drop":
            return Reply(sent="nothing")
        if self.kind == "cut":
            body = {"id": "chatcmpl-cut", "object": "chat.completion", "choices": ["x" * 2000]}
            return Reply(body=json.dumps(body).encode(), sent="half")
        if self.kind == "502":
            return Reply(502, _BAD_GATEWAY.encode(), "text/html")
        known = "429" if self.kind.startswith("429") else self.kind
        status, error_type, code, message = _ERRORS[known]
        error = {"message": message, "type": error_type, "param": None, "code": code}
        body_bytes = json.dumps({"error": error}).encode()
        return Reply(status, body_bytes, headers=self._retry_headers())

    def _retry_headers(self) -> dict[str, str]:
        wait = self.plan.retry_after_s
        return {
            "429": {"retry-after": str(wait)},
            "429_int": {"retry-after": str(math.ceil(wait))},
            "429_ms": {"retry-after-ms": str(round(wait * 1000))},
        }.get(self.kind, {})

    @property
    def delay_s(self) -> float:
        """How much later the first byte comes."""
        return self.plan.slow_s if self.kind == "slow" else 0.0

    def spoilt(self, answer: Answer, request: ChatRequest) -> Answer:
        """The model's answer after the fault."""
        spoilt = self._spoilt(answer, request)
        self._note(changed=spoilt != answer or self.kind == "slow")
        return spoilt

    def _spoilt(self, answer: Answer, request: ChatRequest) -> Answer:
        content = answer.content or ""
        match self.kind:
            case "invalid_json":
                return replace(answer, content="Here is the result:\n" + content[:-1] + ",,")
            case "truncated":
                half = content[: len(content) // 2]
                return replace(answer, content=half, finish_reason="length")
            case "refusal":
                return replace(answer, content=None, refusal=REFUSAL)
            case "content_filter":
                return replace(answer, content=None, finish_reason="content_filter")
            case "slow":
                return answer
        try:
            value = json.loads(content)
        except ValueError:
            value = None
        if self.kind == "huge":
            return replace(answer, content=_huge(value, content, self.plan.huge_chars))
        edited = self._edited(value, request)
        return replace(answer, content=json.dumps(edited, ensure_ascii=False)) if edited else answer

    def _edited(self, value: Any, request: ChatRequest) -> Any:
        """The parsed answer changed in place, or None where there is nothing to change."""
        if self.kind in ("missing_field", "wrong_enum"):
            schema = request.schema or {}
            places = _places(value, schema, schema, enums=self.kind == "wrong_enum")
            if not places:
                return None
            holder, key = self.chance.choice(places)
            if self.kind == "missing_field":
                del holder[key]
            else:
                holder[key] = "no-such-value"
            return value
        fields = QUOTE_FIELDS if self.kind == "false_quote" else CLAUSE_FIELDS
        false = _false_quote if self.kind == "false_quote" else _false_clause
        return value if _falsified(value, fields, false) else None


def _places(value: Any, schema: Any, root: Any, *, enums: bool) -> list[tuple[Any, Any]]:
    """Where a value can be made to break its schema: required keys, or values of an enum."""
    schema = _matching(value, schema, root)
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        parts = [(key, part, properties.get(key, {})) for key, part in value.items()]
        if not enums:
            found += [(value, key) for key in schema.get("required", list(value)) if key in value]
    elif isinstance(value, list):
        parts = [(key, part, schema.get("items", {})) for key, part in enumerate(value)]
    else:
        return []
    for key, part, below in parts:
        fitting = _matching(part, below, root)
        if enums and ("enum" in fitting or "const" in fitting):
            found.append((value, key))
        found += _places(part, below, root, enums=enums)
    return found


def _matching(value: Any, schema: Any, root: Any) -> dict[str, Any]:
    """The schema behind references and, of alternatives, the one of the value's kind."""
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        return _matching(value, resolve(schema["$ref"], root), root)
    if "anyOf" in schema:
        branches = [_matching(value, branch, root) for branch in schema["anyOf"]]
        kinds = {"dict": "object", "list": "array", "str": "string"}
        kind = kinds.get(type(value).__name__)
        fitting = [branch for branch in branches if branch.get("type") == kind]
        if isinstance(value, dict):
            fitting.sort(key=lambda branch: set(branch.get("properties", {})) != set(value))
        return fitting[0] if fitting else {}
    return schema


def _falsified(value: Any, fields: frozenset[str], false: Callable[[Any], Any]) -> bool:
    """Replaces every field of these names at any depth; whether there was one."""
    changed = False
    if isinstance(value, dict):
        for key, part in value.items():
            if key in fields and part is not None:
                value[key] = false(part)
                changed = True
            else:
                changed |= _falsified(part, fields, false)
    elif isinstance(value, list):
        for part in value:
            changed |= _falsified(part, fields, false)
    return changed


def _false_quote(said: Any) -> Any:
    if isinstance(said, list):
        return [_false_quote(part) for part in said]
    return f"Zebras juggle {len(str(said))} violet lanterns beneath the harbour."


def _false_clause(named: Any) -> Any:
    if isinstance(named, list):
        return [_false_clause(part) for part in named] or ["no-such-book/99.9"]
    if isinstance(named, dict):
        return {key: "no-such-book/99.9" if "id" in key else part for key, part in named.items()}
    return "no-such-book/99.9"


def _huge(value: Any, content: str, chars: int) -> str:
    """The answer with its longest text said over and over."""
    holder, key, longest = _longest_text(value)
    if holder is None:
        return ((content or "word") + " ") * (chars // (len(content or "word") + 1) + 1)
    holder[key] = (longest + " ") * (chars // (len(longest) + 1) + 1)
    return json.dumps(value, ensure_ascii=False)


def _longest_text(value: Any) -> tuple[Any, Any, str]:
    best: tuple[Any, Any, str] = (None, None, "")
    if isinstance(value, dict | list):
        parts = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        for key, part in parts:
            found = (value, key, part) if isinstance(part, str) else _longest_text(part)
            if found[0] is not None and len(found[2]) >= len(best[2]):
                best = found
    return best
