"""How fast 2 GiB come in through parts, beside S3 itself, and what the API takes for it.

Two ways, three times each in one run: parts put straight to S3 by presigned addresses, which is S3's own speed for the same client, and the
same file through the API. They take turns so that neither always comes first, because the machine is not always the same and S3 grows, and
what counts is one median over the other. The file is sparse but for a video at its beginning.
"""

from __future__ import annotations

import asyncio
import struct
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.clips import distinct_clip
from benchmarks.stand import Stand
from benchmarks.upload_memory import MIB, peak, resident
from valence import AsyncClient

BYTES = 2048 * MIB
#: Whether each turn goes straight to S3: each way is as often before the other as after it.
TURNS = (True, False, False, True, True, False)
#: Of S3's own speed.
TARGET_SHARE = 0.75
#: What four parts of 8 MiB and their copies on the way take, and no more however large the file is.
TARGET_MIB = 128.0


async def measure() -> dict[str, Any]:
    """The figures, with `passed`: whether the API was fast enough and its memory flat."""
    with tempfile.TemporaryDirectory(prefix="valence-bench-") as folder:
        video, small = _video(Path(folder) / "large.mp4", BYTES), _video(Path(folder) / "small.mp4", 64 * MIB)
        async with Stand(Path(folder) / "stand", workers=1) as stand:
            caller = await stand.caller("upload-parts")
            async with AsyncClient(stand.address("api"), caller.key) as client:
                for straight in (False, True):  # not measured: imports, connections, S3's first volumes
                    await _seconds(client, small, straight=straight)
                pid = next(status.pid for status in stand.supervisor.status() if status.name == "api")
                assert pid is not None
                before, finished = resident(pid), asyncio.Event()
                watching = asyncio.create_task(peak(pid, finished))
                taken = [(straight, await _seconds(client, video, straight=straight)) for straight in TURNS]
                finished.set()
                highest = await watching
    through, alone = ([seconds for straight, seconds in taken if straight is way] for way in (False, True))
    share = median(alone) / median(through)
    added = (highest - before) / MIB
    return {
        "bytes": BYTES,
        "through_the_api_mib_a_second": _rates(through),
        "straight_to_s3_mib_a_second": _rates(alone),
        "share_of_s3": round(share, 2),
        "target_share": TARGET_SHARE,
        "api_resident_before_mib": round(before / MIB, 1),
        "api_added_mib": round(added, 1),
        "target_added_mib": TARGET_MIB,
        "passed": share >= TARGET_SHARE and added < TARGET_MIB,
    }


def _rates(seconds: list[float]) -> dict[str, float]:
    rates = sorted(BYTES / MIB / one for one in seconds)
    return {"slowest": round(rates[0], 1), "median": round(BYTES / MIB / median(seconds), 1), "quickest": round(rates[-1], 1)}


async def _seconds(client: AsyncClient, video: Path, *, straight: bool) -> float:
    started = time.monotonic()
    await client.upload_file(video, straight_to_storage=straight)
    return time.monotonic() - started


def _video(path: Path, size: int) -> Path:
    """A video followed by filling that players skip."""
    clip = distinct_clip(0)
    with path.open("wb") as file:
        file.write(clip + struct.pack(">I4s", size - len(clip), b"free"))
        file.truncate(size)
    return path
