"""Putting utterances side by side for a fusion: whatever each of them has of text, voice and face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model.fusion import Batch
from model.spectrogram import BANDS
from schemas.analysis import Modality


@dataclass(frozen=True)
class Utterance:
    """What there is of one utterance: `text` an embedding [width], `voice` log-mel [frames, 64], `face` a clip or a trunk's features."""

    text: npt.NDArray[np.float32] | None = None
    voice: npt.NDArray[np.floating] | None = None
    face: npt.NDArray[np.uint8] | npt.NDArray[np.float32] | None = None

    def of(self, modality: Modality) -> npt.NDArray[np.generic] | None:
        """What there is of one modality."""
        return {Modality.TEXT: self.text, Modality.VOICE: self.voice, Modality.FACE: self.face}[modality]


def collate(modalities: Sequence[Modality], utterances: Sequence[Utterance]) -> Batch:
    """One batch of the utterances, with a column of `present` for each of the modalities."""
    present = torch.tensor([[utterance.of(modality) is not None for modality in modalities] for utterance in utterances])
    used = set(modalities)
    texts, voices, faces = (
        [value for utterance in utterances if modality in used and (value := utterance.of(modality)) is not None]
        for modality in (Modality.TEXT, Modality.VOICE, Modality.FACE)
    )
    lengths = [len(voice) for voice in voices]
    padded = np.zeros((len(voices), max(lengths, default=0), BANDS), np.float32)
    for row, voice in enumerate(voices):
        padded[row, : len(voice)] = voice
    return Batch(
        present=present, text=_stacked(texts), voice=torch.from_numpy(padded), voice_frames=torch.tensor(lengths), face=_stacked(faces)
    )


def _stacked(values: Sequence[npt.NDArray[np.generic]]) -> Tensor:
    return torch.from_numpy(np.stack(values)) if values else torch.empty(0)
