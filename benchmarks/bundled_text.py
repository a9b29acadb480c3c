"""What the bundled text model costs by itself: seconds to load, utterances a second on one thread, memory. The model card quotes it.

In a process of its own, so that the memory is the model's.
"""

from __future__ import annotations

import re
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROUNDS = 5
TARGET_MIB, TARGET_UTTERANCES_A_SECOND = 256.0, 50.0
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


async def measure() -> dict[str, Any]:
    """The figures, of the median round; passed if the model is as small and as quick as a two-core container wants it."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_measure).result()


def _measure() -> dict[str, Any]:
    from benchmarks.dialogue_texts import dialogue_texts
    from model import text
    from model.profiles import BUNDLED_FOLDER

    before, texts = _peak_mib(), dialogue_texts(128)
    began = time.perf_counter()
    model = text.load(BUNDLED_FOLDER)
    loaded = time.perf_counter() - began
    together, alone = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        model.score_many(texts)
        together.append((time.perf_counter() - began) / len(texts))
        began = time.perf_counter()
        model.score_many(texts[:1])
        alone.append(time.perf_counter() - began)
    a_second, added = 1 / statistics.median(together), _peak_mib() - before
    return {
        "name": model.ref.name,
        "sha256": model.ref.sha256,
        "threads": 1,
        "loading_seconds": round(loaded, 2),
        "utterances_a_second": round(a_second, 1),
        "milliseconds_for_one_alone": round(1000 * statistics.median(alone), 1),
        "added_memory_mib": round(added, 1),
        "files_mib": round(sum(file.stat().st_size for file in BUNDLED_FOLDER.iterdir()) / 1024**2, 1),
        "target_utterances_a_second": TARGET_UTTERANCES_A_SECOND,
        "target_added_memory_mib": TARGET_MIB,
        "passed": a_second >= TARGET_UTTERANCES_A_SECOND and added <= TARGET_MIB,
    }


def _peak_mib() -> float:
    found = _PEAK.search(Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0
