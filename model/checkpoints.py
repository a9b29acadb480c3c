"""Checkpoints of the hub profile: that they are numbers and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from model.errors import WeightsRefused


def sha256(paths: Sequence[Path]) -> str:
    """One hash over the content of some files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while part := file.read(1024**2):
                digest.update(part)
    return digest.hexdigest()


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file; WeightsRefused when it is damaged, no safetensors at all, or holds numbers that are none."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsRefused(
            path, f"it is no whole safetensors file ({error}); pickled weights may hold code and are never opened"
        ) from error
    require_finite(path, tensors)
    return tensors


def require_finite(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """WeightsRefused when a weight is NaN or infinite: such a model answers nonsense for every text."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise WeightsRefused(path, f"{name!r} holds numbers that are not finite; get the file again, or use another checkpoint")
