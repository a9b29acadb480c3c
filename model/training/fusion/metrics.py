"""What a training prints, by the names under which SageMaker's metric definitions find it. Known without torch."""

from __future__ import annotations

from collections.abc import Mapping

#: Every figure that is printed after an epoch, as `name=value;`.
NAMES = (
    "train:loss",
    "validation:loss",
    "validation:emotion_weighted_f1",
    "validation:emotion_macro_f1",
    "validation:sentiment_weighted_f1",
    "validation:sentiment_macro_f1",
)


def metric_definitions() -> list[dict[str, str]]:
    """SageMaker's MetricDefinitions: where in the log each figure is found."""
    return [{"Name": name, "Regex": f"{name}=([0-9.]+);"} for name in NAMES]


def line(epoch: int, values: Mapping[str, float]) -> str:
    """One epoch's figures as one line of the log."""
    return f"epoch={epoch}; " + " ".join(f"{name}={values[name]:.4f};" for name in NAMES)
