"""`valence model ...`: getting, training and judging the models."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar

import click


class _LazyGroup(click.Group):
    """Commands by name, each in a module of its own: some load torch, which takes seconds."""

    COMMANDS: ClassVar[dict[str, tuple[str, str]]] = {
        "train": ("cli.model_train", "Train voice, face and fusion on a folder in MELD's form."),
        "fetch": ("cli.model_fetch", "Get the weights of the hub profile."),
        "score": ("cli.model_score", "Score a text model on a set with labels."),
        "compare": ("cli.model_compare", "Show where two text models disagree."),
    }

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.COMMANDS:
            return None
        module, _ = self.COMMANDS[name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self.COMMANDS.items()])


@click.group(cls=_LazyGroup)
def model() -> None:
    """Get, train and judge the models."""
