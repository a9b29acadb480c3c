"""How many utterances a second the text part of the `hub` profile reads, beside the obvious way, and how far its answers move.

The time is that of RoBERTa-base and DistilBERT-base with random weights, the same for every way, on two threads. The ways take turns; a
figure is the median of its rounds. How far answers move is measured on trained weights (`rounding`): random ones answer all texts alike.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import obvious
from benchmarks.dialogue_texts import dialogue_texts

if TYPE_CHECKING:
    import torch

TARGET_RATIO = 5.0
#: In how many utterances the profile must find the emotion that float32 does, where float32 is decided.
TARGET_SAME = 0.98
ROUNDS, UTTERANCES, THREADS = 5, 64, 2
OBVIOUS = "float32, one by one: the obvious way"

Way = Callable[[Sequence[str]], object]


async def measure() -> dict[str, Any]:
    """Utterances a second of each way, and how far its rounding moves answers; `profile` is what the profile does on this processor."""
    import torch

    from benchmarks.rounding import moved
    from model.device import best_device, has_quick_int8, quick_dtype

    torch.set_num_threads(THREADS)
    rounded = moved()
    device = best_device()
    precision = "eight bits" if has_quick_int8(device) else str(quick_dtype(device)).removeprefix("torch.")
    with tempfile.TemporaryDirectory(prefix="valence-bench-") as folder:
        seconds = _rounds(_ways(Path(folder), precision), dialogue_texts(UTTERANCES))
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    figures = {
        name: {
            "utterances a second": round(UTTERANCES / median, 1),
            "times the obvious way": round(medians[OBVIOUS] / median, 2),
            **rounded[name.partition(",")[0]],
        }
        for name, median in medians.items()
    }
    profile = _profile(precision)
    ships = figures[profile]
    return {
        "utterances": UTTERANCES,
        "threads": THREADS,
        "weights": "time: RoBERTa-base and DistilBERT-base, random; change: all-MiniLM-L6-v2",
        **figures,
        "profile": profile,
        "target_times_the_obvious_way": TARGET_RATIO,
        "target_same_emotion_where_it_is_decided": TARGET_SAME,
        "passed": ships["times the obvious way"] >= TARGET_RATIO and ships["same emotion where it is decided"] >= TARGET_SAME,
    }


def _profile(precision: str) -> str:
    return f"{precision}, sorted batches: the profile"


def _rounds(ways: dict[str, Way], texts: Sequence[str]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            way(texts)
            seconds[name].append(time.perf_counter() - began)
    return seconds


def _ways(folder: Path, precision: str) -> dict[str, Way]:
    import torch

    from benchmarks.checkpoints import write_text
    from model import text_by_checkpoints

    names = write_text(folder)
    loaded = text_by_checkpoints.load(folder, names["VALENCE_MODEL_EMOTION"], names["VALENCE_MODEL_SENTIMENT"], ("en",))
    both = (loaded.emotion, loaded.sentiment)
    one_by_one = [obvious.classifier(folder / one.ref.name) for one in both]

    def batched(dtype: torch.dtype) -> Way:
        from transformers import AutoModelForSequenceClassification

        load = AutoModelForSequenceClassification.from_pretrained
        readers = [replace(one, network=load(folder / one.ref.name, dtype=dtype).eval()) for one in both]
        return lambda texts: [reader.read(texts) for reader in readers]

    return {
        OBVIOUS: lambda texts: [read(text) for read in one_by_one for text in texts],
        "float32, sorted batches": batched(torch.float32),
        "bfloat16, sorted batches": batched(torch.bfloat16),
        _profile(precision): loaded.score_many,
    }
