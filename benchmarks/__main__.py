"""`python -m benchmarks [NAME...]`: measure, write each result beside the machine it was measured on, and print a table."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks import (
    browser_memory,
    bundled_text,
    cold_start,
    first_paint,
    hub_parts,
    latency,
    library,
    ping,
    start,
    subscribers,
    text_speed,
    throughput,
    towers,
    upload_memory,
    upload_parts,
    video_memory,
    video_speed,
    voice_activity,
)
from benchmarks.breakdown import refresh
from benchmarks.results import write

BENCHMARKS: dict[str, Callable[[], Coroutine[Any, Any, dict[str, Any]]]] = {
    "throughput": throughput.measure,
    "latency": latency.measure,
    "upload-memory": upload_memory.measure,
    "upload-parts": upload_parts.measure,
    "browser-memory": browser_memory.measure,
    "subscribers": subscribers.measure,
    "start": start.measure,
    "first-paint": first_paint.measure,
    "library": library.measure,
    "towers": towers.measure,
    "voice-activity": voice_activity.measure,
    "bundled-text": bundled_text.measure,
    "text-speed": text_speed.measure,
    "video-speed": video_speed.measure,
    "hub-parts": hub_parts.measure,
    "video-memory": video_memory.measure,
    "cold-start": cold_start.measure,
    "ping": ping.measure,
}


def main(arguments: list[str]) -> int:
    """Run the benchmarks named, all without a name; ends with code 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)}; all without a name")
    names = parser.parse_args(arguments).names or list(BENCHMARKS)
    if unknown := sorted(set(names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark {', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")
    passed = [_run(name) for name in names]
    return 0 if all(passed) else 1


def _run(name: str) -> bool:
    print(f"{name} ...", flush=True)
    figures = asyncio.run(BENCHMARKS[name]())
    file = write(name, figures)
    refresh()
    for figure, value in figures.items():
        if isinstance(value, dict):
            print(f"  {figure.replace('_', ' ')}")
            for part, number in value.items():
                print(f"    {part:38} {number}")
        else:
            print(f"  {figure.replace('_', ' '):40} {value}")
    print(f"  written to {file.relative_to(file.parents[2])}\n", flush=True)
    return bool(figures["passed"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
