"""Finding the stretches of a sound track in which somebody may be speaking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pocketsphinx import Endpointer

#: Samples a second of all sound that the model works on.
SAMPLE_RATE = 16_000
#: Sound kept before and after detected speech, in seconds: onsets and endings are quiet, and the detector misses them.
PADDING_SECONDS = 0.2
#: A stretch without a pause is cut after this many seconds, so that an hour of noise is never held in memory at once.
LONGEST_SECONDS = 20.0
#: How far back from the longest length a quiet place is looked for to cut at.
CUT_WINDOW_SECONDS = 4.0

_WINDOW_SECONDS = 0.21
_RATIO = 0.9
_VAD_MODE = 2

Pcm = npt.NDArray[np.int16]


@dataclass(frozen=True)
class VoiceSegment:
    """A stretch of sound that may hold speech: where it starts, in seconds, and its 16 kHz mono 16-bit samples."""

    start: float
    samples: Pcm


def to_pcm(block: npt.NDArray[np.float32]) -> Pcm:
    """Turn float samples of -1..1 into 16-bit samples; louder ones are clipped."""
    return (np.clip(block, -1.0, 1.0) * 32767.0).astype(np.int16)


def _quietest_cut(samples: Pcm) -> int:
    """The index at which an overlong stretch is best cut: the quietest 30 ms of its last seconds."""
    frame = int(0.03 * SAMPLE_RATE)
    first = len(samples) - int(CUT_WINDOW_SECONDS * SAMPLE_RATE)
    tail = samples[first:]
    frames = tail[: len(tail) // frame * frame].reshape(-1, frame).astype(np.float64)
    return int(first + (frames**2).sum(axis=1).argmin() * frame + frame // 2)


class _Buffer:
    """The newest stretch of the sound, addressed by sample number from the start of the track."""

    def __init__(self) -> None:
        self.start = 0
        self.samples: Pcm = np.empty(0, np.int16)

    @property
    def end(self) -> int:
        return self.start + len(self.samples)

    def append(self, samples: Pcm) -> None:
        self.samples = np.concatenate([self.samples, samples])

    def cut(self, first: int, last: int) -> Pcm:
        return self.samples[max(0, first - self.start) : max(0, last - self.start)].copy()

    def forget_before(self, index: int) -> None:
        drop = index - self.start
        if drop > 0:
            self.samples = self.samples[drop:].copy()
            self.start = index


def find_voice(blocks: Iterable[npt.NDArray[np.float32]]) -> Iterator[VoiceSegment]:
    """Yield the stretches of a sound track that may hold speech, in order, while the track is being read.

    `blocks` are consecutive 16 kHz mono float32 blocks of any length. Segments do not overlap, carry 0.2 s of padding where
    there is any, and are at most `LONGEST_SECONDS` long. Memory is bounded by that length, not by the track's.
    """
    endpointer = Endpointer(window=_WINDOW_SECONDS, ratio=_RATIO, vad_mode=_VAD_MODE, sample_rate=SAMPLE_RATE)
    frame = endpointer.frame_bytes // 2
    padding = int(PADDING_SECONDS * SAMPLE_RATE)
    history = padding + 2 * int(_WINDOW_SECONDS * SAMPLE_RATE)
    longest = int(LONGEST_SECONDS * SAMPLE_RATE)
    buffer = _Buffer()
    position = 0  # the sample up to which the detector has listened
    opened: int | None = None  # where the open segment starts
    spoken_for = 0  # the end of the last segment given out

    for samples in _with_silent_end(blocks):
        buffer.append(samples)
        while buffer.end - position >= frame:
            endpointer.process(buffer.cut(position, position + frame).tobytes())
            position += frame
            if endpointer.in_speech:
                if opened is None:
                    opened = max(spoken_for, int(endpointer.speech_start * SAMPLE_RATE) - padding, buffer.start)
                if position - opened >= longest:
                    cut = opened + _quietest_cut(buffer.cut(opened, position))
                    yield VoiceSegment(opened / SAMPLE_RATE, buffer.cut(opened, cut))
                    opened = spoken_for = cut
            elif opened is not None:
                end = min(position, int(endpointer.speech_end * SAMPLE_RATE) + padding)
                if end > opened:
                    yield VoiceSegment(opened / SAMPLE_RATE, buffer.cut(opened, end))
                opened, spoken_for = None, max(end, spoken_for)
        buffer.forget_before(opened if opened is not None else max(spoken_for, position - history))


def _with_silent_end(blocks: Iterable[npt.NDArray[np.float32]]) -> Iterator[Pcm]:
    """The track as 16-bit samples, then a second of silence: the detector drops a segment that is open at the end."""
    for block in blocks:
        yield to_pcm(block)
    yield np.zeros(SAMPLE_RATE, np.int16)
