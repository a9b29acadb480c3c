"""What makes probabilities honest: a temperature for each head, and the confidence below which the model should not be relied on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from model.text import HEADS, Temperatures, TextModel, softmax
from model.text_tokens import Turn
from model.training.text.data import Line
from model.training.text.forms import recognised
from model.training.text.measures import Labels, certain_from

#: Above the threshold, the emotion should be right this often on dev.
RIGHT_WHEN_CERTAIN = 0.7


def fit_temperature(logits: npt.NDArray[np.floating], labels: Labels) -> float:
    """The temperature under which the logits [n, classes] give the labels the highest likelihood."""

    def loss(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature)
        top = scaled.max(axis=1, keepdims=True)
        log_sum = top[:, 0] + np.log(np.exp(scaled - top).sum(axis=1))
        return float((log_sum - scaled[np.arange(len(labels)), labels]).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def calibrate(model: TextModel, dev: Sequence[Line]) -> dict[str, str]:
    """Each head's temperatures and the threshold of certainty, fitted on dev as written and as a recogniser would write it."""
    labels = {head: np.array([getattr(line, head) for line in dev]) for head in HEADS}
    said: dict[str, str] = {}
    emotions = []
    for form, lines in zip(Temperatures._fields, (dev, [recognised(line) for line in dev]), strict=True):
        logits = model.logits([Turn(line.text, line.before) for line in lines])
        fitted = {head: fit_temperature(logits[head], labels[head]) for head in HEADS}
        said |= {f"{head}_temperature_{form}": f"{value:.4f}" for head, value in fitted.items()}
        emotions.append(softmax(logits["emotion"] / np.float32(fitted["emotion"])))
    threshold = certain_from(np.concatenate(emotions), np.tile(labels["emotion"], 2), RIGHT_WHEN_CERTAIN)
    return {"certain_from": f"{threshold:.3f}", **said}
