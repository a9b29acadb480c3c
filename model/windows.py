"""Stretches of voice packed into windows for a recogniser that always listens to thirty seconds, and back again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from model.voice_segments import SAMPLE_RATE, Sound, VoiceSegment

#: The longest window: Whisper hears 30 s, and times at its very end are unreliable.
WINDOW_SECONDS = 29.0
#: Silence left between two stretches, in place of what was there: enough to be heard as a pause.
BETWEEN_SECONDS = 0.5

_BETWEEN = np.zeros(int(BETWEEN_SECONDS * SAMPLE_RATE), np.float32)


@dataclass(frozen=True)
class Window:
    """Stretches of voice, in order, that are listened to at once."""

    segments: tuple[VoiceSegment, ...]

    @property
    def samples(self) -> Sound:
        """The stretches with short silences between them (float32, 16 kHz, mono)."""
        parts = [part for segment in self.segments for part in (_BETWEEN, segment.samples)]
        return np.concatenate(parts[1:])

    def place(self, start: float, end: float) -> tuple[float, float]:
        """Where a word, heard from `start` to `end` seconds of the window, lies in the video: inside the stretch that holds its middle."""
        offset = 0.0
        for segment in self.segments:
            length = len(segment.samples) / SAMPLE_RATE
            if (start + end) / 2 < offset + length + BETWEEN_SECONDS / 2 or segment is self.segments[-1]:
                break
            offset += length + BETWEEN_SECONDS
        first, last = (min(max(segment.start + time - offset, segment.start), segment.end) for time in (start, end))
        return first, last


def into_windows(segments: Iterable[VoiceSegment]) -> Iterator[Window]:
    """Pack neighbouring stretches, none longer than a window, into as few windows as their order allows."""
    packed: list[VoiceSegment] = []
    seconds = 0.0
    for segment in segments:
        length = BETWEEN_SECONDS + len(segment.samples) / SAMPLE_RATE
        if packed and seconds + length > WINDOW_SECONDS:
            yield Window(tuple(packed))
            packed, seconds = [], 0.0
        packed.append(segment)
        seconds += length
    if packed:
        yield Window(tuple(packed))
