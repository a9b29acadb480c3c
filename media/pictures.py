"""Pictures of a video on a steady grid of times, small and upright: what a face is read from.

They are taken while the sound is decoded, so that a file is opened and read once.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from media.guard import BROKEN_FILE, reason
from media.limits import MediaLimits
from media.tracks import check_picture
from schemas.analysis import Gap

#: Pictures taken of every second: an utterance of four seconds gives a face tower its sixteen.
PICTURES_PER_SECOND = 4
#: Longer side of a picture as it is handed on, in pixels; a face that fills a sixth of it can still be found.
LONGER_SIDE = 256
#: A decoder may leave out pictures that no other depends on where there are this many times more than are taken.
_PLENTY = 4

_HEADER = struct.Struct("<dHH")

#: Takes pictures in order of time.
Watcher = Callable[["Picture"], None]


class MalformedPicture(ValueError):
    """Bytes that are said to be a picture are none."""


@dataclass(frozen=True)
class Picture:
    """What was seen from `seconds` of the video on: RGB of uint8 [height, width, 3], upright."""

    seconds: float
    rgb: NDArray[np.uint8]

    def packed(self) -> bytes:
        """The picture as bytes, for the way out of the child that decoded it."""
        height, width, _ = self.rgb.shape
        return _HEADER.pack(self.seconds, width, height) + self.rgb.tobytes()

    @classmethod
    def unpacked(cls, data: bytes | bytearray) -> Picture:
        """The picture again; MalformedPicture for anything else, since whoever sent it has parsed a stranger's file."""
        if len(data) < _HEADER.size:
            raise MalformedPicture(f"{len(data)} bytes are too few")
        seconds, width, height = _HEADER.unpack_from(data)
        if not (0 <= seconds < float("inf") and 1 <= width <= LONGER_SIDE and 1 <= height <= LONGER_SIDE):
            raise MalformedPicture(f"{width} x {height} at {seconds} s")
        if len(data) != _HEADER.size + width * height * 3:
            raise MalformedPicture(f"{len(data)} bytes for {width} x {height}")
        return cls(seconds, np.frombuffer(data, np.uint8, offset=_HEADER.size).reshape(height, width, 3))


class Sampler:
    """Decodes the packets of a picture track and hands the first picture at or after each point of the grid to `watcher`.

    `gaps` says from where on there are no pictures because they broke, cost too much or went on past the longest sound.
    """

    def __init__(self, stream: VideoStream, limits: MediaLimits, video_start: float, watcher: Watcher) -> None:
        self.stream = stream
        self.gaps: list[Gap] = []
        self._limits = limits
        self._video_start = video_start
        self._watcher = watcher
        self._due = 0.0
        self._seen = 0.0
        self._errors = 0
        self._spent = 0.0
        if stream.average_rate is not None and stream.average_rate >= _PLENTY * PICTURES_PER_SECOND:
            stream.codec_context.skip_frame = "NONREF"

    def add(self, packet: Packet[Stream]) -> None:
        """Decode one packet; after too many that do not decode, or too much work, the rest is passed over."""
        if self.gaps:
            return
        began = time.process_time()
        try:
            self._take(frame for frame in packet.decode() if isinstance(frame, VideoFrame))
        except MemoryError:
            raise
        except BROKEN_FILE as error:
            self._errors += 1
            if self._errors > self._limits.errors:
                self._end(f"more than {self._limits.errors} errors in the pictures, the last: {reason(error)}")
        self._spent += time.process_time() - began
        if self._spent > self._limits.picture_seconds:
            self._end(f"the pictures took more than {self._limits.picture_seconds:g} seconds to decode, the rest was only listened to")

    def _take(self, frames: Iterable[VideoFrame]) -> None:
        for frame in frames:
            if frame.time is None:
                continue
            check_picture(frame, self._limits)
            seconds = max(0.0, frame.time - self._video_start)
            if seconds > self._limits.sound_seconds:
                self._end(f"pictures are read up to {self._limits.sound_seconds:g} seconds, as sound is")
                return
            self._seen = max(self._seen, seconds)
            if seconds >= self._due:
                self._due = (int(seconds * PICTURES_PER_SECOND) + 1) / PICTURES_PER_SECOND
                self._watcher(Picture(seconds, _small(frame)))

    def _end(self, why: str) -> None:
        if not self.gaps:
            self.gaps.append(Gap(start=self._seen, end=None, reason=why))


def _small(frame: VideoFrame) -> NDArray[np.uint8]:
    """The frame with its longer side at most LONGER_SIDE, turned as its player would turn it."""
    scale = min(1.0, LONGER_SIDE / max(frame.width, frame.height))
    width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
    rgb = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
    return np.ascontiguousarray(np.rot90(rgb, round(frame.rotation / 90)), np.uint8)
