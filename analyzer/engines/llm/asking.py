"""From a prompt to a checked answer: rendered, asked, read, repaired once, counted."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.engines.llm.answers import AnswerT, read_answer, schema_of
from analyzer.engines.llm.chat import Chat, Message, Meter, Reply
from analyzer.errors import BadAnswer, EngineRefused
from analyzer.prompts import Prompt, get_prompt

_FILTERED = frozenset(("content_filter", "SAFETY", "safety"))
_CUT_OFF = frozenset(("length", "max_tokens", "MAX_TOKENS"))
#: Of an answer that cannot be read the model is shown so much.
_SHOWN = 12_000


class CutOff(Exception):  # noqa: N818 - it says what happened
    """The answer was cut off; a smaller question may get a whole one."""


class Asker:
    """Asks for one call.

    Args:
        chat: The way to the model.
        meter: The call's own.
    """

    def __init__(self, chat: Chat, meter: Meter) -> None:
        self._chat = chat
        self.meter = meter

    async def ask(
        self,
        prompt: Prompt,
        answer: type[AnswerT],
        messages: Sequence[Message],
    ) -> tuple[AnswerT, Reply]:
        """Ask, and once more where the answer cannot be read.

        Args:
            prompt: What is asked, for the record.
            answer: Class of the answer.
            messages: The request.

        Raises:
            CutOff: If the answer was cut off.
            EngineRefused: If the model or the provider's filter declined.
            BadAnswer: If the answer cannot be read the second time either.
        """
        reply = await self._send(prompt, answer, messages)
        try:
            return await self._read(reply, answer)
        except BadAnswer as fault:
            behind = get_prompt("reshape")
            again = [
                *messages,
                Message("assistant", reply.text[:_SHOWN] or "(empty)"),
                Message("user", behind.render(fault=str(fault))),
            ]
        reply = await self._send(behind, answer, again)
        try:
            return await self._read(reply, answer)
        except BadAnswer as fault:
            raise BadAnswer(
                f"The model's answer to {prompt.name} cannot be used: {fault}, the second time "
                "too; it is kept in the response cache. Try another model, or again.",
                raw=reply.text,
            ) from fault

    async def _send(
        self, prompt: Prompt, answer: type[AnswerT], messages: Sequence[Message]
    ) -> Reply:
        reply = await self._chat.ask(messages, schema_of(answer))
        self.meter.add(reply, prompt=prompt.name, sha256=prompt.sha256)
        if reply.refusal is not None:
            await self._chat.keep_rejected(reply)
            raise EngineRefused("the model declined to answer")
        if reply.finish_reason in _FILTERED:
            await self._chat.keep_rejected(reply)
            raise EngineRefused("the provider's content filter stopped the answer")
        if reply.finish_reason in _CUT_OFF:
            await self._chat.keep_rejected(reply)
            raise CutOff
        return reply

    async def _read(self, reply: Reply, answer: type[AnswerT]) -> tuple[AnswerT, Reply]:
        try:
            found = read_answer(reply.text, answer)
        except BadAnswer:
            await self._chat.keep_rejected(reply)
            raise
        await self._chat.keep(reply)
        return found, reply
