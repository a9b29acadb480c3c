"""How good predictions are: F1, calibration, and what is gained by keeping silent where the model is unsure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_CALIBRATION_BINS = 15
_DRAWS = 1_000

Labels = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


def confusion(labels: Labels, predicted: Labels, classes: int) -> Numbers:
    """How many of each class were taken for each: [labelled, predicted]."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (labels, predicted), 1)
    return counts


def f1_by_class(labels: Labels, predicted: Labels, classes: int) -> Numbers:
    """The F1 of each class; 0 for one that is neither there nor predicted."""
    counts = confusion(labels, predicted, classes)
    right, both = counts.diagonal(), counts.sum(axis=0) + counts.sum(axis=1)
    result = np.zeros(classes)
    np.divide(2 * right, both, out=result, where=both > 0)
    return result


def weighted(by_class: Numbers, labels: Labels) -> float:
    """F1 by class weighted by how often each class occurs."""
    return float(by_class @ np.bincount(labels, minlength=len(by_class)) / len(labels))


def calibration_error(probabilities: npt.NDArray[np.floating], labels: Labels) -> float:
    """The expected calibration error: how far confidence is from accuracy, over 15 equal bins, weighted by their size."""
    confidence, right, sizes = reliability(probabilities, labels)
    return float((abs(confidence - right) * sizes).sum())


def risk_coverage(probabilities: npt.NDArray[np.floating], labels: Labels) -> tuple[Numbers, Numbers, Numbers]:
    """Of the most confident answers, from one to all: the confidence of the last, the share kept, the share of those that is wrong."""
    confidence, wrong = probabilities.max(axis=1), probabilities.argmax(axis=1) != labels
    order = np.argsort(-confidence, kind="stable")
    kept = np.arange(1, len(labels) + 1)
    return confidence[order].astype(np.float64), kept / len(labels), np.cumsum(wrong[order]) / kept


def certain_from(probabilities: npt.NDArray[np.floating], labels: Labels, right: float) -> float:
    """The lowest confidence from which on answers are right at least so often; 1 where there is none, 0 where all of them are."""
    confidence, _, risk = risk_coverage(probabilities, labels)
    if risk[-1] <= 1 - right:
        return 0.0  # the least confident answer here may be a sure one: it says nothing against those that are less confident
    enough = np.flatnonzero(risk <= 1 - right)
    return float(confidence[enough[-1]]) if len(enough) else 1.0


def intervals(labels: Labels, predicted: Labels, classes: int) -> Numbers:
    """95 % bootstrap intervals, [classes + 2, 2]: of the F1 of each class, of the weighted F1, and of the macro F1.

    The utterances are drawn anew a thousand times with fixed dice, so that the same predictions give the same intervals.
    """
    dice = np.random.default_rng(0)
    drawn = np.empty((_DRAWS, classes + 2))
    for row in drawn:
        chosen = dice.integers(len(labels), size=len(labels))
        by_class = f1_by_class(labels[chosen], predicted[chosen], classes)
        row[:] = *by_class, weighted(by_class, labels[chosen]), by_class.mean()
    return np.percentile(drawn, (2.5, 97.5), axis=0).T


def reliability(probabilities: npt.NDArray[np.floating], labels: Labels) -> tuple[Numbers, Numbers, Numbers]:
    """Of each bin of confidence that has answers: their mean confidence, the share that is right, and their share of all answers."""
    confidence, right = probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    found = [(confidence[bins == n].mean(), right[bins == n].mean(), (bins == n).mean()) for n in np.unique(bins)]
    means, shares, sizes = np.array(found).T
    return means, shares, sizes
