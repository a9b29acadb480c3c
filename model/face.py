"""The face tower: a 3D convolutional network over pictures that are spread over a whole utterance."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise

import torch
from torch import Tensor, nn
from torchvision.models.video import r3d_18

#: Colour means and deviations of Kinetics-400, with which torchvision's weights were trained.
_KINETICS_MEAN = (0.43216, 0.394666, 0.37645)
_KINETICS_DEVIATION = (0.22803, 0.22145, 0.216989)


class Trunk(StrEnum):
    """The network under the projection: ResNet3D-18 of torchvision (33 M parameters), or a very small one for tests and small data."""

    R3D_18 = "r3d_18"
    SMALL = "small"


def _small() -> tuple[nn.Module, int]:
    channels = (3, 12, 24, 32)
    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [nn.Conv3d(before, after, 3, stride=2, padding=1), nn.GroupNorm(4, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten()), channels[-1]


def _r3d_18() -> tuple[nn.Module, int]:
    network = r3d_18(weights=None)
    width = network.fc.in_features
    network.fc = nn.Identity()
    return network, width


class FaceTower(nn.Module):
    """Clips of uint8 [utterances, pictures, size, size, 3] to embeddings [utterances, width].

    In two steps, so that a frozen trunk needs to see a clip only once: `features` [utterances, trunk width], then `project`.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, trunk: Trunk, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_KINETICS_MEAN), persistent=False)
        self.register_buffer("deviation", torch.tensor(_KINETICS_DEVIATION), persistent=False)
        self.trunk, features = _small() if trunk is Trunk.SMALL else _r3d_18()
        self.trunk.to(memory_format=torch.channels_last_3d)
        self.project = nn.Sequential(nn.Linear(features, width), nn.GELU(), nn.LayerNorm(width))

    def features(self, clips: Tensor) -> Tensor:
        """What the trunk makes of the clips."""
        pictures = (clips.to(torch.float32) / 255 - self.mean) / self.deviation
        # Channels come last in memory as they are: the permuted view is already what the convolutions want.
        seen: Tensor = self.trunk(pictures.permute(0, 4, 1, 2, 3))
        return seen

    def forward(self, clips: Tensor) -> Tensor:
        """Embed clips, or features of clips where they come as [utterances, trunk width]."""
        embedded: Tensor = self.project(self.features(clips) if clips.dim() == 5 else clips)
        return embedded
