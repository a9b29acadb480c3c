"""A fusion trained on the synthetic data set, small enough to be trained by the tests that need one."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import torch

from model import text
from model.profiles import BUNDLED_FOLDER
from model.training.fusion import synthetic
from model.training.fusion.dataset import VIDEO_FOLDERS
from model.training.fusion.training import Result, Task, train
from schemas.analysis import Modality

TEXT = text.load(BUNDLED_FOLDER)


class RememberingEncoder:
    """The same text model. The data set says a few sentences again and again: each is read once."""

    def __init__(self, model: text.TextModel) -> None:
        self.ref = model.ref
        self._read = functools.cache(model.embed)

    def embed(self, texts: Sequence[str]) -> text.Floats:
        """What the text model makes of the utterances of one video, [texts, width]."""
        return self._read(tuple(texts))


ENCODER = RememberingEncoder(TEXT)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: sums come out differently with another number, and numba sets torch's when the first Whisper is loaded."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="valence-fusion-")  # gone when the tests end


@functools.cache
def dataset() -> Path:
    """The synthetic data set."""
    folder = Path(_folder().name) / "dataset"
    synthetic.make_dataset(folder)
    return folder


@functools.cache
def trained() -> tuple[Task, Result]:
    """Some half a minute on one core, the first time."""
    folder = Path(_folder().name)
    task = Task(dataset(), folder / "fusion", folder / "work", frozenset(Modality), synthetic.RECIPE, synthetic.VOICE, synthetic.FACE)
    with one_thread():
        return task, train(task, ENCODER, print)


def shorten(whole: Path, folder: Path) -> Path:
    """A quarter of a data set in a folder of its own: shorter tables, of the same clips."""
    for split, videos in VIDEO_FOLDERS.items():
        (folder / videos).symlink_to(whole / videos)
        rows = (whole / f"{split}_sent_emo.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / f"{split}_sent_emo.csv").write_text("".join(rows[: 1 + len(rows) // 4]), encoding="utf-8")
    return folder


def short_task(data: Path, output: Path, work: Path) -> Task:
    """Two epochs, which are of four batches on a quarter of the data."""
    recipe = msgspec.structs.replace(synthetic.RECIPE, epochs=2, batch=13)
    return Task(data, output, work, frozenset(Modality), recipe, synthetic.VOICE, synthetic.FACE)
