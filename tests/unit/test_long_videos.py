"""The videos that the benchmarks measure by: as long as they say, heard where they should be, and whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.long_videos import write_long
from media.decode import decode
from media.decoded import Decoded
from media.limits import MediaLimits
from media.ranges import MemoryRanges
from media.sound import BLOCK_SAMPLES


def test_the_dialogue_is_heard_once_in_every_so_many_repetitions_and_the_file_has_no_gap(tmp_path: Path) -> None:
    outcome: list[Decoded] = []

    def follow() -> Iterator[NDArray[np.float32]]:
        source = MemoryRanges((tmp_path / "long.mp4").read_bytes())
        outcome.append((yield from decode(source, MediaLimits(), captions=False)))

    heard = write_long(tmp_path / "long.mp4", 170.0, heard_every=3)
    loud = [float(abs(block).max()) > 0.1 for block in follow() if len(block) == BLOCK_SAMPLES]

    assert heard == 2
    assert (outcome[0].has_sound, outcome[0].gaps) == (True, ())
    assert 170 <= outcome[0].sound_seconds < 220
    assert loud == [True] * 9 + [False] * 17 + [True] * 9
