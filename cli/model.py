"""`valence model ...`: getting, training and judging the models."""

from __future__ import annotations

from typing import ClassVar

import click

from cli.lazy_group import LazyGroup


class _Model(LazyGroup):
    """Some of these load torch, which takes seconds."""

    COMMANDS: ClassVar[dict[str, tuple[str, str]]] = {
        "train": ("cli.model_train", "Train voice, face and fusion on a folder in MELD's form."),
        "fetch": ("cli.model_fetch", "Get the weights of the hub profile."),
        "score": ("cli.model_score", "Score a text model on a set with labels."),
        "compare": ("cli.model_compare", "Show where two text models disagree."),
    }


@click.group(cls=_Model)
def model() -> None:
    """Get, train and judge the models."""
