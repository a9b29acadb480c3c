"""A small picture by which a person knows a video again."""

from __future__ import annotations

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from media.limits import MediaLimits, Rejected
from media.ranges import MemoryRanges
from media.thumbnail import LONGER_SIDE, thumbnail
from media.wire import MOST_THUMBNAIL_BYTES
from schemas.failures import RejectionCode
from tests import media_samples
from tests.media_samples import clip, patched

#: 16.16 fixed point; turns the picture by 90 degrees clockwise, as a telephone held upright writes it.
_CLOCKWISE = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
#: White above, black below.
HORIZON = np.repeat(np.array([[255], [0]], np.uint8), 24, axis=0)


def seen(data: bytes) -> NDArray[np.uint8]:
    """The brightness of what a viewer of the JPEG sees."""
    made = thumbnail(MemoryRanges(data), MediaLimits())
    assert made is not None
    assert made.startswith(b"\xff\xd8")
    assert len(made) <= MOST_THUMBNAIL_BYTES
    with av.open(io.BytesIO(made), "r", format="mjpeg") as container:
        frame = next(container.decode(video=0))
        assert isinstance(frame, av.VideoFrame)
        return np.asarray(frame.to_ndarray(format="gray"), np.uint8)


@pytest.mark.parametrize(
    ("container", "video", "audio"), [("mp4", "libx264", "aac"), ("webm", "libvpx-vp9", "libopus"), ("mpegts", "libx264", "aac")]
)
def test_it_is_a_real_frame_and_not_the_black_that_a_video_begins_with(container: str, video: str, audio: str) -> None:
    fading_in = clip(container, video=video, audio=audio, seconds=4.0, brightness=lambda number: 0 if number < 30 else HORIZON)
    picture = seen(fading_in)
    assert picture[:20].mean() > 200
    assert picture[-20:].mean() < 50


def test_a_video_that_shows_nothing_anywhere_still_has_the_picture_that_it_shows() -> None:
    assert seen(clip(brightness=lambda number: 0)).max() < 30


def test_a_large_picture_becomes_small_and_keeps_its_shape_and_a_small_one_stays() -> None:
    assert seen(clip(seconds=0.4, size=(640, 360))).shape == (180, LONGER_SIDE)
    assert seen(clip(seconds=0.4, size=(64, 48))).shape == (48, 64)


def test_a_video_that_was_filmed_sideways_is_upright() -> None:
    turned = patched(clip(seconds=0.4, audio=None, brightness=lambda number: HORIZON), b"tkhd", 44, _CLOCKWISE)
    picture = seen(turned)
    assert picture.shape == (64, 48)
    assert (picture[:, -20:].mean() > 200, picture[:, :20].mean() < 50) == (True, True)


def test_pixels_that_are_wider_than_high_are_drawn_square() -> None:
    def anamorphic(output: av.container.OutputContainer) -> None:
        output.streams.video[0].codec_context.sample_aspect_ratio = Fraction(2)

    assert seen(clip(seconds=0.4, prepare=anamorphic)).shape == (48, 128)


def test_sound_alone_has_no_picture() -> None:
    assert thumbnail(MemoryRanges(clip(video=None)), MediaLimits()) is None


@pytest.mark.parametrize("data", [media_samples.PLAYLIST, media_samples.FFCONCAT, media_samples.SESSION, media_samples.MANIFEST])
def test_what_refers_elsewhere_is_refused_as_everywhere(data: bytes) -> None:
    with pytest.raises(Rejected):
        thumbnail(MemoryRanges(data), MediaLimits())


def test_a_picture_that_is_too_large_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        thumbnail(MemoryRanges(clip(seconds=0.4)), MediaLimits(width=32, height=32))
    assert refused.value.code is RejectionCode.TOO_MANY_PIXELS
