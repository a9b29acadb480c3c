"""Training voice, face and fusion on the synthetic data set: what it is worth, and what happens to it when things go wrong."""

from __future__ import annotations

import csv
import itertools
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.nn.modules.module import register_module_forward_hook
from torch.optim.optimizer import register_optimizer_step_pre_hook

from model import device
from model.fusion_checkpoint import WEIGHTS_FILE, load_fusion
from model.training.fusion import metrics
from model.training.fusion import run as runs
from model.training.fusion.dataset import VIDEO_FOLDERS
from model.training.fusion.errors import DatasetInvalid, Interrupted, StateOfAnotherRun
from model.training.fusion.training import FAILURES_FILE, Task, train
from schemas.analysis import Modality
from tests.fusion_training import ENCODER, one_thread, short_task, shorten, trained


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quarter of the data set."""
    return shorten(trained()[0].dataset, tmp_path_factory.mktemp("quarter"))


def _short(dataset: Path, folder: Path) -> Task:
    """Two epochs on a quarter of the data, with the features that are cached already."""
    shutil.copytree(trained()[0].work / "features", folder / "work" / "features")
    return short_task(dataset, folder / "fusion", folder / "work")


@pytest.fixture
def short(quarter: Path, tmp_path: Path) -> Task:
    return _short(quarter, tmp_path)


@pytest.fixture(scope="module")
def finished(quarter: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, list[str]]:
    """Such a training from beginning to end, and what it said."""
    task = _short(quarter, tmp_path_factory.mktemp("finished"))
    said: list[str] = []
    train(task, ENCODER, said.append)
    return task, said


def test_the_fusion_is_better_than_every_modality_alone() -> None:
    _, result = trained()
    f1 = {row.looked_at: row.emotion_weighted_f1 for row in result.rows}
    assert f1["fused"] > 0.8
    for modality in Modality:
        assert f1[f"{modality} alone"] < 0.45, "it carries one digit of three"


def test_a_missing_modality_degrades_the_fusion_gently() -> None:
    _, result = trained()
    f1 = {row.looked_at: row.emotion_weighted_f1 for row in result.rows}
    for modality in Modality:
        others = max(f1[f"{other} alone"] for other in Modality if other is not modality)
        assert others < f1[f"fused without {modality}"] < f1["fused"]


def test_every_head_has_a_temperature_of_its_own_and_the_answer_a_threshold() -> None:
    task, _ = trained()
    config, _, _ = load_fusion(task.output)
    assert set(config.temperatures) == {"fused", "text", "voice", "face"}
    assert all(pair.emotion != 1.0 for pair in config.temperatures.values())
    assert config.certain_from == 0, "it is right always, so that nothing of it is uncertain"


class Killed(BaseException):
    """Nothing on disk after it counts."""


def test_a_training_that_was_killed_goes_on_to_the_same_result(
    short: Task, finished: tuple[Task, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, step, steps = tmp_path / "left", runs.Run._step, itertools.count(1)

    def mortal(run: runs.Run, *arguments: Any, **names: Any) -> float:
        if next(steps) == 8:
            shutil.copytree(short.work, left)  # as SIGKILL would leave it: without what is tidied up and saved afterwards
            raise Killed
        return step(run, *arguments, **names)

    with monkeypatch.context() as patch:
        patch.setattr(runs, "STATE_EVERY", 3)
        patch.setattr(runs.Run, "_step", mortal)
        with pytest.raises(Killed):
            train(short, ENCODER, print)
    assert json.loads((left / "state" / "state.json").read_bytes())["batch"] == 3, "it died in the middle of an epoch"
    assert not short.output.exists()

    train(replace(short, work=left), ENCODER, print)

    assert (short.output / WEIGHTS_FILE).read_bytes() == (finished[0].output / WEIGHTS_FILE).read_bytes()


def _once(task: Task, **recipe: float) -> Task:
    """The same for one epoch."""
    return replace(task, recipe=msgspec.structs.replace(task.recipe, epochs=1, **recipe))


def test_a_gradient_that_is_too_long_is_shortened_before_it_moves_a_weight(short: Task) -> None:
    norms: list[float] = []

    def measure(optimizer: torch.optim.Optimizer, *_: object) -> None:
        gradients = [parameter.grad for group in optimizer.param_groups for parameter in group["params"] if parameter.grad is not None]
        norms.append(float(nn.utils.get_total_norm(gradients)))

    watching = register_optimizer_step_pre_hook(measure)
    try:
        train(_once(short, clip_norm=0.125), ENCODER, print)
    finally:
        watching.remove()

    assert norms == pytest.approx([0.125] * 4, rel=1e-3), "every gradient of so young a network is longer"


def test_where_bfloat16_is_quick_a_training_multiplies_in_it_and_keeps_float32(short: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """Emulated where the processor has none: the numbers are the same, it only takes longer."""
    monkeypatch.setattr(device, "has_quick_bf16", lambda _: True)
    given: dict[type[nn.Module], set[torch.dtype]] = {nn.Conv2d: set(), nn.Conv3d: set(), nn.Linear: set()}

    def watch(module: nn.Module, _: object, answer: torch.Tensor) -> None:
        if module.training and type(module) in given:
            given[type(module)].add(answer.dtype)

    watching = register_module_forward_hook(watch)
    try:
        task = _once(short)
        train(task, ENCODER, print)
    finally:
        watching.remove()

    assert given == {nn.Conv2d: {torch.bfloat16}, nn.Conv3d: {torch.bfloat16}, nn.Linear: {torch.bfloat16}}
    assert {tensor.dtype for tensor in load_file(task.output / WEIGHTS_FILE).values() if tensor.is_floating_point()} == {torch.float32}


def test_a_training_that_is_told_to_stop_saves_its_state_first(short: Task) -> None:
    def stop_at_once(run: runs.Run) -> None:
        run.stop.set()

    with pytest.raises(Interrupted):
        train(short, ENCODER, print, stop_at_once)
    said: list[str] = []
    train(short, ENCODER, said.append)
    assert sum(line.startswith("epoch=") for line in said) == 2


def test_the_state_of_another_recipe_is_not_gone_on_from(finished: tuple[Task, list[str]]) -> None:
    task = finished[0]
    other = replace(task, recipe=msgspec.structs.replace(task.recipe, rate=0.5))
    with pytest.raises(StateOfAnotherRun, match=re.escape(str(task.work))):
        train(other, ENCODER, print)


def test_clips_that_cannot_be_read_are_counted_listed_and_trained_on_by_their_words(short: Task, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(short.dataset, dataset)  # its clips too: they are about to be spoilt
    (dataset / VIDEO_FOLDERS["train"] / "dia3_utt0.mp4").write_bytes(b"not a video at all")
    (dataset / VIDEO_FOLDERS["dev"] / "dia5_utt0.mp4").unlink()
    said: list[str] = []

    result = train(replace(short, dataset=dataset), ENCODER, said.append)

    listed = [json.loads(line) for line in (short.output / FAILURES_FILE).read_text().splitlines()]
    assert [(one["split"], one["sample"]) for one in listed] == [("train", "dia3_utt0"), ("dev", "dia5_utt0")]
    assert result.failed == 2
    assert "49 samples (49 with text, 48 with voice, 48 with face), 1 failed" in "\n".join(said)


def test_a_folder_whose_clips_mostly_fail_is_refused(short: Task, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(short.dataset, dataset)
    for clip in (dataset / VIDEO_FOLDERS["train"]).iterdir():
        clip.unlink()
    with pytest.raises(DatasetInvalid, match="49 of 49 clips of 'train' cannot be read"):
        train(replace(short, dataset=dataset), ENCODER, print)


def test_what_is_printed_is_what_sagemakers_metric_definitions_find(finished: tuple[Task, list[str]]) -> None:
    task, said = finished
    for definition in metrics.metric_definitions():
        found = re.findall(definition["Regex"], "\n".join(said))
        assert len(found) == 2, definition
    assert "validation:emotion_weighted_f1" in metrics.NAMES
    board = EventAccumulator(str(task.work / "tensorboard"))
    board.Reload()
    assert len(board.Scalars("validation/emotion_weighted_f1")) == 2


def test_words_alone_need_no_videos(short: Task, tmp_path: Path) -> None:
    dataset = tmp_path / "words"
    dataset.mkdir()
    for table in short.dataset.glob("*.csv"):
        shutil.copy(table, dataset)
    result = train(replace(short, dataset=dataset, modalities=frozenset({Modality.TEXT})), ENCODER, print)
    assert [row.looked_at for row in result.rows] == ["text alone", "fused"]
    assert not any(name.startswith("towers.voice") for name in load_file(short.output / WEIGHTS_FILE))


@pytest.mark.parametrize(("patience", "epochs"), [(1, 2), (3, 4)])
def test_a_training_ends_when_dev_has_got_no_better_for_as_long_as_it_has_patience(short: Task, patience: int, epochs: int) -> None:
    recipe = msgspec.structs.replace(short.recipe, epochs=6, rate=0.0, patience=patience)  # at this rate nothing is learned
    said: list[str] = []
    train(replace(short, modalities=frozenset({Modality.TEXT}), recipe=recipe), ENCODER, said.append)
    assert sum(line.startswith("epoch=") for line in said) == epochs


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("Emotion", "bored", "line 3: 'bored' is none of anger"),
        ("Dialogue_ID", "../../etc", "no ids"),
        ("Sentiment", "", "none of negative"),
    ],
)
def test_a_table_that_is_not_in_melds_form_is_refused_by_line(short: Task, tmp_path: Path, column: str, value: str, says: str) -> None:
    dataset = tmp_path / "words"
    dataset.mkdir()
    for table in short.dataset.glob("*.csv"):
        with table.open(newline="") as file:
            rows = list(csv.DictReader(file))
        rows[1][column] = value
        with (dataset / table.name).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    with pytest.raises(DatasetInvalid, match=says):
        train(replace(short, dataset=dataset, modalities=frozenset({Modality.TEXT})), ENCODER, print)


def test_voice_without_videos_says_what_to_do(short: Task, tmp_path: Path) -> None:
    for table in short.dataset.glob("*.csv"):
        shutil.copy(table, tmp_path)
    with pytest.raises(DatasetInvalid, match="--modalities text"):
        train(replace(short, dataset=tmp_path), ENCODER, print)
