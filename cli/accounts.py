"""`valence accounts ...`: who may use this Valence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from rich.text import Text

from api import accounts as records
from cli.consoles import output, plain_table
from cli.servers import data_option, servers
from cli.wording import printable
from runtime.database import Database

T = TypeVar("T")


@click.group()
def accounts() -> None:
    """Create and list accounts.

    \b
      valence accounts create acme
      valence keys create --account acme
    """


@accounts.command()
@click.argument("name")
@data_option
def create(name: str, data: Path | None) -> None:
    """Create an account."""
    account_id = ask(data, lambda database: records.create_account(database, name))
    click.echo(f"account {printable(name)}: {account_id}\n`valence keys create --account {printable(name)}` makes a key for it")


@accounts.command("list")
@data_option
def list_(data: Path | None) -> None:
    """List the accounts. Events of bulk ingestion name them by the id."""
    table = plain_table("id", "created", "keys", "name")
    for row in ask(data, records.accounts):
        table.add_row(str(row["id"]), f"{row['created_at'].astimezone():%Y-%m-%d}", str(row["keys"]), Text(printable(row["name"])))
    output().print(table)


def ask(data: Path | None, question: Callable[[Database], Awaitable[T]]) -> T:
    """The answer to one question to PostgreSQL."""

    async def answer(url: str) -> T:
        database = Database(url, connections=1)
        try:
            return await question(database)
        finally:
            await database.close()

    with servers(data) as settings:
        return asyncio.run(answer(settings.database_url))
