"""A fusion trained on the synthetic data set, small enough to be trained by the tests that need one."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import msgspec
import torch

from model import text
from model.profiles import BUNDLED_FOLDER
from model.training.fusion import synthetic
from model.training.fusion.training import Result, Task, train
from schemas.analysis import Modality

ENCODER = text.load(BUNDLED_FOLDER)

# Sums come out differently with another number of threads, and other tests of this process may have set one.
torch.set_num_threads(1)


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="valence-fusion-")  # gone when the tests end


@functools.cache
def trained() -> tuple[Task, Result]:
    """Some half a minute on one core, the first time."""
    folder = Path(_folder().name)
    synthetic.make_dataset(folder / "dataset")
    task = Task(
        folder / "dataset", folder / "fusion", folder / "work", frozenset(Modality), synthetic.RECIPE, synthetic.VOICE, synthetic.FACE
    )
    return task, train(task, ENCODER, print)


def short_task(dataset: Path, output: Path, work: Path) -> Task:
    """Two epochs of the same."""
    recipe = msgspec.structs.replace(synthetic.RECIPE, epochs=2, batch=49)
    return Task(dataset, output, work, frozenset(Modality), recipe, synthetic.VOICE, synthetic.FACE)
