"""What training makes small: how wrong the fusion and each modality alone are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model.fusion import FUSED, Logits
from model.training.fusion.features import Prepared
from model.training.fusion.recipe import Recipe
from schemas.analysis import EMOTIONS, SENTIMENTS, Modality


def labels_of(prepared: Prepared) -> tuple[Tensor, Tensor]:
    """Indices of the emotions and of the sentiments, each [samples]."""
    return torch.tensor([sample.emotion for sample in prepared.samples]), torch.tensor([sample.sentiment for sample in prepared.samples])


class Losses(nn.Module):
    """Cross entropy of every readout with the classes weighted, the fused one counting whole and the others a part."""

    emotion_weights: Tensor
    sentiment_weights: Tensor

    def __init__(self, train: Prepared, recipe: Recipe) -> None:
        super().__init__()
        self._recipe = recipe
        for name, labels, classes in zip(("emotion", "sentiment"), labels_of(train), (len(EMOTIONS), len(SENTIMENTS)), strict=True):
            counts = torch.bincount(labels, minlength=classes).clamp(min=1).float()
            self.register_buffer(f"{name}_weights", (counts.mean() / counts) ** recipe.class_weight_exponent)

    def forward(
        self, said: dict[str, Logits], present: Tensor, modalities: Sequence[Modality], emotions: Tensor, sentiments: Tensor
    ) -> Tensor:
        every = torch.ones(len(present), dtype=torch.bool, device=present.device)
        loss = self._of(said[FUSED], every, emotions, sentiments)
        for column, modality in enumerate(modalities):
            if present[:, column].any():
                loss = loss + self._recipe.alone_weight * self._of(said[modality], present[:, column], emotions, sentiments)
        return loss

    def _of(self, logits: Logits, rows: Tensor, emotions: Tensor, sentiments: Tensor) -> Tensor:
        pairs = ((logits.emotion, emotions, self.emotion_weights), (logits.sentiment, sentiments, self.sentiment_weights))
        return sum(
            (
                nn.functional.cross_entropy(said[rows].float(), labels[rows], weight, label_smoothing=self._recipe.label_smoothing)
                for said, labels, weight in pairs
            ),
            start=torch.zeros((), device=rows.device),
        )
