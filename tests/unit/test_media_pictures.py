"""Pictures on a steady grid, upright and small, from the same decoding that gives the sound."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from numpy.typing import NDArray

from media.decode import decode
from media.decoded import Decoded
from media.limits import MediaLimits, Rejected
from media.pictures import LONGER_SIDE, PICTURES_PER_SECOND, MalformedPicture, Picture
from media.ranges import MemoryRanges
from schemas.failures import RejectionCode
from tests.media_samples import clip, patched

#: 16.16 fixed point; turns the picture by 90 degrees clockwise, as a telephone held upright writes it.
_CLOCKWISE = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)


def looked_at(data: bytes, limits: MediaLimits | None = None) -> tuple[list[Picture], list[NDArray[np.float32]], Decoded]:
    pictures: list[Picture] = []
    blocks: list[NDArray[np.float32]] = []
    decoding = decode(MemoryRanges(data), limits or MediaLimits(), captions=False, pictures=pictures.append)
    while True:
        try:
            blocks.append(next(decoding))
        except StopIteration as end:
            return pictures, blocks, end.value


@pytest.mark.parametrize(("container", "video", "audio"), [("mp4", "libx264", "aac"), ("webm", "libvpx-vp9", "libopus")])
def test_pictures_come_on_a_steady_grid_over_the_whole_video_beside_its_sound(container: str, video: str, audio: str) -> None:
    pictures, blocks, decoded = looked_at(clip(container, video=video, audio=audio, seconds=6.0))
    assert len(pictures) == pytest.approx(6 * PICTURES_PER_SECOND, abs=1)
    assert [picture.seconds for picture in pictures] == pytest.approx([n / PICTURES_PER_SECOND for n in range(len(pictures))], abs=0.09)
    assert sum(map(len, blocks)) == pytest.approx(96_000, abs=1_000)
    assert decoded.gaps == ()


def test_a_picture_shows_what_the_video_shows_at_its_time() -> None:
    pictures, _, _ = looked_at(clip(seconds=2.0))
    for picture in pictures:
        assert picture.rgb.mean() == pytest.approx(round(picture.seconds * 25) * 5 % 256, abs=6)


def test_a_large_picture_becomes_small_and_keeps_its_shape() -> None:
    pictures, _, _ = looked_at(clip(seconds=0.4, size=(640, 360)))
    assert pictures[0].rgb.shape == (LONGER_SIDE * 360 // 640, LONGER_SIDE, 3)


def test_a_video_that_was_filmed_sideways_is_seen_upright() -> None:
    turned = patched(clip(seconds=0.4, audio=None, size=(64, 48)), b"tkhd", 44, _CLOCKWISE)
    pictures, _, _ = looked_at(turned)
    assert pictures[0].rgb.shape == (64, 48, 3)


def test_a_video_without_sound_is_still_seen_and_one_without_pictures_still_heard() -> None:
    assert len(looked_at(clip(audio=None))[0]) == 8
    pictures, blocks, _ = looked_at(clip(video=None))
    assert pictures == []
    assert blocks


def test_pictures_that_cost_too_much_end_in_a_gap_and_the_sound_goes_on() -> None:
    pictures, blocks, decoded = looked_at(clip(seconds=6.0), MediaLimits(picture_seconds=0.0))
    assert len(pictures) <= 1
    assert sum(map(len, blocks)) == pytest.approx(96_000, abs=1_000)
    assert decoded.gaps[0].end is None
    assert "only listened to" in decoded.gaps[0].reason


def test_pictures_end_where_sound_would() -> None:
    pictures, _, decoded = looked_at(clip(audio=None, seconds=6.0), MediaLimits(sound_seconds=2.0))
    assert pictures[-1].seconds <= 2.0
    assert "up to 2 seconds" in decoded.gaps[0].reason


def test_pictures_that_are_damaged_cost_only_themselves() -> None:
    data = bytearray(clip(seconds=8.0, options={"movflags": "faststart"}))
    start = data.find(b"mdat") + 4
    middle = start + (len(data) - start) // 2
    data[middle : middle + 1500] = b"\xff" * 1500
    pictures, _, _ = looked_at(bytes(data))
    assert pictures[0].seconds < 0.1
    assert pictures[-1].seconds > 6.0


def test_a_picture_that_is_too_large_is_refused_whatever_the_header_says() -> None:
    with pytest.raises(Rejected) as caught:
        looked_at(clip(), MediaLimits(width=32, height=32))
    assert caught.value.code is RejectionCode.TOO_MANY_PIXELS


def test_a_picture_survives_its_way_out_of_the_child() -> None:
    picture = Picture(1.25, np.arange(24, dtype=np.uint8).reshape(2, 4, 3))
    again = Picture.unpacked(bytearray(picture.packed()))
    assert again.seconds == 1.25
    assert np.array_equal(again.rgb, picture.rgb)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 11, struct.pack("<dHH", 0, 2, 2) + b"\0" * 11, struct.pack("<dHH", float("nan"), 1, 1) + b"\0" * 3,
     struct.pack("<dHH", -1, 1, 1) + b"\0" * 3, struct.pack("<dHH", 0, 60_000, 60_000)],
)  # fmt: skip
def test_bytes_that_are_no_picture_are_not_taken_for_one(data: bytes) -> None:
    with pytest.raises(MalformedPicture):
        Picture.unpacked(data)
