"""`valence local ...`: the whole system on this machine."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from pathlib import Path

import click
from rich.text import Text

from cli.consoles import output, plain_table
from cli.exits import Exit, Misused
from cli.log_tail import follow, recent
from cli.servers import data_option
from local.child import ChildStatus
from local.control import Control
from local.data_folder import default_data_folder
from local.data_folder import reset as empty
from local.preparation import prepare
from local.stack import Stack


@click.group()
def local() -> None:
    """Run the whole system on this machine: Kafka, PostgreSQL, S3, SQS, the model and every process of ours.

    \b
      valence local up              start everything, until Ctrl-C
      valence local status          how everything fares
      valence local logs api -f     what the API says
    """


@local.command()
@data_option
def up(data: Path | None) -> None:
    """Start everything and keep it running until Ctrl-C. The data survives; `valence local reset` empties it."""

    def welcome(stack: Stack) -> None:
        prepare(stack)
        click.echo("topics, bucket, queues, tables and the account are there")

    def report(line: str) -> None:
        click.echo(line)
        if line.startswith("the stack is up"):
            click.echo(_welcome(stack))

    stack = Stack(data, prepare=welcome, report=report)
    asyncio.run(stack.run_until_stopped())


def _welcome(stack: Stack) -> str:
    usual = default_data_folder({name: value for name, value in os.environ.items() if name != "VALENCE_LOCAL_DATA_DIR"})
    elsewhere = f" --data {shlex.quote(str(stack.data))}" if stack.data != usual.resolve() else ""
    return f"""
  the page         {stack.address("api")}/
  the API          {stack.address("api")}
  analyse a video  valence analyse FILE{elsewhere}
  follow it all    valence watch{elsewhere}
  logs             {stack.data / "logs"}
  stop             Ctrl-C
"""


@local.command()
@data_option
def status(data: Path | None) -> Exit:
    """How every server and process fares. Ends with 1 if one is not ready."""
    children = Control(_folder(data)).status()
    _print(children)
    return Exit.COMPLETED if all(child.state == "ready" for child in children) else Exit.NOT_COMPLETED


@local.command()
@click.argument("name", required=False)
@click.option("-f", "--follow", "following", is_flag=True, help="Go on printing what comes, until Ctrl-C.")
@data_option
def logs(name: str | None, following: bool, data: Path | None) -> None:
    """Print the last lines of a log, or of all of them."""
    folder = _folder(data) / "logs"
    known = sorted(folder.glob("*.log"))
    files = [path for path in known if name is None or _is(path.stem, name)]
    if not files:
        there_are = ", ".join(path.stem for path in known) or "none: no local stack has run there"
        raise Misused(f"there is no log of {name or 'anything'} in {folder}; there are {there_are}")
    for line in recent(files):
        click.echo(line)
    if following:
        for line in follow(files):
            click.echo(line)


@local.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def reset(yes: bool, data: Path | None) -> None:
    """Empty the data folder. Videos, analyses, topics, queues, accounts and logs go."""
    folder = _folder(data)
    if not yes:
        click.confirm(f"Remove everything in {folder}?", abort=True, err=True)
    empty(folder)
    click.echo(f"{folder} is empty")


@local.command()
@click.argument("name")
@click.option("--signal", default="SIGKILL", show_default=True, help="Which signal.")
@data_option
def kill(name: str, signal: str, data: Path | None) -> None:
    """Send a signal to a server or process. It is then started again."""
    _print([child for child in Control(_folder(data)).kill(name, signal) if _is(child.name, name)])


@local.command()
@click.argument("name")
@data_option
def restart(name: str, data: Path | None) -> None:
    """Stop a server or process and wait until it serves again. It gets the time that it needs to end."""
    _print([child for child in Control(_folder(data)).restart(name) if _is(child.name, name)])


def _folder(data: Path | None) -> Path:
    return (data or default_data_folder()).resolve()


def _is(child: str, name: str) -> bool:
    """Whether a child is meant by a name, which may be that of a stage: its replicas have a number behind it."""
    return re.fullmatch(rf"{re.escape(name)}(-\d+)?", child) is not None


def _print(children: list[ChildStatus]) -> None:
    table = plain_table("name", "state", "address", "process", "restarts")
    for child in children:
        state = Text(child.state, style="green" if child.state == "ready" else "yellow")
        table.add_row(child.name, state, child.address, str(child.pid or "none"), str(child.restarts))
    output().print(table)
