"""How fast 2 GiB come in through parts, beside S3 itself, and what the API takes for it.

Three ways in one run, in turn, because the machine is not always the same: parts put straight to S3 by presigned addresses, which is
S3's own speed for the same client; the same file through the API; and S3 again. The file is sparse but for a video at its beginning.
"""

from __future__ import annotations

import asyncio
import struct
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.clips import distinct_clip
from benchmarks.stand import Stand
from benchmarks.upload_memory import MIB, peak, resident
from valence import AsyncClient

BYTES = 2048 * MIB
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
                first = await _seconds(client, video, straight=True)
                pid = next(status.pid for status in stand.supervisor.status() if status.name == "api")
                assert pid is not None
                before, finished = resident(pid), asyncio.Event()
                watching = asyncio.create_task(peak(pid, finished))
                through = await _seconds(client, video, straight=False)
                finished.set()
                highest = await watching
                second = await _seconds(client, video, straight=True)
    alone = (first + second) / 2
    added = (highest - before) / MIB
    return {
        "bytes": BYTES,
        "through_the_api_mib_a_second": round(BYTES / MIB / through, 1),
        "straight_to_s3_mib_a_second": {"before": round(BYTES / MIB / first, 1), "after": round(BYTES / MIB / second, 1)},
        "share_of_s3": round(alone / through, 2),
        "target_share": TARGET_SHARE,
        "api_resident_before_mib": round(before / MIB, 1),
        "api_added_mib": round(added, 1),
        "target_added_mib": TARGET_MIB,
        "passed": alone / through >= TARGET_SHARE and added < TARGET_MIB,
    }


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
