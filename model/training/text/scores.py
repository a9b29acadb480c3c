"""How good a text model is on a set: always from its weights, in each form of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from model.text import HEADS
from model.text_tokens import Turn
from model.training.text.data import Line
from model.training.text.forms import FORMS
from model.training.text.measures import Labels, Numbers, calibration_error, confusion, f1_by_class, intervals, weighted


@dataclass(frozen=True)
class HeadScores:
    """What one head says of a set, `probabilities` [utterances, classes], beside its `labels` [utterances]; measures are in 0..1."""

    names: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]
    labels: Labels

    @cached_property
    def predicted(self) -> Labels:
        """The most probable class of each utterance."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @cached_property
    def by_class(self) -> Numbers:
        """The F1 of each class."""
        return f1_by_class(self.labels, self.predicted, len(self.names))

    @property
    def weighted_f1(self) -> float:
        """F1 by how often each class occurs."""
        return weighted(self.by_class, self.labels)

    @property
    def macro_f1(self) -> float:
        """F1 with every class counting the same."""
        return float(self.by_class.mean())

    @cached_property
    def intervals(self) -> Numbers:
        """95 % bootstrap intervals: of each class, of the weighted F1, of the macro F1; [classes + 2, 2]."""
        return intervals(self.labels, self.predicted, len(self.names))

    @property
    def calibration_error(self) -> float:
        """How far confidence is from accuracy."""
        return calibration_error(self.probabilities, self.labels)

    @property
    def confusion(self) -> Numbers:
        """How many of each class (rows) were taken for each (columns)."""
        return confusion(self.labels, self.predicted, len(self.names))


class Reader(Protocol):
    """A loaded model of what is felt in words, whichever it is."""

    def probabilities(self, said: Sequence[Turn]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Emotion [utterances, 7] and sentiment [utterances, 3] probabilities."""


#: By form, then by head.
SetScores = dict[str, dict[str, HeadScores]]


def score(model: Reader, lines: Sequence[Line]) -> SetScores:
    """Score a model on utterances with their labels, in each form."""
    return {name: judge(model, [form(line) for line in lines]) for name, form in FORMS.items()}


def judge(model: Reader, lines: Sequence[Line]) -> dict[str, HeadScores]:
    """Score a model on utterances with their labels, as they are."""
    probabilities = model.probabilities([Turn(line.text, line.before) for line in lines])
    return {
        head: HeadScores(names, found, np.array([getattr(line, head) for line in lines], np.int64))
        for (head, names), found in zip(HEADS.items(), probabilities, strict=True)
    }
