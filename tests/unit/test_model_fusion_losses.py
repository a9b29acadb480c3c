"""What the training of a fusion makes small."""

from __future__ import annotations

import torch

from model.fusion import FUSED, Logits
from model.training.fusion.dataset import Sample
from model.training.fusion.features import Prepared
from model.training.fusion.losses import Losses
from model.training.fusion.recipe import Recipe
from schemas.analysis import EMOTIONS, Modality

_NEUTRAL, _FEAR = EMOTIONS.index("neutral"), EMOTIONS.index("fear")


def test_to_be_wrong_about_a_rare_emotion_costs_more() -> None:
    samples = [Sample(str(number), "0", "Well.", emotion, 1, None) for number, emotion in enumerate([_NEUTRAL] * 9 + [_FEAR])]
    labels, leaning = torch.tensor([_NEUTRAL, _FEAR]), torch.tensor([1, 1])

    def cost(wrong: int, exponent: float) -> float:
        sure = torch.nn.functional.one_hot(torch.where(torch.arange(2) == wrong, 0, labels), len(EMOTIONS)) * 4.0
        losses = Losses(Prepared(samples, [None] * 10, [None] * 10, []), Recipe(class_weight_exponent=exponent))
        said = {FUSED: Logits(sure, torch.zeros(2, 3)), Modality.TEXT: Logits(sure, torch.zeros(2, 3))}
        return float(losses(said, torch.ones(2, 1, dtype=torch.bool), [Modality.TEXT], labels, leaning))

    assert cost(wrong=1, exponent=0.3) > 1.2 * cost(wrong=0, exponent=0.3)
    assert abs(cost(wrong=1, exponent=0.0) - cost(wrong=0, exponent=0.0)) < 1e-5
