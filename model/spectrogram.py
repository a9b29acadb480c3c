"""Sound as a voice tower sees it: the loudness of 64 bands of pitch, a hundred times a second, computed while the sound streams by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from media.decoded import SAMPLE_RATE

BANDS = 64
FRAMES_PER_SECOND = 100
_HOP = SAMPLE_RATE // FRAMES_PER_SECOND
_WINDOW = 400
_FFT = 512
_LOWEST_HERTZ, _HIGHEST_HERTZ = 50.0, 7600.0
#: Below it everything is silence; keeps the logarithm finite.
_FLOOR = 1e-6

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]


def _mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 2595.0 * np.log10(1.0 + hertz / 700.0)


def _filters() -> Floats:
    """Triangles [bins, BANDS], evenly spaced on the mel scale of O'Shaughnessy (1987), each of unit area."""
    edges = np.linspace(_mel(np.array(_LOWEST_HERTZ)), _mel(np.array(_HIGHEST_HERTZ)), BANDS + 2)
    hertz = 700.0 * (10.0 ** (edges / 2595.0) - 1.0)
    bins = np.fft.rfftfreq(_FFT, 1.0 / SAMPLE_RATE)[:, None]
    low, top, high = hertz[:-2], hertz[1:-1], hertz[2:]
    triangles = np.maximum(0.0, np.minimum((bins - low) / (top - low), (high - bins) / (high - top)))
    return (triangles * (2.0 / (high - low))).astype(np.float32)


_FILTERS = _filters()
_HANN = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)


class Spectrogram:
    """Takes the blocks of one sound track and gives the log-mel frames of any stretch of it.

    Half-precision frames of 128 bytes are kept: 13 kB a second, 92 MB for the two hours that are read of a video. How the sound was
    cut into blocks changes nothing.
    """

    def __init__(self) -> None:
        self._blocks: list[Halves] = []
        self._rest: Floats = np.empty(0, np.float32)

    def add(self, block: Floats) -> None:
        """Take the next samples: float32, -1 to 1, 16 kHz, mono."""
        samples = np.concatenate([self._rest, block])
        count = max(0, (len(samples) - _WINDOW) // _HOP + 1)
        if count:
            windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[: count * _HOP : _HOP]
            power = np.abs(np.fft.rfft(windows * _HANN, _FFT).astype(np.complex64)) ** 2
            self._blocks.append(np.log(power @ _FILTERS + np.float32(_FLOOR)).astype(np.float16))
        self._rest = samples[count * _HOP :]

    @property
    def seconds(self) -> float:
        """How long the sound is so far."""
        return sum(map(len, self._blocks)) / FRAMES_PER_SECOND

    def between(self, start: float, end: float) -> Floats:
        """The frames [frames, BANDS] from `start` to `end` seconds, as far as there are any; as many as the stretch is long."""
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks)]
        if not self._blocks:
            return np.empty((0, BANDS), np.float32)
        first, last = (max(0, round(seconds * FRAMES_PER_SECOND)) for seconds in (start, end))
        return self._blocks[0][first:last].astype(np.float32)
