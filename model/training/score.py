"""Judging the text model on MELD's test split, always from the weights themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.text import Floats, TextModel, load
from model.training.data import read_meld
from model.training.train import recognised
from schemas.analysis import EMOTIONS, SENTIMENTS

_CALIBRATION_BINS = 15


@dataclass(frozen=True)
class HeadScores:
    """How good one head is on one set, all in 0..1: F1 weighted, macro and by class, and the calibration error."""

    weighted_f1: float
    macro_f1: float
    calibration_error: float
    class_f1: dict[str, float]


@dataclass(frozen=True)
class ScoredSet:
    """Both heads on one form of MELD's test split."""

    name: str
    emotion: HeadScores
    sentiment: HeadScores


def class_f1(labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.float64]:
    """The F1 of each class; 0 for one that is neither there nor predicted."""
    confusion = np.zeros((classes, classes))
    np.add.at(confusion, (labels, predicted), 1)
    right, both = confusion.diagonal(), confusion.sum(axis=0) + confusion.sum(axis=1)
    result = np.zeros(classes)
    np.divide(2 * right, both, out=result, where=both > 0)
    return result


def calibration_error(probabilities: Floats, labels: npt.NDArray[np.int64]) -> float:
    """The expected calibration error: how far confidence is from accuracy, over 15 equal bins, weighted by their size."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    gaps = [abs(confidence[bins == n].mean() - right[bins == n].mean()) * (bins == n).mean() for n in np.unique(bins)]
    return float(sum(gaps))


def judge(probabilities: Floats, labels: npt.NDArray[np.int64], names: tuple[str, ...]) -> HeadScores:
    """Score the probabilities [n, classes] of one head against its labels."""
    by_class = class_f1(labels, probabilities.argmax(axis=1), len(names))
    share = np.bincount(labels, minlength=len(names)) / len(labels)
    return HeadScores(
        weighted_f1=float(by_class @ share),
        macro_f1=float(by_class.mean()),
        calibration_error=calibration_error(probabilities, labels),
        class_f1=dict(zip(names, by_class.tolist(), strict=True)),
    )


def score(folder: Path, weights_folder: Path) -> tuple[TextModel, tuple[ScoredSet, ...]]:
    """Score the weights on MELD test, as written and as a recogniser would write it."""
    model, test = load(weights_folder), read_meld(folder, "test")
    sets = []
    for name, examples in (("as written", test), ("as recognised", recognised(test))):
        emotions, sentiments = model.probabilities(examples.texts)
        sets.append(ScoredSet(name, judge(emotions, test.emotions, EMOTIONS), judge(sentiments, test.sentiments, SENTIMENTS)))
    return model, tuple(sets)
