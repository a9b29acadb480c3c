"""How much memory the API takes for a large upload: the peak of its resident memory while 1 GiB comes in, less what it had before.

The bytes are a video followed by filling that players skip, made as they are sent, so that neither side holds the file.
"""

from __future__ import annotations

import asyncio
import re
import struct
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks.clips import distinct_clip
from benchmarks.stand import Stand

MIB = 1024**2
BYTES = 1024 * MIB
TARGET_MIB = 64.0
_FILLING = bytes(MIB)
_LOOK_SECONDS = 0.02
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)
#: Not measured: the API imports and connects at its first requests.
_WARM_UP = 20


async def measure() -> dict[str, Any]:
    """The figures, with `passed`: whether the upload was accepted whole and within the memory."""
    with tempfile.TemporaryDirectory(prefix="valence-bench-") as folder:
        async with Stand(Path(folder), workers=1) as stand, stand.client(await stand.caller("upload-memory")) as client:
            for number in range(_WARM_UP):
                await _upload(client, len(distinct_clip(number)), _once(distinct_clip(number)))
            pid = next(status.pid for status in stand.supervisor.status() if status.name == "api")
            assert pid is not None
            before, finished = resident(pid), asyncio.Event()
            watching = asyncio.create_task(peak(pid, finished))
            started = time.monotonic()
            received = await _upload(client, BYTES, _large())
            seconds = time.monotonic() - started
            finished.set()
            highest = await watching
    added = (highest - before) / MIB
    return {
        "bytes": received,
        "seconds": round(seconds, 2),
        "mib_a_second": round(received / MIB / seconds, 1),
        "resident_before_mib": round(before / MIB, 1),
        "resident_peak_mib": round(highest / MIB, 1),
        "added_mib": round(added, 1),
        "target_added_mib": TARGET_MIB,
        "passed": received == BYTES and added < TARGET_MIB,
    }


async def _upload(client: httpx.AsyncClient, length: int, content: AsyncIterator[bytes]) -> int:
    """Send content of a length; returns the size that the API holds against what came."""
    announced = (await client.post("/v1/uploads", json={"filename": "large.mp4", "bytes": length})).raise_for_status().json()
    headers = {"content-length": str(length)}
    answer = await client.put(f"/v1/uploads/{announced['id']}/content", content=content, headers=headers, timeout=300.0)
    return int(answer.raise_for_status().json()["bytes"])


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _large() -> AsyncIterator[bytes]:
    clip = distinct_clip(0)
    head = clip + struct.pack(">I4s", BYTES - len(clip), b"free")
    yield head
    for start in range(len(head), BYTES, len(_FILLING)):
        yield _FILLING[: BYTES - start]


async def peak(pid: int, finished: asyncio.Event) -> int:
    """The highest resident memory seen until finished, in bytes."""
    highest = resident(pid)
    while not finished.is_set():
        highest = max(highest, resident(pid))
        await asyncio.sleep(_LOOK_SECONDS)
    return highest


def resident(pid: int) -> int:
    """The resident memory of a process, in bytes."""
    found = _RESIDENT.search(Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise RuntimeError(f"/proc/{pid}/status tells no VmRSS: the API has ended")
    return int(found[1]) * 1024
