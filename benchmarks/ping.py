"""How soon `/ping` answers while the container has more to do than it can: SageMaker takes a container out of service after two seconds."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx

from benchmarks.container import container
from benchmarks.percentiles import percentile
from samples.script import DIALOGUE

VIDEOS, CONCURRENT = 12, 2
TARGET_SECONDS = 2.0
_EVERY_SECONDS = 0.05


async def measure() -> dict[str, Any]:
    """The time to answer of `/ping`, asked all the time while twelve videos come at once and two of them are worked on."""
    async with container({"VALENCE_MODEL_PROFILE": "bundled", "VALENCE_MODEL_CONCURRENT_VIDEOS": str(CONCURRENT)}) as serving:
        began = time.monotonic()
        videos = asyncio.gather(*(_analyse(serving.client) for _ in range(VIDEOS)))
        seconds = []
        while not videos.done():
            asked = time.perf_counter()
            (await serving.client.get("/ping")).raise_for_status()
            seconds.append(time.perf_counter() - asked)
            await asyncio.sleep(_EVERY_SECONDS)
        await videos
        taken = time.monotonic() - began
    return {
        "videos_at_once": VIDEOS,
        "worked_on_at_once": CONCURRENT,
        "seconds_for_all": round(taken, 2),
        "pings": len(seconds),
        "p50_milliseconds": round(1000 * percentile(seconds, 50), 1),
        "p99_milliseconds": round(1000 * percentile(seconds, 99), 1),
        "longest_milliseconds": round(1000 * max(seconds), 1),
        "target_longest_milliseconds": 1000 * TARGET_SECONDS,
        "passed": max(seconds) < TARGET_SECONDS,
    }


async def _analyse(client: httpx.AsyncClient) -> None:
    (await client.post("/invocations", content=DIALOGUE.read_bytes(), headers={"content-type": "video/mp4"})).raise_for_status()
