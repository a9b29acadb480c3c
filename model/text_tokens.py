"""Text as the encoder reads it: an utterance, then what was said before it, as padded tokens; the same in training and at inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from model.plain_text import plain

#: Tokens of an utterance that are read; what is longer is cut at its end.
UTTERANCE_TOKENS = 80
#: How many utterances before it are read, how many tokens of each, and of all of them: the latest count.
UTTERANCES_BEFORE = 3
TOKENS_OF_ONE_BEFORE = 24
TOKENS_BEFORE = 48

Tokens = npt.NDArray[np.int64]


class Turn(NamedTuple):
    """An utterance, and those that were said before it, the latest last."""

    text: str
    before: Sequence[str] = ()


def turns(texts: Sequence[str]) -> list[Turn]:
    """The utterances of one conversation, in their order, each with those before it that are read."""
    return [Turn(text, texts[max(0, place - UTTERANCES_BEFORE) : place]) for place, text in enumerate(texts)]


class Batch(NamedTuple):
    """Token ids, mask and segments (0 the utterance, 1 what was before it), each [texts, tokens]."""

    ids: Tokens
    mask: Tokens
    segments: Tokens


class TextTokens:
    """A tokenizer's words for the encoder."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._start, self._end, self._pad = (self._mark(name) for name in ("[CLS]", "[SEP]", "[PAD]"))

    def encode(self, turn: Turn) -> tuple[list[int], int]:
        """Token ids, and how many of them are the utterance's own."""
        own = [self._start, *self._ids(turn.text)[:UTTERANCE_TOKENS], self._end]
        before: list[int] = []
        for text in turn.before[-UTTERANCES_BEFORE:]:
            before += [*self._ids(text)[:TOKENS_OF_ONE_BEFORE], self._end]
        return own + before[-TOKENS_BEFORE:], len(own)

    def _mark(self, name: str) -> int:
        number = self._tokenizer.token_to_id(name)
        if number is None:
            raise ValueError(f"the tokenizer has no {name}")
        return number

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(plain(text), add_special_tokens=False).ids
        return ids

    def batch(self, encoded: Sequence[tuple[list[int], int]]) -> Batch:
        """Encoded utterances side by side, padded to the longest."""
        shape = len(encoded), max(len(ids) for ids, _ in encoded)
        batch = Batch(np.full(shape, self._pad), np.zeros(shape, np.int64), np.zeros(shape, np.int64))
        for row, (ids, own) in enumerate(encoded):
            batch.ids[row, : len(ids)] = ids
            batch.mask[row, : len(ids)] = 1
            batch.segments[row, own : len(ids)] = 1
        return batch
