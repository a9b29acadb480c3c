"""The pictures of one video, kept small and bounded, until it is known which of them belong to an utterance."""

from __future__ import annotations

from bisect import bisect_right

import cv2
import numpy as np
import numpy.typing as npt

from media.pictures import PICTURES_PER_SECOND, Picture

#: Pictures are packed as JPEG; together they take at most this much, some 100 minutes of four a second.
MOST_BYTES = 192 * 1024**2
#: How long a picture counts as what is seen after it: a still one may stand for longer than the grid's step.
_STANDS_SECONDS = 2.0
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 90]

Rgb = npt.NDArray[np.uint8]


class Album:
    """Takes pictures in order of time and gives some that are spread evenly over a stretch.

    A video too long to keep every picture of keeps every second one, then every fourth: memory stays bounded and the whole is covered.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._times: list[float] = []
        self._packed: list[npt.NDArray[np.uint8]] = []
        self._step = 0.0

    def __len__(self) -> int:
        return len(self._times)

    @property
    def seconds(self) -> float:
        """When the last picture came, and the moment that it stands for."""
        return self._times[-1] + 1 / PICTURES_PER_SECOND if self._times else 0.0

    def add(self, picture: Picture) -> None:
        """Take the next picture."""
        if self._times and picture.seconds < self._times[-1] + self._step:
            return
        done, packed = cv2.imencode(".jpg", cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2BGR), _QUALITY)
        assert done, "a JPEG of a picture of uint8 can always be made"
        self._times.append(picture.seconds)
        self._packed.append(packed)
        self._bytes += len(packed)
        if self._bytes > self._most_bytes:
            self._thin()

    def between(self, start: float, end: float, count: int) -> list[Rgb]:
        """`count` pictures that are seen at even times from `start` to `end` seconds, the same one again where few were kept.

        Empty where nothing was seen for part of the stretch: before the pictures begin or after they end.
        """
        step = (end - start) / count
        chosen = [self._seen_at(start + (n + 0.5) * step) for n in range(count)]
        if None in chosen:
            return []
        opened = {index: self._open(index) for index in chosen if index is not None}
        return [opened[index] for index in chosen if index is not None]

    def _seen_at(self, seconds: float) -> int | None:
        # The first picture may come a moment after the sound.
        index = max(0, bisect_right(self._times, seconds) - 1) if self._times and seconds > self._times[0] - 1 / PICTURES_PER_SECOND else -1
        if index < 0 or seconds > self._times[index] + max(_STANDS_SECONDS, 2 * self._step):
            return None
        return index

    def _open(self, index: int) -> Rgb:
        bgr = cv2.imdecode(self._packed[index], cv2.IMREAD_COLOR)
        assert bgr is not None, "what was packed here opens here"
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)

    def _thin(self) -> None:
        self._step = max(self._step, 1 / PICTURES_PER_SECOND) * 1.99
        self._times, self._packed = self._times[::2], self._packed[::2]
        self._bytes = sum(map(len, self._packed))
