"""A small picture of a video, by which a person knows it again: a real frame that is not black, upright, as JPEG."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from media import first_bytes
from media.guard import BROKEN_FILE, RefersElsewhere, open_guarded, verdict
from media.limits import MediaLimits, Rejected
from media.probe import TRIED_PACKETS
from media.ranges import RangeFile, Ranges, ReadsTooMuch
from media.tracks import check_picture, read_only, video_track

#: Longer side in pixels: twice what a list shows, for dense screens.
LONGER_SIDE = 320
#: Where to look, as shares of the length: titles and fades lie at the beginning.
_PLACES = (0.1, 0.3, 0.5, 0.0)
#: Of brightness from 0 to 255: a picture whose pixels differ by less is a fade, a black or a white one.
_ENOUGH_CONTRAST = 16.0
#: Pixels that are not square are drawn square, as players do; stranger shapes are a lie of the header.
_MOST_STRETCH = 4
#: Processor time after which the best so far has to do.
_MOST_SECONDS = 4.0
#: Of FFmpeg's scale from 2, the best, to 31.
_QUALITY = 4


class _Seen(NamedTuple):
    contrast: float
    rgb: NDArray[np.uint8]


def thumbnail(source: Ranges, limits: MediaLimits) -> bytes | None:
    """The picture as JPEG, None where no picture decodes; Rejected as for looking at a file, and what the source raises."""
    file = RangeFile(source, most_bytes=limits.probe_read_bytes)
    known = first_bytes.is_known_media(file.read(first_bytes.LENGTH))
    file.seek(0)
    try:
        with open_guarded(file, limits) as container:
            stream = video_track(container)
            best = None if stream is None else _best(container, stream, limits)
        if file.failure is not None:
            raise file.failure  # it looked like the file breaking
    except (Rejected, *BROKEN_FILE, RefersElsewhere, ReadsTooMuch) as error:
        raise verdict(error, file, known=known) from error
    return None if best is None else _jpeg(best.rgb)


def _best(container: InputContainer, stream: VideoStream, limits: MediaLimits) -> _Seen | None:
    """The first picture with enough to see in it, else the one with most."""
    check_picture(stream, limits)
    stream.codec_context.skip_frame = "NONREF"  # no other depends on what is left out
    seen = []
    for frame in _looked_at(container, stream, limits):
        check_picture(frame, limits)
        rgb = _upright(frame, stream)
        seen.append(_Seen(float(rgb.mean(axis=2).std()), rgb))
        if seen[-1].contrast >= _ENOUGH_CONTRAST:
            break
    return max(seen, key=lambda one: one.contrast, default=None)


def _looked_at(container: InputContainer, stream: VideoStream, limits: MediaLimits) -> Iterator[VideoFrame]:
    """At each place the whole picture before it, which costs little, and then the one that is there."""
    began = time.process_time()
    claimed = min((container.duration or 0) / 1_000_000, limits.sound_seconds)
    start = (container.start_time or 0) / 1_000_000
    read_only(container, stream)
    for share in _PLACES if claimed > 0 else (0.0,):
        place = start + share * claimed
        try:
            container.seek(int(place * 1_000_000))
        except MemoryError:
            raise
        except BROKEN_FILE:
            continue  # without an index a file may not be sought in
        first, last = True, None
        for frame in _frames(container, stream):
            if first:
                yield frame
            first, last = False, frame
            if frame.time is None or frame.time >= place or time.process_time() - began > _MOST_SECONDS:
                break
        if last is not None:
            yield last
        if time.process_time() - began > _MOST_SECONDS:
            return


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    for tried, packet in enumerate(container.demux(stream)):
        if tried == TRIED_PACKETS:
            return
        try:
            yield from (frame for frame in packet.decode() if isinstance(frame, VideoFrame))
        except MemoryError:
            raise
        except BROKEN_FILE:
            continue  # the next packet may decode


def _upright(frame: VideoFrame, stream: VideoStream) -> NDArray[np.uint8]:
    """The frame in its small size, with square pixels, turned as its player would turn it."""
    shape = stream.sample_aspect_ratio or Fraction(1)
    stretch = float(shape) if Fraction(1, _MOST_STRETCH) <= shape <= _MOST_STRETCH else 1.0
    width, height = frame.width * stretch, float(frame.height)
    scale = min(1.0, LONGER_SIDE / max(width, height))
    small = frame.reformat(width=max(1, round(width * scale)), height=max(1, round(height * scale)), format="rgb24").to_ndarray()
    return np.ascontiguousarray(np.rot90(small, round(frame.rotation / 90)), np.uint8)


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    picture = VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuvj420p")
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = picture.width, picture.height, "yuvj420p", Fraction(1)
    encoder.qmin = encoder.qmax = _QUALITY
    return b"".join(bytes(packet) for packet in (*encoder.encode(picture), *encoder.encode(None)))
