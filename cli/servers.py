"""Where the servers are, for commands that speak to them themselves: the environment, else the stack.json of the local stack."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

from cli.exits import Misused, Unreachable
from local.data_folder import STACK_FILE, default_data_folder, read_stack_file
from runtime import settings
from runtime.errors import DependencyUnavailable
from runtime.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

#: Whoever sets one of these means servers of their own, and not those of the local stack.
_SERVER_VARIABLES = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")


def data_option(command: Command) -> Command:
    """`--data`: which local stack."""
    text = "The data folder of the local stack; else VALENCE_LOCAL_DATA_DIR, else the user's data folder."
    return click.option("--data", type=click.Path(path_type=Path, file_okay=False), help=text)(command)


@contextmanager
def servers(data: Path | None) -> Iterator[Settings]:
    """The settings by which to reach the servers; Unreachable, in words, if one of them does not answer, Misused if only one is named.

    The variables of the local stack replace the environment's only as a whole: half of each would send one's keys to the other's servers.
    """
    origin = "the environment"
    if data is not None or not _names_servers():
        folder = data or default_data_folder()
        known = read_stack_file(folder)
        if not known:
            unset = " and ".join(_SERVER_VARIABLES)
            raise Unreachable(
                f"no servers are known: {unset} are not set, and no local stack has run on {folder}; `valence local up` starts one"
            )
        _take_over(known["environment"])
        origin = str(folder / STACK_FILE)
    elif missing := [name for name in _SERVER_VARIABLES if not os.environ.get(name)]:
        named = next(name for name in _SERVER_VARIABLES if name not in missing)
        raise Misused(f"{missing[0]} is not set, but {named} is: set both, or neither, or name a local stack with --data")
    try:
        yield settings.load()
    except DependencyUnavailable as error:
        raise Unreachable(f"{error}. The address is from {origin}: check it, or start a local stack with `valence local up`") from error


def _take_over(variables: Mapping[str, str]) -> None:
    """boto3 reads the environment of the process."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(variables)


def local_account(data: Path | None) -> UUID | None:
    """The id of the local stack's own account; None where no stack has run, or the servers are not those of a local stack."""
    if data is None and _names_servers():
        return None
    known = read_stack_file(data or default_data_folder())
    return UUID(known["account_id"]) if "account_id" in known else None


def _names_servers() -> bool:
    return any(os.environ.get(name) for name in _SERVER_VARIABLES)
