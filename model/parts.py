"""Where the time of one video goes, although its parts take turns: each asks the one before it for its next piece."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from media.pictures import Picture, Watcher

T = TypeVar("T")


class Part(StrEnum):
    """A part of the work on a video. What is done meanwhile in other processes is not seen here, only the waiting for it."""

    #: Opening the video, reading it and decoding it, as far as that is waited for: its process works ahead.
    DECODE = "decode"
    VOICE_ACTIVITY = "voice_activity"
    WORDS = "words"
    TEXT = "text"
    #: Voice, face and fusion, from collecting to judging.
    SENSES = "senses"


class Parts:
    """Seconds that one video has spent in each part, in its own thread. A part stands still while another works for it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = dict.fromkeys(Part, 0.0)
        self._clock = clock
        self._open: list[Part] = []
        self._since = 0.0

    @contextmanager
    def during(self, part: Part) -> Iterator[None]:
        """Count the block as the part's, and not as that of the part around it."""
        self._turn()
        self._open.append(part)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def each(self, part: Part, pieces: Iterable[T]) -> Iterator[T]:
        """The pieces, as they come; making them is counted as the part's, and what is done with them is not."""
        coming = iter(pieces)
        while True:
            with self.during(part):
                try:
                    piece = next(coming)
                except StopIteration:
                    return
            yield piece

    def watching(self, watcher: Watcher | None) -> Watcher | None:
        """The same watcher, whose work is counted as the senses'."""
        if watcher is None:
            return None

        def watch(picture: Picture) -> None:
            with self.during(Part.SENSES):
                watcher(picture)

        return watch

    def rounded(self) -> dict[str, float]:
        """The seconds to the millisecond, for logs and reports."""
        return {part.value: round(seconds, 3) for part, seconds in self.seconds.items()}

    def _turn(self) -> None:
        now = self._clock()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now
