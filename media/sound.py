"""Decoded sound laid on the video's clock: resampled to 16 kHz mono, holes filled with silence, limits counted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from media.decoded import SAMPLE_RATE
from media.limits import MediaLimits, Rejected
from media.tracks import check_sound
from schemas.analysis import Gap
from schemas.failures import RejectionCode

#: Samples in every block but the last: five seconds, 320 kB.
BLOCK_SAMPLES = 5 * SAMPLE_RATE
#: Seconds that the clock of consecutive frames may be off before it counts as a hole.
CLOCK_SLACK = 0.1


class Sound:
    """Takes frames in order and gives blocks; `seconds` is how much sound there is so far, `gaps` where the file had none."""

    def __init__(self, limits: MediaLimits, video_start: float) -> None:
        self.seconds = 0.0
        self.decoded_frames = 0
        self.errors = 0
        self.gaps: list[Gap] = []
        self._limits = limits
        self._video_start = video_start
        self._resampler: AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None
        self._gain = 1.0
        self._pending: list[NDArray[np.float32]] = []
        self._pending_samples = 0

    def add(self, frame: AudioFrame) -> Iterator[NDArray[np.float32]]:
        """Lay a frame where its time says. Raises Rejected for sound that is too long or that cannot be speech."""
        if frame.samples <= 0:
            return
        check_sound(frame)
        if frame.time is not None:
            yield from self._fill(frame.time - self._video_start - self.seconds)
        self.seconds += frame.samples / frame.sample_rate
        self._check_length()
        self.decoded_frames += 1
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            yield from self._flush()
            self._resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
            self._shape = shape
            self._gain = 1 / loudness_of_mix(frame.layout)
        frame.pts = None
        yield from self._resample(frame)

    def skip(self, reason: str) -> bool:
        """Count a stretch that does not decode; True when there have been so many that the rest is given up."""
        self.errors += 1
        if self.errors > self._limits.errors:
            self.end(f"more than {self._limits.errors} errors, the last one: {reason}")
            return True
        return False

    def end(self, reason: str) -> None:
        """Say why there is no sound after what was decoded."""
        self.gaps.append(Gap(start=self.seconds, end=None, reason=reason))

    def finish(self) -> Iterator[NDArray[np.float32]]:
        """What is left, in a last and shorter block."""
        yield from self._flush()
        if self._pending_samples:
            yield np.concatenate(self._pending)
            self._pending, self._pending_samples = [], 0

    def _fill(self, hole: float) -> Iterator[NDArray[np.float32]]:
        if hole <= CLOCK_SLACK:
            return
        self.errors += 1
        if self.errors > self._limits.errors:
            self._video_start += hole
            return
        if self.seconds + hole > self._limits.sound_seconds:
            # Such a clock is wrong rather than the pause long: follow the sound instead.
            self._video_start += hole
            self.gaps.append(Gap(start=self.seconds, end=self.seconds, reason=f"the file's clock jumps by {hole:.1f} seconds"))
            return
        yield from self._flush()
        self._shape = None
        self.gaps.append(Gap(start=self.seconds, end=self.seconds + hole, reason="the file has no sound here"))
        self.seconds += hole
        left = round(hole * SAMPLE_RATE)
        while left > 0:
            samples = min(left, BLOCK_SAMPLES)
            yield from self._emit(np.zeros(samples, np.float32))
            left -= samples

    def _check_length(self) -> None:
        # Encoders pad the last frame.
        if self.seconds > self._limits.sound_seconds + CLOCK_SLACK:
            raise Rejected(
                RejectionCode.TOO_LONG,
                f"the file has more than {self._limits.sound_seconds:g} seconds of sound, the most that is read; upload it in parts",
            )

    def _flush(self) -> Iterator[NDArray[np.float32]]:
        if self._resampler is not None:
            yield from self._resample(None)
            self._resampler = None

    def _resample(self, frame: AudioFrame | None) -> Iterator[NDArray[np.float32]]:
        assert self._resampler is not None
        for resampled in self._resampler.resample(frame):
            if resampled is not None:
                samples = np.frombuffer(memoryview(resampled.planes[0]), np.float32, resampled.samples)
                # Float sound can hold NaN and infinities, and be louder than full scale.
                yield from self._emit(np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0) * self._gain, -1.0, 1.0))

    def _emit(self, samples: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        self._pending.append(samples)
        self._pending_samples += len(samples)
        if self._pending_samples >= BLOCK_SAMPLES:
            joined = np.concatenate(self._pending)
            whole = len(joined) // BLOCK_SAMPLES * BLOCK_SAMPLES
            for start in range(0, whole, BLOCK_SAMPLES):
                yield joined[start : start + BLOCK_SAMPLES]
            self._pending, self._pending_samples = [joined[whole:]], len(joined) - whole


def loudness_of_mix(layout: AudioLayout) -> float:
    """How much louder than one channel the mix to mono is where all carry the same: 1 for mono, 1.4 for stereo, 3 and more for surround.

    FFmpeg leaves such a mix above full scale when it gives floats, and to clip it would make loud voices hard to understand.
    """
    probe = AudioFrame(format="flt", layout=layout, samples=256)
    probe.sample_rate = SAMPLE_RATE
    probe.planes[0].update(np.ones(probe.planes[0].buffer_size // 4, np.float32).tobytes())
    (mixed, *_) = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE).resample(probe)
    return max(1.0, float(np.frombuffer(memoryview(mixed.planes[0]), np.float32, 1)[0]))
