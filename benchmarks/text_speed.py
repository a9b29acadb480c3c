"""How many utterances a second the text part of the `hub` profile reads, beside the obvious way, and how far its answers move.

The time is that of RoBERTa-base and DistilBERT-base with random weights, the same for every way, on two threads. The ways take turns; a
figure is the median of its rounds. How far answers move is measured on trained weights (`rounding`), and what that costs in weighted F1 on
labelled utterances (`rounded_scores`): random weights answer all texts alike. Scores decide and not agreement, which counts a change
between two emotions that were equally probable as much as any other; without labels, that is without `VALENCE_DATA_DIR`, it does not pass.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import obvious
from benchmarks.dialogue_texts import dialogue_texts
from model.text import HEADS
from model.training.text.data import DATA_VARIABLE, data_folder

if TYPE_CHECKING:
    import torch

    from benchmarks.rounding import Embed

TARGET_RATIO = 5.0
#: How much weighted F1 the profile may lose to float32, in points.
TARGET_LOST = 0.5
ROUNDS, UTTERANCES, THREADS = 5, 64, 2
_F1 = {head: f"{head}, weighted F1 on MELD dev" for head in HEADS}
OBVIOUS = "float32, one by one: the obvious way"

Way = Callable[[Sequence[str]], object]


async def measure() -> dict[str, Any]:
    """Utterances a second of each way, and how far its rounding moves answers; `profile` is what the profile does on this processor."""
    import torch

    from benchmarks.rounding import embedders, moved
    from model.device import best_device, has_quick_int8, quick_dtype

    torch.set_num_threads(THREADS)
    embed = embedders()
    rounded = _scored(embed, moved(embed))
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
    ships, exact = figures[profile], figures[OBVIOUS]
    lost = {head: round(exact[f1] - ships[f1], 2) for head, f1 in _F1.items() if f1 in ships}
    return {
        "utterances": UTTERANCES,
        "threads": THREADS,
        "weights": "time: RoBERTa-base and DistilBERT-base, random; change: all-MiniLM-L6-v2",
        **figures,
        "profile": profile,
        "target_times_the_obvious_way": TARGET_RATIO,
        "points_of_weighted_f1_lost": lost or f"not measured: {DATA_VARIABLE} is not set",
        "target_points_lost": TARGET_LOST,
        "passed": ships["times the obvious way"] >= TARGET_RATIO and bool(lost) and max(lost.values()) <= TARGET_LOST,
    }


def _scored(embed: Mapping[str, Embed], rounded: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """What rounding moves and, where there are labels, the weighted F1 of each precision in percent."""
    from benchmarks.rounded_scores import scores

    if DATA_VARIABLE not in os.environ:
        return rounded
    found = scores(embed, data_folder())
    return {name: moved | {_F1[head]: round(100 * value, 2) for head, value in found[name].items()} for name, moved in rounded.items()}


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
