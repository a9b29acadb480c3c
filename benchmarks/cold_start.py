"""How long the container takes from the start of its process until `/ping` answers 200, in both profiles."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.container import container

STARTS = 3
#: SageMaker waits ten minutes for a large model by itself; nobody who watches an endpoint grow wants to.
TARGET_SECONDS = {"bundled": 10.0, "hub, tiny checkpoints": 30.0, "hub, checkpoints of the real sizes": 60.0}


async def measure() -> dict[str, Any]:
    """The median of some starts of each; the first of them may have read the files from the disk, the others from memory."""
    from benchmarks.checkpoints import write_all
    from tests.tiny_checkpoints import write_hub

    with tempfile.TemporaryDirectory(prefix="valence-bench-") as tiny, tempfile.TemporaryDirectory(prefix="valence-bench-") as real:
        seconds = {
            "bundled": await _starts({"VALENCE_MODEL_PROFILE": "bundled"}),
            "hub, tiny checkpoints": await _starts(write_hub(Path(tiny))),
            "hub, checkpoints of the real sizes": await _starts(write_all(Path(real))),
        }
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    return {
        "starts": STARTS,
        "seconds_at_the_median": {name: round(taken, 2) for name, taken in medians.items()},
        "longest_seconds": {name: round(max(taken), 2) for name, taken in seconds.items()},
        "target_seconds": TARGET_SECONDS,
        "passed": all(medians[name] < target for name, target in TARGET_SECONDS.items()),
    }


async def _starts(settings: Mapping[str, str]) -> list[float]:
    taken = []
    for _ in range(STARTS):
        async with container(settings) as serving:
            taken.append(serving.start_seconds)
    return taken
