"""Pictures on their way out of the child that decodes them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from media.decoding import decoding
from media.limits import MediaLimits, Rejected
from media.pool import MediaPool
from media.ranges import MemoryRanges
from schemas.failures import RejectionCode
from tests.media_samples import clip


@pytest.fixture
def pool() -> Iterator[MediaPool]:
    with MediaPool(MediaLimits(), size=1) as pool:
        pool.start()
        yield pool


def test_pictures_come_out_of_the_child_between_the_blocks_of_sound(pool: MediaPool) -> None:
    seen: list[tuple[float, int]] = []
    heard = 0
    with decoding(pool, MemoryRanges(clip(seconds=20)), pictures=lambda picture: seen.append((picture.seconds, heard))) as sound:
        for block in sound:
            heard += len(block)
    assert [seconds for seconds, _ in seen] == pytest.approx([n / 4 for n in range(80)], abs=0.09)
    assert max(abs(seconds - heard_then / 16_000) for seconds, heard_then in seen) < 8


def test_a_child_that_sends_a_picture_that_is_none_is_ended(pool: MediaPool, monkeypatch: pytest.MonkeyPatch) -> None:
    before = pool.pids
    monkeypatch.setattr("media.pictures.LONGER_SIDE", 16)  # in this process alone: the child's pictures are larger than any may be
    with pytest.raises(Rejected) as caught, decoding(pool, MemoryRanges(clip()), pictures=lambda picture: None) as sound:
        list(sound)
    assert caught.value.code is RejectionCode.UNSAFE_MEDIA
    assert before[0] not in pool.pids
