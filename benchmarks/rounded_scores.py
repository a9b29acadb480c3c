"""What rounding an encoder costs in scores: weighted F1 on MELD dev, by heads that were fitted to its embeddings in float32.

A user keeps the heads of a checkpoint as they were trained and only rounds the encoder under them; so does this. Needs `VALENCE_DATA_DIR`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.rounding import EXACT, Embed
from model.text import HEADS
from model.training.text.data import Line, read_meld
from model.training.text.measures import Labels, f1_by_class, weighted

_TRIES = 1_000


def scores(embed: Mapping[str, Embed], data: Path) -> dict[str, dict[str, float]]:
    """For each precision, the weighted F1 of emotion and sentiment on MELD dev, 0..1; DataMissing where the set is not there."""
    train, dev = read_meld(data, "train"), read_meld(data, "dev")
    read = embed[EXACT](_texts(train)).numpy()
    heads = {head: LogisticRegression(C=10.0, max_iter=_TRIES).fit(read, _labels(train, head)) for head in HEADS}
    found: dict[str, dict[str, float]] = {}
    for name, one in embed.items():
        seen = one(_texts(dev)).numpy()
        found[name] = {head: _f1(_labels(dev, head), heads[head].predict(seen), len(names)) for head, names in HEADS.items()}
    return found


def _texts(lines: Sequence[Line]) -> list[str]:
    return [line.text for line in lines]


def _labels(lines: Sequence[Line], head: str) -> Labels:
    return np.array([getattr(line, head) for line in lines], np.int64)


def _f1(labels: Labels, predicted: Labels, classes: int) -> float:
    return weighted(f1_by_class(labels, predicted, classes), labels)
