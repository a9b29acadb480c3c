"""How long a video takes when there is no queue: from upload completed to the `completed` status seen by a subscriber over HTTP.

Uploads come through the API at a steady rate. Time starts when the API has committed the upload as received and ends when the subscriber
has the event; both are read from this machine's clock.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from benchmarks import findings
from benchmarks.load import Load
from benchmarks.percentiles import percentile
from benchmarks.stand import Stand
from benchmarks.subscriber import Seen, watch_account
from benchmarks.uploader import Uploader

A_SECOND = 5.0
VIDEOS = 600
TARGET_P50_SECONDS = 0.150
TARGET_P99_SECONDS = 0.500
_WARM_UP = 50
_LONGEST_SECONDS = 60.0


async def measure(videos: int = VIDEOS, workers: int = 1) -> dict[str, Any]:
    """The figures, with `passed`: whether both targets were reached and everything was seen once."""
    async with AsyncExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="valence-bench-"))
        stand = await opened.enter_async_context(Stand(Path(folder), workers=workers))
        client = await opened.enter_async_context(stand.client(await stand.caller("latency")))
        seen, subscribed = Seen(), asyncio.Event()
        watching = asyncio.create_task(watch_account(client, seen, subscribed))
        await subscribed.wait()
        await _send(Load([Uploader(client)], A_SECOND, every_followed=None), _WARM_UP, seen)
        load = Load([Uploader(client)], A_SECOND, every_followed=None)
        await _send(load, videos, seen)
        watching.cancel()
        rows = await findings.uploads(stand, load.accepted)
    latencies = [seen.ended[one][0] - rows[one]["moments"]["received"] for one in load.accepted if one in seen.ended]
    p50, p99 = percentile(latencies, 50), percentile(latencies, 99)
    complete = len(latencies) == videos and not seen.faults and all(row["status"] == "completed" for row in rows.values())
    return {
        "videos": videos,
        "videos_a_second": A_SECOND,
        "workers_a_stage": workers,
        "seen_completed": len(latencies),
        "p50_milliseconds": round(p50 * 1_000, 1),
        "p90_milliseconds": round(percentile(latencies, 90) * 1_000, 1),
        "p99_milliseconds": round(p99 * 1_000, 1),
        "longest_milliseconds": round(max(latencies) * 1_000, 1),
        "target_p50_milliseconds": TARGET_P50_SECONDS * 1_000,
        "target_p99_milliseconds": TARGET_P99_SECONDS * 1_000,
        "passed": complete and p50 < TARGET_P50_SECONDS and p99 < TARGET_P99_SECONDS,
    }


async def _send(load: Load, videos: int, seen: Seen) -> None:
    """Send videos and wait until all were seen to have ended, or for long enough."""
    enough = asyncio.Event()
    enough.set()
    await load.run(videos, enough)
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            while not all(one in seen.ended for one in load.accepted):
                seen.changed.clear()
                await seen.changed.wait()
    except TimeoutError:
        pass  # what is missing is counted
