"""Towers and fusion: any subset works, neighbours in a batch do not matter, and a checkpoint is what it says or is refused."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from model.agreement import agreement
from model.errors import FusionRefused
from model.face import FaceTower, Trunk
from model.faces import Crop
from model.fusion import FUSED, Architecture, FaceSpec, FusionNetwork, TextSpec, VoiceSpec
from model.fusion_batches import Utterance, collate
from model.fusion_checkpoint import CONFIG_FILE, WEIGHTS_FILE, Config, load_fusion, save_fusion
from schemas.analysis import Modality

ARCHITECTURE = Architecture(
    text=TextSpec(name="words", sha256="0" * 64, width=6),
    voice=VoiceSpec(channels=(4, 8)),
    face=FaceSpec(trunk=Trunk.SMALL, frames=4, size=24, crop=Crop.WHOLE),
    width=16,
)
ALL = ARCHITECTURE.modalities


def network() -> FusionNetwork:
    torch.manual_seed(7)
    return FusionNetwork(ARCHITECTURE).eval()


def utterance(seed: int, frames: int = 90) -> Utterance:
    random = np.random.default_rng(seed)
    return Utterance(
        text=random.normal(size=6).astype(np.float32),
        voice=random.normal(size=(frames, 64)).astype(np.float32),
        face=random.integers(0, 256, (4, 24, 24, 3), np.uint8),
    )


def probabilities(model: FusionNetwork, *utterances: Utterance, name: str = FUSED) -> torch.Tensor:
    with torch.inference_mode():
        return torch.softmax(model(collate(ALL, utterances))[name].emotion, dim=1)


@pytest.mark.parametrize("lacks", [(), ("text",), ("voice",), ("face",), ("voice", "face"), ("text", "face"), ("text", "voice")])
def test_any_subset_of_the_modalities_gives_an_answer(lacks: tuple[str, ...]) -> None:
    answer = probabilities(network(), replace(utterance(1), **dict.fromkeys(lacks)))
    assert torch.isfinite(answer).all()
    assert float(answer.sum()) == pytest.approx(1.0, abs=1e-5)


def test_an_utterance_is_judged_alike_alone_and_beside_longer_and_poorer_ones() -> None:
    model = network()
    poorer = Utterance(text=utterance(3).text)
    alone, beside = probabilities(model, utterance(1, 90)), probabilities(model, poorer, utterance(1, 90), utterance(2, 700))
    assert torch.allclose(alone[0], beside[1], atol=1e-5)


@pytest.mark.parametrize("part", ["text", "voice", "face"])
def test_every_modality_moves_the_answer(part: str) -> None:
    model, one, other = network(), utterance(1), utterance(2)
    assert not torch.allclose(probabilities(model, one), probabilities(model, replace(one, **{part: getattr(other, part)})), atol=1e-5)


def test_the_end_of_a_long_utterance_is_heard() -> None:
    long = utterance(1, 4000)
    assert long.voice is not None
    changed = long.voice.copy()
    changed[3500:] = 3.0
    model = network()
    assert not torch.allclose(probabilities(model, long), probabilities(model, replace(long, voice=changed)), atol=1e-5)


def test_a_modality_alone_is_judged_by_itself() -> None:
    model, one, other = network(), utterance(1), utterance(2)
    mixed = Utterance(text=other.text, voice=one.voice, face=other.face)
    assert torch.allclose(probabilities(model, one, name="voice"), probabilities(model, mixed, name="voice"), atol=1e-5)


def test_the_trunk_of_the_real_size_takes_sixteen_pictures() -> None:
    tower = FaceTower(Trunk.R3D_18, 128).eval()
    with torch.inference_mode():
        assert tower(torch.zeros(1, 16, 112, 112, 3, dtype=torch.uint8)).shape == (1, 128)


def saved(folder: Path) -> Path:
    save_fusion(folder, Config(name="test", architecture=ARCHITECTURE), network())
    return folder


def test_a_checkpoint_gives_the_same_answers_again(tmp_path: Path) -> None:
    config, loaded, sha256 = load_fusion(saved(tmp_path))
    assert torch.equal(probabilities(network(), utterance(1)), probabilities(loaded, utterance(1)))
    assert (config.name, len(sha256)) == ("test", 64)


def test_a_checkpoint_with_numbers_that_are_none_is_refused(tmp_path: Path) -> None:
    tensors = load_file(saved(tmp_path) / WEIGHTS_FILE)
    tensors["heads.fused.emotion.bias"][2] = float("nan")
    save_file(tensors, tmp_path / WEIGHTS_FILE)
    with pytest.raises(FusionRefused, match=r"heads\.fused\.emotion\.bias.*not finite"):
        load_fusion(tmp_path)


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (Path("/nonexistent/pickle-was-opened"),)


@pytest.mark.parametrize("content", [pickle.dumps({"weights": _Trap()}), b"", b"\0" * 64, b"\xff" * 4096])
def test_weights_that_are_no_safetensors_are_refused_unopened(tmp_path: Path, content: bytes) -> None:
    (saved(tmp_path) / WEIGHTS_FILE).write_bytes(content)
    with pytest.raises(FusionRefused, match=r"fusion\.safetensors .*no safetensors"):
        load_fusion(tmp_path)


def _changed(folder: Path, **changes: object) -> Path:
    config = json.loads((folder / CONFIG_FILE).read_text())
    for path, value in changes.items():
        at = config
        *parents, last = path.split("__")
        for parent in parents:
            at = at[parent]
        at[last] = value
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"architecture__width": 32}, "another architecture"),
        ({"architecture__voice": None}, "another architecture"),
        ({"architecture__voice__channels": [1] * 9}, "no configuration"),
        ({"architecture__width": 10**12}, "no configuration"),
        ({"format": "valence-fusion-9"}, "valence-fusion-9"),
        ({"architecture__face__trunk": "vit"}, "vit"),
        ({"surprise": 1}, "surprise"),
        ({"temperatures": {"fused": {"emotion": 0}}}, "temperature"),
    ],
)
def test_a_configuration_of_something_else_is_refused(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    with pytest.raises(FusionRefused, match=says):
        load_fusion(_changed(saved(tmp_path), **changes))


def test_a_checkpoint_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FusionRefused, match=str(tmp_path / "none")):
        load_fusion(tmp_path / "none")


def test_agreement_is_one_for_the_same_opinion_and_zero_for_opinions_that_exclude_each_other() -> None:
    assert agreement([[0.2, 0.8], [0.2, 0.8]]) == pytest.approx(1.0)
    assert agreement([[1, 0, 0], [0, 1, 0], [0, 0, 1]]) == pytest.approx(0.0)
    near, far = agreement([[0.6, 0.4], [0.5, 0.5]]), agreement([[0.9, 0.1], [0.2, 0.8]])
    assert near is not None
    assert far is not None
    assert 0 < far < near < 1
    assert agreement([[0.5, 0.5]]) is None


def test_the_modalities_of_an_architecture_are_those_that_have_a_tower() -> None:
    assert Architecture(text=None, voice=VoiceSpec(), face=None).modalities == (Modality.VOICE,)
