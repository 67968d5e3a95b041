"""Headings that are such by their type alone, and documents in which every line is a heading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analyzer.readers.policies.blocks import Block

_MOST_WORDS = 12
_MOSTLY, _FEW = 0.8, 4


def may_be_heading(words: str) -> bool:
    """Tell whether a line in bold type is short and unfinished enough to be a heading."""
    return len(words.split()) <= _MOST_WORDS and words[-1] not in ".;!?," and "\n" not in words


def settle_headings(blocks: Sequence[Block], doubtful: Mapping[int, Block]) -> list[Block]:
    """Take back the headings that turn out to be none.

    A line in bold type is no heading where nothing stands under it: at the end of the document
    (a signature), or as one of several items of a list. Where nearly every line is a heading, the
    long ones and whole sentences are text.

    Args:
        blocks: In reading order.
        doubtful: By their place, what the headings by bold type are if they are none.

    Returns:
        As many blocks, in the same order.
    """
    out = list(blocks)
    for index in sorted(doubtful, reverse=True):
        # Those after it are settled, so that an item among them shows that this is one too.
        following = out[index + 1] if index + 1 < len(out) else None
        if following is None or _is_beside(doubtful[index], following):
            out[index] = doubtful[index]
        elif index + 1 in doubtful and _is_beside(doubtful[index], doubtful[index + 1]):
            out[index], out[index + 1] = doubtful[index], doubtful[index + 1]
    n_headings = sum(block.kind == "heading" for block in out)
    if len(out) < _FEW or n_headings <= _MOSTLY * len(out):
        return out
    return [_as_text(block) if _is_long(block) else block for block in out]


def _is_beside(item: Block, following: Block) -> bool:
    """Whether two blocks are items of one list, one right after the other."""
    return item.kind == following.kind == "item" and following.level == item.level


def _is_long(block: Block) -> bool:
    is_sentence = len(block.text.split()) > _MOST_WORDS or block.text[-1] in ".;!?"
    return block.kind == "heading" and is_sentence


def _as_text(block: Block) -> Block:
    return Block("paragraph", block.text, 0, block.page)
