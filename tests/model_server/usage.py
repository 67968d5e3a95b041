"""Token counts as the service reports them, estimated, and vectors in place of an embedder's."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter, deque
from typing import Any

import numpy as np

from tests.model_server.answers import Answer, ChatRequest

CHARS_PER_TOKEN = 4
CACHE_STEP_TOKENS = 128
CACHE_FROM_TOKENS = 1024
REMEMBERED_PROMPTS = 50
DIMENSIONS = 64

Chain = list[int]


def tokens(text: str) -> int:
    """The estimated number of tokens."""
    return -(-len(text) // CHARS_PER_TOKEN)


def prompt_text(request: ChatRequest) -> str:
    """What the model reads, in the order that decides what a cache can share."""
    parts = [request.body["model"]]
    tools = request.body.get("tools")
    if tools:
        parts.append(json.dumps(tools))
    if request.mode == "json_schema":
        parts.append(json.dumps(request.schema))
    for message in request.messages:
        parts += (message["role"], message.get("content") or "")
    return "\n".join(parts)


class PromptCache:
    """The prompt cache: whole steps of a prefix shared with one of the last prompts.

    Each prompt is remembered as a chain of hashes, one for each step of its prefix, so looking one
    up costs one pass over its text whatever was asked before.
    """

    def __init__(self) -> None:
        self._chains: deque[Chain] = deque()
        self._known: Counter[int] = Counter()

    @staticmethod
    def chain(text: str) -> Chain:
        """The hash of every whole step of the text together with all that stands before it."""
        step = CACHE_STEP_TOKENS * CHARS_PER_TOKEN
        hashes, so_far = [], 0
        for end in range(step, len(text) + 1, step):
            so_far = hash((so_far, text[end - step : end]))
            hashes.append(so_far)
        return hashes

    def cached_tokens(self, chain: Chain) -> int:
        """How many of the prompt's tokens an earlier prompt has left in the cache."""
        for steps in range(len(chain), CACHE_FROM_TOKENS // CACHE_STEP_TOKENS - 1, -1):
            if chain[steps - 1] in self._known:
                return steps * CACHE_STEP_TOKENS
        return 0

    def remember(self, chain: Chain) -> None:
        """Keeps a prompt that has been worked on, unless it is there whole."""
        if not chain or chain[-1] in self._known:
            return
        self._chains.append(chain)
        self._known.update(chain)
        if len(self._chains) > REMEMBERED_PROMPTS:
            self._known.subtract(gone := self._chains.popleft())
            for key in gone:
                if not self._known[key]:
                    del self._known[key]


def usage_of(prompt: str, cached: int, answer: Answer) -> dict[str, Any]:
    """The ``usage`` object of a completion."""
    asked = tokens(prompt)
    said = max(1, tokens((answer.content or "") + (answer.refusal or "")))
    usage = {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    return usage | (answer.usage or {})


def embedding(text: str, dimensions: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A unit vector from the hashes of a text's words: alike texts come out close."""
    vector = np.zeros(dimensions)
    for word in re.findall(r"\w+", text.lower()) or [text]:
        digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
        spread = np.random.default_rng(int.from_bytes(digest, "little"))
        vector += spread.standard_normal(dimensions)
    return (vector / np.linalg.norm(vector)).astype("<f4")


def encoded_embedding(text: str, dimensions: int, encoding: str) -> list[float] | str:
    """The vector as numbers or as base64, as the request asks."""
    vector = embedding(text, dimensions)
    if encoding == "base64":
        return base64.b64encode(vector.tobytes()).decode()
    return [float(value) for value in vector]
