"""The figures of a training, in one place."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How a fusion is trained. Rates are AdamW's."""

    epochs: int = 15
    #: Epochs before the pretrained trunk of the face tower learns too; a trunk that starts from nothing learns from the first.
    frozen_epochs: int = 5
    #: Epochs without a better score on dev before it ends.
    patience: int = 4
    batch: int = 32
    rate: float = 1e-3
    trunk_rate: float = 1e-4
    weight_decay: float = 0.01
    #: The share of all steps over which the rate rises; then it falls as a cosine.
    warm_up: Share = 0.1
    #: How far rare classes are raised: 0 not at all, 1 until all count the same.
    class_weight_exponent: Share = 0.3
    label_smoothing: Share = 0.05
    #: How often each modality is hidden from the fusion.
    modality_dropout: Share = 0.3
    #: What the heads of the single modalities count beside the fused ones.
    alone_weight: float = 0.3
    #: The longest gradient.
    clip_norm: float = 1.0
    seed: int = 0

    def rate_at(self, step: int, steps: int) -> float:
        """The share of the rate at a step: a function of nothing else, so that a resumed run goes on as if it had not stopped."""
        rising = max(1, round(self.warm_up * steps))
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
