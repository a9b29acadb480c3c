"""`valence accounts ...`: who may use this Valence."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from rich.text import Text

from api import accounts as records
from cli.consoles import output, plain_table
from cli.exits import Misused
from cli.servers import data_option, servers
from cli.wording import printable
from local.data_folder import default_data_folder, read_stack_file
from runtime.database import Database
from schemas.accounts import EMAIL_PATTERN

T = TypeVar("T")

_url_option = click.option("--url", metavar="URL", help="The page's address; else VALENCE_API_PUBLIC_URL, else that of the local stack.")


@click.group()
def accounts() -> None:
    """Create, invite, list and delete accounts.

    \b
      valence accounts create acme
      valence keys create --account acme
      valence accounts invite ada@example.org
    """


@accounts.command()
@click.argument("name")
@data_option
def create(name: str, data: Path | None) -> None:
    """Create an account."""
    if not name.strip():
        raise Misused(f"{name!r} is no name for an account: expected one such as acme")
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


@accounts.command()
@click.argument("email")
@_url_option
@data_option
def invite(email: str, url: str | None, data: Path | None) -> None:
    """Create an account for an address, and print a link. By it the owner chooses a password."""
    if not re.fullmatch(EMAIL_PATTERN, email):
        raise Misused(f"{email!r} is no mail address: expected one like ada@example.org")
    with servers(data) as settings:
        plan = settings.accounts.plan
    ask(data, lambda database: records.invite(database, email, plan))
    _print_link(email, url, data)


@accounts.command("reset-password")
@click.argument("email")
@_url_option
@data_option
def reset_password(email: str, url: str | None, data: Path | None) -> None:
    """Print a link that resets an account's password. It works once, within 30 minutes."""
    _print_link(email, url, data)


@accounts.command("verify-email")
@click.argument("email")
@_url_option
@data_option
def verify_email(email: str, url: str | None, data: Path | None) -> None:
    """Print a link that confirms an account's address. It works once, within a day, for whoever is signed in to it."""
    base = _page(url, data)
    click.echo(ask(data, lambda database: records.verification_link(database, email, base)))


@accounts.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def delete(name: str, yes: bool, data: Path | None) -> None:
    """Delete an account with everything in it. It is named by its name or its address."""
    if not yes:
        click.confirm(f"Delete the account {printable(name)} with everything in it?", abort=True, err=True)
    receipt_id = ask(data, lambda database: records.close_account(database, name))
    click.echo(f"account {printable(name)} is closed; `GET /v1/receipts/{receipt_id}` tells what is gone")


def _print_link(email: str, url: str | None, data: Path | None) -> None:
    base = _page(url, data)
    click.echo(ask(data, lambda database: records.reset_link(database, email, base)))
    click.echo("whoever has this link sets the password, once, within 30 minutes", err=True)


def _page(url: str | None, data: Path | None) -> str:
    with servers(data) as settings:
        known = read_stack_file(data or default_data_folder()).get("api_url")
        base = url or settings.api.public_url or known
    if base is None:
        raise Misused("the address of the page is not known: give it with --url, or set VALENCE_API_PUBLIC_URL")
    return str(base).rstrip("/")


def ask(data: Path | None, question: Callable[[Database], Awaitable[T]]) -> T:
    """The answer to one question to PostgreSQL."""
    logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())  # the command says it in one sentence when it ends

    async def answer(url: str) -> T:
        database = Database(url, connections=1)
        try:
            return await question(database)
        finally:
            await database.close()

    with servers(data) as settings:
        return asyncio.run(answer(settings.database_url))
