"""What voice and face are read from: the sound and the pictures of one video, collected while it is decoded once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from media.decoded import SAMPLE_RATE
from media.pictures import Picture, Watcher
from model.album import Album
from model.faces import Crop, cut
from model.spectrogram import FRAMES_PER_SECOND, Spectrogram

if TYPE_CHECKING:
    from model.voice_segments import VoiceSegment

#: A stretch of less sound than this, in seconds, says nothing of a voice.
SHORTEST_VOICE_SECONDS = 0.2


@dataclass(frozen=True)
class Looking:
    """How a face tower wants its pictures: how many a stretch, how large, and cut to what."""

    frames: int
    size: int
    crop: Crop


@dataclass(frozen=True)
class Stretch:
    """What there is of a stretch: `voice` log-mel [frames, 64] float32, `face` [pictures, size, size, 3] uint8; None without."""

    voice: npt.NDArray[np.float32] | None
    face: npt.NDArray[np.uint8] | None


class Recording:
    """Collects one video: its pictures where somebody is `looking`, its sound where somebody is `listening`."""

    def __init__(self, looking: Looking | None, *, listening: bool) -> None:
        self._looking = looking
        self._sound = Spectrogram() if listening else None
        self._pictures = Album()
        self._voiced: list[tuple[float, float]] = []

    @property
    def seconds(self) -> float:
        """How long there is something to hear or to see."""
        return max(self._sound.seconds if self._sound is not None else 0.0, self._pictures.seconds)

    @property
    def watcher(self) -> Watcher | None:
        """Takes pictures; None where nobody is looking, so that none are decoded."""
        return self._see if self._looking is not None else None

    def heard(self, blocks: Iterable[npt.NDArray[np.float32]]) -> Iterator[npt.NDArray[np.float32]]:
        """Take the sound as it goes by."""
        for block in blocks:
            if self._sound is not None:
                self._sound.add(block)
            yield block

    def voiced(self, segments: Iterable[VoiceSegment]) -> Iterator[VoiceSegment]:
        """Note where somebody may be speaking as the segments go by."""
        for segment in segments:
            self._voiced.append((segment.start, segment.start + len(segment.samples) / SAMPLE_RATE))
            yield segment

    def voiced_seconds(self, start: float, end: float) -> float:
        """For how long somebody may be speaking from `start` to `end` seconds."""
        return sum(max(0.0, min(end, last) - max(start, first)) for first, last in self._voiced)

    def stretch(self, start: float, end: float, *, listening: bool = True) -> Stretch:
        """What is heard, unless not listening, and seen from `start` to `end` seconds; the whole of it, however long it is."""
        voice = self._sound.between(start, end) if self._sound is not None and listening else None
        if voice is not None and len(voice) < SHORTEST_VOICE_SECONDS * FRAMES_PER_SECOND:
            voice = None
        if self._looking is None:
            return Stretch(voice, None)
        pictures = self._pictures.between(start, end, self._looking.frames)
        return Stretch(voice, cut(pictures, self._looking.crop, self._looking.size))

    def _see(self, picture: Picture) -> None:
        self._pictures.add(picture)
