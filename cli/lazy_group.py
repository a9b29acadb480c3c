"""Groups whose commands lie in modules of their own."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar

import click


class LazyGroup(click.Group):
    """Commands by name, each imported when it is asked for, so that help and completion are quick."""

    #: Name, the module in which a function of that name lies, and the line of the help page.
    COMMANDS: ClassVar[dict[str, tuple[str, str]]] = {}

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.COMMANDS:
            return None
        module, _ = self.COMMANDS[name]
        command: click.Command = getattr(import_module(module), name.replace("-", "_"))
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self.COMMANDS.items()])
