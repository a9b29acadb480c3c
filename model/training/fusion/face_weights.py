"""Weights that the face tower's trunk starts from: torchvision's, trained on Kinetics-400, fetched only when they are asked for by name."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models.video import R3D_18_Weights

from model.face import FaceTower, Trunk
from model.fusion import FusionNetwork
from model.training.fusion.errors import WeightsUnavailable
from schemas.analysis import Modality

#: Fetch torchvision's, checked by the hash in their name and opened without unpickling code.
KINETICS = "kinetics"
FaceWeights = Path | str


def put_into(network: FusionNetwork, weights: FaceWeights) -> None:
    """Start the trunk from weights: `kinetics`, or a safetensors file with the tensors of torchvision's r3d_18.

    Raises WeightsUnavailable where they cannot be fetched, read, or belong to another network.
    """
    tower = network.towers[Modality.FACE]
    face = network.architecture.face
    assert isinstance(tower, FaceTower)
    if face is None or face.trunk is not Trunk.R3D_18:
        raise WeightsUnavailable("only the trunk r3d_18 has pretrained weights")
    tensors = _fetched() if weights == KINETICS else _read(Path(weights))
    # The classes of Kinetics are of no use here.
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("fc.")}
    try:
        tower.trunk.load_state_dict(kept)
    except RuntimeError as error:
        raise WeightsUnavailable(f"{weights} does not hold the weights of r3d_18: {error}") from error


def _fetched() -> dict[str, Tensor]:
    weights = R3D_18_Weights.KINETICS400_V1
    try:
        fetched: dict[str, Tensor] = torch.hub.load_state_dict_from_url(weights.url, map_location="cpu", check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise WeightsUnavailable(
            f"{weights.url} cannot be fetched ({error}): fetch it elsewhere, save its tensors as safetensors and name that file, "
            "or train the trunk from nothing: --face-weights none"
        ) from error
    return fetched


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsUnavailable(f"{path} is no safetensors file that can be read ({error}); pickled weights are never opened") from error
