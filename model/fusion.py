"""Late fusion: a tower for text, voice and face each, what they see joined, and two heads over it and over each of them alone.

Any subset of the modalities works: an absent one is replaced by a learned vector, and training leaves some out on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
import torch
from torch import Tensor, nn

from model.face import FaceTower, Trunk
from model.faces import Crop
from model.recording import Looking
from model.voice import VoiceTower
from schemas.analysis import EMOTIONS, SENTIMENTS, Modality

#: Bounds of a configuration that somebody else wrote.
Width = Annotated[int, msgspec.Meta(ge=1, le=16_384)]
#: What the joined towers say, beside what each modality says alone.
FUSED = "fused"


class TextSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The encoder whose embeddings the text tower reads: its name, the SHA-256 of its weights, and how wide they are."""

    name: str
    sha256: str
    width: Width


class VoiceSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The voice tower: channels of each block."""

    channels: Annotated[tuple[Width, ...], msgspec.Meta(min_length=1, max_length=6)] = (32, 64, 96, 128)


class FaceSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The face tower: its trunk, and how many pictures of what size and what it is shown."""

    trunk: Trunk = Trunk.R3D_18
    frames: Annotated[int, msgspec.Meta(ge=1, le=64)] = 16
    size: Annotated[int, msgspec.Meta(ge=16, le=256)] = 112
    crop: Crop = Crop.FACE

    @property
    def looking(self) -> Looking:
        """How its pictures are to be prepared."""
        return Looking(self.frames, self.size, self.crop)


class Architecture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that decides a network's shape; a modality that is None has no tower."""

    text: TextSpec | None
    voice: VoiceSpec | None
    face: FaceSpec | None
    #: What each tower gives to the fusion.
    width: Width = 128
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.2

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Those that have a tower, in the order of their columns."""
        specs = {Modality.TEXT: self.text, Modality.VOICE: self.voice, Modality.FACE: self.face}
        return tuple(modality for modality, spec in specs.items() if spec is not None)


@dataclass(frozen=True)
class Batch:
    """Utterances side by side. `present` [utterances, modalities] says which modality each has, in the architecture's order.

    The other tensors hold only the utterances that have the modality: `text` [texts, width], `voice` [voices, frames, 64] padded with
    `voice_frames` [voices], `face` [faces, pictures, size, size, 3] uint8 or the trunk's features [faces, trunk width].
    """

    present: Tensor
    text: Tensor
    voice: Tensor
    voice_frames: Tensor
    face: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return replace(self, **{name: getattr(self, name).to(device, non_blocking=True) for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class Logits:
    """Before softmax and temperature: `emotion` [utterances, 7] and `sentiment` [utterances, 3]."""

    emotion: Tensor
    sentiment: Tensor


class _Heads(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.emotion = nn.Linear(width, len(EMOTIONS))
        self.sentiment = nn.Linear(width, len(SENTIMENTS))

    def forward(self, embedded: Tensor) -> Logits:
        return Logits(self.emotion(embedded), self.sentiment(embedded))


class FusionNetwork(nn.Module):
    """The towers, the fusion and the heads of one architecture."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        width, names = architecture.width, architecture.modalities
        self.towers = nn.ModuleDict()
        if architecture.text is not None:
            read = (nn.LayerNorm(architecture.text.width), nn.Dropout(architecture.dropout), nn.Linear(architecture.text.width, width))
            self.towers[Modality.TEXT] = nn.Sequential(*read, nn.GELU(), nn.LayerNorm(width))
        if architecture.voice is not None:
            self.towers[Modality.VOICE] = VoiceTower(architecture.voice.channels, width)
        if architecture.face is not None:
            self.towers[Modality.FACE] = FaceTower(architecture.face.trunk, width)
        self.absent = nn.Parameter(torch.zeros(len(names), width))
        self.fuse = nn.Sequential(
            nn.Linear(len(names) * width, 2 * width), nn.GELU(), nn.Dropout(architecture.dropout), nn.Linear(2 * width, width), nn.GELU()
        )
        self.heads = nn.ModuleDict({name: _Heads(width) for name in (FUSED, *names)})

    def forward(self, batch: Batch, kept: Tensor | None = None) -> dict[str, Logits]:
        """Logits of the fusion and of each modality alone.

        `kept` [utterances, modalities] narrows what the fusion is shown, not what the modalities' own heads are. The rows of a modality
        that an utterance lacks mean nothing.
        """
        embedded = self._embed(batch)
        shown = batch.present if kept is None else batch.present & kept
        joined = torch.where(shown[..., None], embedded, self.absent)
        said = {FUSED: self.heads[FUSED](self.fuse(joined.flatten(1)))}
        for column, modality in enumerate(self.architecture.modalities):
            said[modality] = self.heads[modality](embedded[:, column])
        return said

    def _embed(self, batch: Batch) -> Tensor:
        """Embeddings [utterances, modalities, width]; zeros where a modality is absent."""
        given = {
            Modality.TEXT: (batch.text,),
            Modality.VOICE: (batch.voice, batch.voice_frames),
            Modality.FACE: (batch.face,),
        }
        columns = []
        for column, modality in enumerate(self.architecture.modalities):
            has = batch.present[:, column]
            embedded = torch.zeros(len(has), self.architecture.width, device=has.device)
            if has.any():
                embedded[has] = self.towers[modality](*given[modality]).to(embedded.dtype)
            columns.append(embedded)
        return torch.stack(columns, dim=1)
