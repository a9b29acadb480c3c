"""What training tells of its runs: how good each seed would be if it were shipped alone, and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model.training.text.data import read_meld
from model.training.text.export import export
from model.training.text.scores import SetScores, score
from model.training.text.tables import percent, table

_HEADS = [("as written", "emotion"), ("as written", "sentiment"), ("as recognised", "emotion"), ("as recognised", "sentiment")]


def report(runs: Sequence[Path], data: Path, folder: Path) -> str:
    """The weighted F1 on MELD dev and test of each finished run, exported by itself into `folder` as it would ship, and their mean."""
    models = [export([run], data, folder / f"{run.stem}-alone") for run in runs]
    text = ""
    for split in ("dev", "test"):
        lines = read_meld(data, split)
        found = np.array([_weighted(score(model, lines)) for model in models])
        rows = [[run.stem.replace("-", " "), *map(percent, scores)] for run, scores in zip(runs, found, strict=True)]
        mean = [[f"mean of {len(runs)}", *map(percent, found.mean(axis=0))]]
        text += table([f"MELD {split}", *(f"{head}, {form}" for form, head in _HEADS)], rows + mean) + "\n"
    return text


def _weighted(scores: SetScores) -> list[float]:
    return [scores[form][head].weighted_f1 for form, head in _HEADS]
