"""How much several opinions about the same thing agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def agreement(opinions: Sequence[Sequence[float]]) -> float | None:
    """1 where probability vectors are the same, 0 where they exclude each other; None for fewer than two.

    One minus the Jensen-Shannon divergence of all of them, equally weighted, over its largest value log n: Lin, "Divergence measures
    based on the Shannon entropy", IEEE Transactions on Information Theory 37 (1991).
    """
    if len(opinions) < 2:
        return None
    each = np.asarray(opinions, np.float64)
    divergence = _entropy(each.mean(axis=0)) - np.mean([_entropy(one) for one in each])
    return float(np.clip(1.0 - divergence / np.log(len(each)), 0.0, 1.0))


def _entropy(probabilities: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    some = probabilities[probabilities > 0]
    return float(-(some * np.log(some)).sum())
