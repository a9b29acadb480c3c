"""Whisper checkpoints: openai-whisper's own .pt files, and the same as safetensors, which is what `valence model fetch` writes.

A .pt file is a pickle. It is read by torch's reader that makes tensors and plain values and refuses everything else, so no code in it runs.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import whisper
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from whisper.model import ModelDimensions, Whisper

from model.checkpoints import read_safetensors, require_finite
from model.errors import WeightsRefused

#: Where the sizes of the network stand in a safetensors file's metadata.
_DIMENSIONS = "whisper_dimensions"


def load_whisper(path: Path) -> Whisper:
    """The network of a checkpoint, on the processor in float32; WeightsRefused names the file."""
    dimensions, tensors = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    try:
        network = Whisper(ModelDimensions(**dimensions))
        network.load_state_dict(tensors)
        # Which attention heads follow the time is known by the name of a published model; of others Whisper takes the last half.
        if heads := whisper._ALIGNMENT_HEADS.get(path.stem):
            network.set_alignment_heads(heads)
    except (TypeError, ValueError, RuntimeError) as error:
        raise WeightsRefused(path, f"it is of another architecture than Whisper's of that name: {error}") from error
    return network.eval()


def save_whisper(path: Path, network: Whisper) -> None:
    """Write a network as safetensors of half precision, as the published ones are."""
    tensors = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, path, metadata={_DIMENSIONS: json.dumps(asdict(network.dims))})


def _read_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    tensors = read_safetensors(path)
    try:
        with safe_open(path, framework="pt") as file:
            dimensions = json.loads((file.metadata() or {})[_DIMENSIONS])
    except (SafetensorError, KeyError, ValueError) as error:
        raise WeightsRefused(path, "it does not say the sizes of a Whisper; `valence model fetch` writes such a file") from error
    return dimensions, tensors


def _read_pickle(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        dimensions, tensors = content["dims"], content["model_state_dict"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise WeightsRefused(path, f"it holds something else than weights, and nothing of it was run: {error}") from error
    except (KeyError, TypeError) as error:
        raise WeightsRefused(path, "it is no checkpoint of openai-whisper: it has no dims and model_state_dict") from error
    require_finite(path, tensors)
    return dimensions, tensors
