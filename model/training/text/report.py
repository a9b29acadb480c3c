"""What training tells of its runs: how good each seed would be if it were shipped alone, their mean, and what their average is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.text import Floats, TextModel
from model.text_tokens import Turn
from model.training.text.data import read_meld
from model.training.text.export import export
from model.training.text.scores import Reader, SetScores, score
from model.training.text.tables import percent, table

_HEADS = [("as written", "emotion"), ("as written", "sentiment"), ("as recognised", "emotion"), ("as recognised", "sentiment")]


def report(runs: Sequence[Path], data: Path, folder: Path) -> str:
    """Weighted F1 on MELD dev and test of each finished run, exported by itself into `folder` as it would ship, and their mean.

    On dev also of the average of their weights, and of the average of what they say, which is as many times as large: what ships is chosen
    there, and the test split is for what was chosen.
    """
    models = [export([run], data, folder / f"{run.stem}-alone") for run in runs]
    together: dict[str, Reader] = {}
    if len(runs) > 1:
        together = {"average of the weights": export(runs, data, folder / "average"), "average of the answers": _Together(models)}
    text = ""
    for split in ("dev", "test"):
        lines = read_meld(data, split)
        found = np.array([_weighted(score(model, lines)) for model in models])
        rows = [[run.stem.replace("-", " "), *map(percent, scores)] for run, scores in zip(runs, found, strict=True)]
        rows.append([f"mean of {len(runs)}", *map(percent, found.mean(axis=0))])
        if split == "dev":
            rows += [[name, *map(percent, _weighted(score(reader, lines)))] for name, reader in together.items()]
        text += table([f"MELD {split}", *(f"{head}, {form}" for form, head in _HEADS)], rows) + "\n"
    return text


@dataclass(frozen=True)
class _Together:
    """Several models whose probabilities are averaged."""

    models: Sequence[TextModel]

    def probabilities(self, said: Sequence[Turn]) -> tuple[Floats, Floats]:
        emotions, sentiments = zip(*(model.probabilities(said) for model in self.models), strict=True)
        return np.mean(emotions, axis=0), np.mean(sentiments, axis=0)


def _weighted(scores: SetScores) -> list[float]:
    return [scores[form][head].weighted_f1 for form, head in _HEADS]
