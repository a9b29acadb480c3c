"""Every command explains itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from cli.main import valence


def commands(command: click.Command = valence, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every command and group, the whole of `valence` first."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, (*path, name))


@pytest.mark.parametrize("path", list(commands()), ids=lambda path: " ".join(path) or "valence")
def test_help_says_what_a_command_does_and_what_each_of_its_options_means(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    command: click.Command = valence
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    assert valence.main([*path, "--help"], prog_name="valence", standalone_mode=False) == 0
    said = capsys.readouterr().out
    assert command.help
    assert command.help.split("\n")[0].split()[0] in said
    assert max(map(len, said.splitlines())) <= 80
    of_its_commands = said.partition("\nCommands:\n")[2]
    assert "..." not in of_its_commands, "begin the help of each command with a sentence short enough for the list"
    for option in command.params:
        assert isinstance(option, click.Argument) or (isinstance(option, click.Option) and option.help), option.name


def test_the_help_page_waits_for_no_command() -> None:
    loaded = "import sys; from cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    modules = set(done.stderr.split())
    assert not modules & {"boto3", "httpx", "kafka", "litestar", "psycopg", "rich", "torch"}
