"""A face tower that starts from pretrained weights: they stay as they are while it is frozen, and what is no such file is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file
from torchvision.models.video import r3d_18

from model.face import Trunk
from model.fusion import Architecture, FaceSpec, FusionNetwork
from model.fusion_checkpoint import WEIGHTS_FILE
from model.training.fusion.dataset import VIDEO_FOLDERS
from model.training.fusion.errors import WeightsUnavailable
from model.training.fusion.face_weights import put_into
from model.training.fusion.training import Task, train
from schemas.analysis import Modality
from tests.fusion_training import ENCODER, dataset, short_task

_TRUNK = "towers.face.trunk."


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As torchvision's, classes of Kinetics and all, but drawn."""
    path = tmp_path_factory.mktemp("weights") / "r3d_18.safetensors"
    torch.manual_seed(3)
    save_file(r3d_18(weights=None).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def network() -> FusionNetwork:
    """One whose trunk has the real size."""
    return FusionNetwork(Architecture(text=None, voice=None, face=FaceSpec(trunk=Trunk.R3D_18)))


def task(folder: Path, weights: Path, **recipe: int) -> Task:
    """A few samples, which are one batch, the trunk of the real size, pictures of a small one."""
    few = folder / "dataset"
    few.mkdir(parents=True)
    for split, videos in VIDEO_FOLDERS.items():
        (few / videos).symlink_to(dataset() / videos)
        table = f"{split}_sent_emo.csv"
        (few / table).write_text("".join((dataset() / table).read_text().splitlines(keepends=True)[:8]))
    short = short_task(few, folder / "fusion", folder / "work")
    face = msgspec.structs.replace(short.face, trunk=Trunk.R3D_18)
    changed = msgspec.structs.replace(short.recipe, batch=7, **recipe)
    return replace(short, modalities=frozenset({Modality.FACE}), face=face, face_weights=weights, recipe=changed)


def trunk(folder: Path) -> dict[str, torch.Tensor]:
    tensors = load_file(folder / WEIGHTS_FILE)
    return {name.removeprefix(_TRUNK): tensor for name, tensor in tensors.items() if name.startswith(_TRUNK)}


def test_a_frozen_trunk_keeps_its_weights_and_then_learns_too(tmp_path: Path, weights: Path) -> None:
    start = {name: tensor for name, tensor in load_file(weights).items() if not name.startswith("fc.")}
    frozen = task(tmp_path / "frozen", weights, epochs=1, frozen_epochs=1)
    train(frozen, ENCODER, print)
    kept = trunk(frozen.output)
    assert kept.keys() == start.keys()
    assert all(torch.equal(kept[name], tensor) for name, tensor in start.items())

    thawed = task(tmp_path / "thawed", weights, epochs=1, frozen_epochs=0)
    train(thawed, ENCODER, print)
    learnt = trunk(thawed.output)
    assert not torch.equal(learnt["stem.0.weight"], start["stem.0.weight"])
    assert torch.equal(learnt["stem.1.running_mean"], start["stem.1.running_mean"]), "the statistics of a few clips replace nothing"


def test_weights_of_another_network_are_refused(network: FusionNetwork, tmp_path: Path) -> None:
    save_file({"some.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsUnavailable, match=r"other\.safetensors does not hold the weights of r3d_18"):
        put_into(network, tmp_path / "other.safetensors")


def test_pickled_weights_are_refused_unopened(network: FusionNetwork, tmp_path: Path) -> None:
    torch.save({"stem.0.weight": torch.zeros(3)}, tmp_path / "r3d_18.pth")
    with pytest.raises(WeightsUnavailable, match="never opened"):
        put_into(network, tmp_path / "r3d_18.pth")
