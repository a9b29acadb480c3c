"""The voice tower: a small convolutional network over the log-mel frames of a whole utterance, however long it is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model.spectrogram import BANDS


def _mask(lengths: Tensor, frames: int) -> Tensor:
    return torch.arange(frames, device=lengths.device)[None, :] < lengths[:, None]


class _Block(nn.Module):
    """Halves bands and frames. Normalised over the channels of each point alone, so that no frame feels how long its neighbour is."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, channels, 3, stride=2, padding=1)
        self.norm = nn.LayerNorm(channels)

    def forward(self, sound: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        sound = self.norm(self.convolution(sound).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        lengths = (lengths + 1) // 2
        # What follows an utterance in its batch must stay silence, as it would be alone.
        return nn.functional.gelu(sound) * _mask(lengths, sound.shape[-1])[:, None, None, :], lengths


class VoiceTower(nn.Module):
    """Log-mel frames [utterances, frames, 64] with their lengths [utterances] to embeddings [utterances, width].

    `mean` and `deviation` [64] are each band's over the training set; a checkpoint carries them.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(BANDS))
        self.register_buffer("deviation", torch.ones(BANDS))
        self.blocks = nn.ModuleList(_Block(before, after) for before, after in zip((1, *channels), channels, strict=False))
        self.project = nn.Sequential(nn.Linear(channels[-1] * (BANDS >> len(channels)), width), nn.GELU(), nn.LayerNorm(width))

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Embed; frames past an utterance's length are padding and change nothing."""
        sound = (frames - self.mean) / self.deviation * _mask(lengths, frames.shape[1])[..., None]
        sound = sound.transpose(1, 2)[:, None]
        for block in self.blocks:
            sound, lengths = block(sound, lengths)
        pooled = sound.flatten(1, 2).sum(-1) / lengths[:, None]
        embedded: Tensor = self.project(pooled)
        return embedded
