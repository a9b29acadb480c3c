"""What voice and face are read from: the sound and the pictures of one video, collected while it is decoded once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from media.pictures import Picture
from model.album import Album
from model.faces import Crop, cut
from model.spectrogram import Spectrogram

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
    """What there is of one utterance: `voice` log-mel [frames, 64] float32, `face` [pictures, size, size, 3] uint8; None without."""

    voice: npt.NDArray[np.float32] | None
    face: npt.NDArray[np.uint8] | None


class Recording:
    """Collects one video; `see` is the watcher of its pictures, `heard` passes its sound through."""

    def __init__(self) -> None:
        self._sound = Spectrogram()
        self._pictures = Album()

    @property
    def seconds(self) -> float:
        """How long there is something to hear or to see."""
        return max(self._sound.seconds, self._pictures.seconds)

    def see(self, picture: Picture) -> None:
        """Take a picture."""
        self._pictures.add(picture)

    def heard(self, blocks: Iterable[npt.NDArray[np.float32]]) -> Iterator[npt.NDArray[np.float32]]:
        """Take the sound as it goes by."""
        for block in blocks:
            self._sound.add(block)
            yield block

    def stretch(self, start: float, end: float, looking: Looking | None, *, listening: bool) -> Stretch:
        """What is heard and seen from `start` to `end` seconds; the whole of it, however long it is."""
        frames = self._sound.between(start, end) if listening else np.empty((0, 0), np.float32)
        enough = len(frames) >= SHORTEST_VOICE_SECONDS * 100
        face = cut(self._pictures.between(start, end, looking.frames), looking.crop, looking.size) if looking is not None else None
        return Stretch(frames if enough else None, face)
