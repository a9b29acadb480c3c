"""A fusion on disk: its weights as safetensors, and a JSON file with the architecture and the temperatures beside them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file

from model.errors import FusionRefused
from model.fusion import Architecture, FusionNetwork
from schemas.analysis import Probability

WEIGHTS_FILE = "fusion.safetensors"
CONFIG_FILE = "fusion.json"
#: What this code can load; a change of the network's layers is another.
FORMAT = "valence-fusion-1"


class Temperatures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the logits of each head are divided by, so that the probabilities are calibrated."""

    emotion: float = 1.0
    sentiment: float = 1.0


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JSON file. `temperatures` by readout: `fused`, `text`, `voice`, `face`.

    Below a probability of `certain_from` the fused emotion should not be relied on; 0 where nobody measured that.
    """

    format: str = FORMAT
    name: str
    architecture: Architecture
    temperatures: dict[str, Temperatures] = {}
    certain_from: Probability = 0.0


def save_fusion(folder: Path, config: Config, network: FusionNetwork) -> None:
    """Write a checkpoint that `load_fusion` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, folder / WEIGHTS_FILE)
    (folder / CONFIG_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n")


def load_fusion(folder: Path) -> tuple[Config, FusionNetwork, str]:
    """The configuration, the network ready for use, and the SHA-256 of its weights.

    Raises FusionRefused, which names the file: missing, not safetensors (a pickle is never opened), of another architecture, or with
    numbers that are none.
    """
    config = _config(folder / CONFIG_FILE)
    path = folder / WEIGHTS_FILE
    content = _read(path)
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise FusionRefused(path, f"it is no safetensors file ({error}); pickled weights are never opened") from error
    # Drawn numbers are about to be replaced: none are drawn.
    with torch.device("meta"):
        network = FusionNetwork(config.architecture)
    _compare(path, {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}, tensors)
    network = FusionNetwork(config.architecture)
    network.load_state_dict(tensors)
    return config, network.eval(), hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FusionRefused(path, f"{error.strerror}") from error


def _config(path: Path) -> Config:
    try:
        config = msgspec.json.decode(_read(path), type=Config)
    except msgspec.DecodeError as error:
        raise FusionRefused(path, f"it is no configuration of a fusion ({error})") from error
    if config.format != FORMAT:
        raise FusionRefused(path, f"its format is {config.format!r}, this version reads {FORMAT!r}")
    if any(not value > 0 for pair in config.temperatures.values() for value in (pair.emotion, pair.sentiment)):
        raise FusionRefused(path, "a temperature is not above 0")
    return config


def _compare(path: Path, wanted: dict[str, tuple[int, ...]], found: dict[str, torch.Tensor]) -> None:
    if odd := sorted(wanted.keys() ^ found.keys()):
        raise FusionRefused(path, f"it is of another architecture than {CONFIG_FILE} says: {odd[0]!r} is in only one of them")
    for name, shape in wanted.items():
        if tuple(found[name].shape) != shape:
            raise FusionRefused(path, f"it is of another architecture: {name!r} is {tuple(found[name].shape)}, expected {shape}")
        if not torch.isfinite(found[name]).all():
            raise FusionRefused(path, f"{name!r} holds numbers that are not finite; train again from a checkpoint before that")
