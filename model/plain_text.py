"""Text in the forms that the text model knows: with typewriter punctuation, and as a recogniser would write it."""

from __future__ import annotations

import re

_TYPOGRAPHY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "–": "-", "—": "-"})


def plain(text: str) -> str:
    """The text with typewriter quotes and dashes and single spaces."""
    return " ".join(text.translate(_TYPOGRAPHY).split())


def as_recognised(text: str) -> str:
    """The text as a recogniser would write it: lower case, no punctuation."""
    return " ".join(re.sub(r"[^a-z0-9' ]+", " ", plain(text).lower()).split())


def is_as_recognised(text: str) -> bool:
    """Whether the text could be a recogniser's: without a capital or a mark."""
    return as_recognised(text) == plain(text)
