"""How good a fusion is: its figures on a split, its temperatures, and what each subset of the modalities is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar
from sklearn.metrics import f1_score
from torch import Tensor

from model.fusion import FUSED, Logits
from model.fusion_checkpoint import Temperatures
from model.training.text.calibration import RIGHT_WHEN_CERTAIN
from model.training.text.measures import certain_from
from schemas.analysis import Modality

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Said:
    """What a network says of a split: logits by readout, which modalities each sample has, and the labels."""

    logits: Mapping[str, Logits]
    present: Tensor
    emotions: Tensor
    sentiments: Tensor


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the result: what was looked at, on how many samples, and F1 in 0..1."""

    looked_at: str
    samples: int
    emotion_weighted_f1: float
    emotion_macro_f1: float
    sentiment_weighted_f1: float
    sentiment_macro_f1: float


def f1(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Weighted and macro F1 over the classes that occur."""
    predicted, right = logits.argmax(1).numpy(), labels.numpy()
    return tuple(float(f1_score(right, predicted, average=average, zero_division=0.0)) for average in ("weighted", "macro"))  # type: ignore[return-value]


def row(looked_at: str, logits: Logits, said: Said, chosen: Tensor) -> Row:
    """Judge the logits of the chosen samples."""
    emotion = f1(logits.emotion[chosen], said.emotions[chosen])
    sentiment = f1(logits.sentiment[chosen], said.sentiments[chosen])
    return Row(
        looked_at=looked_at,
        samples=int(chosen.sum()),
        emotion_weighted_f1=emotion[0],
        emotion_macro_f1=emotion[1],
        sentiment_weighted_f1=sentiment[0],
        sentiment_macro_f1=sentiment[1],
    )


def temperatures(said: Said, modalities: Sequence[Modality]) -> dict[str, Temperatures]:
    """For each readout the temperatures under which its logits give the labels the highest likelihood."""
    fitted = {}
    for name, logits in said.logits.items():
        has = _having(name, said, modalities)
        if has.any():
            fitted[name] = Temperatures(
                emotion=_temperature(logits.emotion[has], said.emotions[has]),
                sentiment=_temperature(logits.sentiment[has], said.sentiments[has]),
            )
    return fitted


def threshold(said: Said, fitted: Mapping[str, Temperatures]) -> float:
    """The fused probability from which on the emotion is right as often as the text model is where it is certain; 1 where it never is."""
    has = said.present.any(1)
    probabilities = torch.softmax(said.logits[FUSED].emotion[has] / fitted[FUSED].emotion, dim=1)
    return round(certain_from(probabilities.numpy(), said.emotions[has].numpy(), RIGHT_WHEN_CERTAIN), 3)


def alone(said: Said, modalities: Sequence[Modality]) -> list[Row]:
    """Each modality's own heads, on the samples that have it."""
    rows = []
    for modality in modalities:
        has = _having(modality, said, modalities)
        if has.any():
            rows.append(row(f"{modality} alone", said.logits[modality], said, has))
    return rows


def _having(name: str, said: Said, modalities: Sequence[Modality]) -> Tensor:
    if name == FUSED:
        return said.present.any(1)
    return said.present[:, [str(modality) for modality in modalities].index(name)]


def _temperature(logits: Tensor, labels: Tensor) -> float:
    def loss(log_temperature: float) -> float:
        return float(torch.nn.functional.cross_entropy(logits / float(np.exp(log_temperature)), labels))

    return round(float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x)), 4)


def table(rows: Sequence[Row]) -> str:
    """The rows as text; figures in %."""
    lines = [f"{'F1 in %':22} {'samples':>8} {'emotion':>17} {'sentiment':>17}", f"{'':31}" + f" {'weighted':>8} {'macro':>8}" * 2]
    for one in rows:
        figures = (one.emotion_weighted_f1, one.emotion_macro_f1, one.sentiment_weighted_f1, one.sentiment_macro_f1)
        lines.append(f"{one.looked_at:22} {one.samples:8}" + "".join(f" {100 * value:8.1f}" for value in figures))
    return "\n".join(lines)
