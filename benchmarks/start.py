"""How long the whole local stack takes to be up, and the demo from its first line to its last, as a user runs them."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import time
from typing import Any

TARGET_UP_SECONDS = 10.0
TARGET_DEMO_SECONDS = 90.0
_UP = b"the stack is up"
_LONGEST_SECONDS = 120.0


async def measure() -> dict[str, Any]:
    """Seconds to be up on an empty data folder and again on the same one, seconds to stop, and seconds of the demo."""
    with tempfile.TemporaryDirectory(prefix="valence-bench-") as folder:
        async with asyncio.timeout(4 * _LONGEST_SECONDS):
            first_up, first_stop = await _up_and_down(folder)
            again_up, again_stop = await _up_and_down(folder)
            demo_seconds, demo_code = await _demo()
    return {
        "up_on_an_empty_folder_seconds": first_up,
        "up_again_seconds": again_up,
        "longest_stop_seconds": max(first_stop, again_stop),
        "demo_seconds": demo_seconds,
        "demo_exit_code": demo_code,
        "target_up_seconds": TARGET_UP_SECONDS,
        "target_demo_seconds": TARGET_DEMO_SECONDS,
        "passed": max(first_up, again_up) < TARGET_UP_SECONDS and demo_code == 0 and demo_seconds < TARGET_DEMO_SECONDS,
    }


async def _up_and_down(folder: str) -> tuple[float, float]:
    started = time.monotonic()
    process = await _valence("local", "up", "--data", folder)
    assert process.stdout is not None
    while _UP not in (line := await process.stdout.readline()):
        if not line:
            raise RuntimeError(f"`valence local up --data {folder}` ended with code {await process.wait()} before the stack was up")
    up = time.monotonic()
    process.send_signal(signal.SIGTERM)
    await process.stdout.read()
    await process.wait()
    return round(up - started, 2), round(time.monotonic() - up, 2)


async def _demo() -> tuple[float, int]:
    started = time.monotonic()
    process = await _valence("demo")
    await process.communicate()
    code = await process.wait()
    return round(time.monotonic() - started, 2), code


async def _valence(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "cli", *arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
