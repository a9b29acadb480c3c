"""What can keep a training from beginning or from going on."""

from __future__ import annotations


class TrainingError(Exception):
    """The training cannot be done as it was asked for; the message says what to change."""


class DatasetInvalid(TrainingError):
    """The data set is not in MELD's form, or most of it cannot be read."""


class StateOfAnotherRun(TrainingError):
    """The folder holds the state of a run with other data or another recipe."""


class WeightsUnavailable(TrainingError):
    """Pretrained weights were asked for and cannot be had."""


class Interrupted(Exception):
    """The machine is being taken away; the state is saved, and the same command goes on."""
