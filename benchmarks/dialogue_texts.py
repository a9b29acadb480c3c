"""Utterances to read, as many as one likes: as long as those of a dialogue, in the words of the samples, and the same ones every time."""

from __future__ import annotations

from random import Random

from samples.script import DIALOGUE, ERRAND, read_script


def sample_texts() -> list[str]:
    """What the samples say."""
    return [line.text for clip in (DIALOGUE, ERRAND) for line in read_script(clip).lines]


def dialogue_texts(count: int) -> list[str]:
    """Some nine words each, few of more than twenty."""
    random, words = Random(1), " ".join(sample_texts()).split()
    lengths = [min(40, max(1, round(random.lognormvariate(1.9, 0.7)))) for _ in range(count)]
    return [" ".join(random.choices(words, k=length)) for length in lengths]
