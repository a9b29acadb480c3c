"""Text as numbers: hashed word and character n-grams, the same in training and at inference."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

#: A feature's number is the CRC-32 of its n-gram in this many bits.
HASH_BITS = 17
SLOTS = 1 << HASH_BITS
LONGEST_WORD_NGRAM = 3
CHARACTER_NGRAMS = (3, 4, 5)
#: How much the character n-grams of a text weigh against its word n-grams.
CHARACTER_WEIGHT = 0.7

_TOKEN = re.compile(r"[A-Za-z0-9']+|[^\sA-Za-z0-9']+")
_TYPOGRAPHY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "–": "-", "—": "-"})


def plain(text: str) -> str:
    """The text with typewriter quotes and dashes and single spaces."""
    return " ".join(text.translate(_TYPOGRAPHY).split())


def as_recognised(text: str) -> str:
    """The text as a recogniser would write it: lower case, no punctuation."""
    return " ".join(re.sub(r"[^a-z0-9' ]+", " ", plain(text).lower()).split())


def _word_ngrams(text: str) -> Iterable[str]:
    tokens = _TOKEN.findall(text.lower())
    for token in tokens:
        yield f"1 {token}"
    bounded = ["<", *tokens, ">"]
    for length in range(2, LONGEST_WORD_NGRAM + 1):
        for first in range(len(bounded) - length + 1):
            yield f"{length} {' '.join(bounded[first : first + length])}"
    for token in _TOKEN.findall(text):
        if len(token) > 1 and token.isupper():  # shouting
            yield f"u {token.lower()}"


def _character_ngrams(text: str) -> Iterable[str]:
    for token in _TOKEN.findall(text.lower()):
        bounded = f"<{token}>"
        for length in CHARACTER_NGRAMS:
            for first in range(len(bounded) - length + 1):
                yield f"c {bounded[first : first + length]}"


def _hashed(ngrams: Iterable[str], weight: float) -> tuple[list[int], list[float]]:
    counts = Counter(zlib.crc32(ngram.encode()) & (SLOTS - 1) for ngram in ngrams)
    values = [1.0 + math.log(count) for count in counts.values()]
    norm = math.sqrt(sum(value * value for value in values)) or 1.0
    return list(counts), [weight * value / norm for value in values]


def features(text: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The features of a text: their numbers (0 to `SLOTS` - 1) and their values, two vectors of one length.

    A number may occur twice, once among the words and once among the characters; the values of both count.
    """
    text = plain(text)
    words, word_values = _hashed(_word_ngrams(text), 1.0)
    characters, character_values = _hashed(_character_ngrams(text), CHARACTER_WEIGHT)
    return np.array(words + characters, np.int64), np.array(word_values + character_values, np.float32)
