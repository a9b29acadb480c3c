"""Where a video's time goes: each second is counted once, as the part's that used it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from media.pictures import Picture
from model.parts import Part, Parts


class Clock:
    """Time passes when somebody works."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds


def _counted(parts: Parts) -> dict[Part, float]:
    return {part: seconds for part, seconds in parts.seconds.items() if seconds}


def test_a_part_stands_still_while_the_one_before_it_makes_its_next_piece() -> None:
    clock = Clock()
    parts = Parts(clock)

    def blocks() -> Iterator[int]:
        for block in range(3):
            clock.work(1)
            yield block
        clock.work(0.5)  # to find out that this was all

    def segments(heard: Iterator[int]) -> Iterator[int]:
        for block in heard:
            clock.work(10)
            yield block

    with parts.during(Part.WORDS):
        for _ in parts.each(Part.VOICE_ACTIVITY, segments(parts.each(Part.DECODE, blocks()))):
            clock.work(100)

    assert _counted(parts) == {Part.DECODE: 3.5, Part.VOICE_ACTIVITY: 30, Part.WORDS: 300}
    assert clock.now == 100 + sum(parts.seconds.values())


def test_what_nobody_does_is_counted_for_nobody() -> None:
    clock = Clock()
    parts = Parts(clock)

    with parts.during(Part.TEXT):
        clock.work(1)
    clock.work(50)
    with parts.during(Part.TEXT):
        clock.work(2)

    assert _counted(parts) == {Part.TEXT: 3}


def test_a_part_that_fails_is_counted_until_it_did() -> None:
    clock = Clock()
    parts = Parts(clock)
    try:
        with parts.during(Part.WORDS), parts.during(Part.DECODE):
            clock.work(4)
            raise ValueError
    except ValueError:
        clock.work(8)
    with parts.during(Part.TEXT):
        clock.work(1)

    assert _counted(parts) == {Part.DECODE: 4, Part.TEXT: 1}


def test_looking_at_a_picture_is_the_work_of_the_senses_and_not_of_decoding() -> None:
    clock = Clock()
    parts = Parts(clock)
    watcher = parts.watching(lambda picture: clock.work(2))
    assert watcher is not None

    with parts.during(Part.DECODE):
        clock.work(1)
        watcher(Picture(0.0, np.zeros((1, 1, 3), np.uint8)))

    assert _counted(parts) == {Part.DECODE: 1, Part.SENSES: 2}
    assert parts.watching(None) is None, "no pictures are decoded where nobody looks"
