"""`valence keys ...`: the API keys of an account."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from psycopg.rows import DictRow
from rich.text import Text

from api import accounts as records
from api.credentials import PREFIX
from cli.accounts import ask
from cli.consoles import output, plain_table
from cli.servers import data_option
from cli.wording import printable
from schemas.accounts import UPLOADS, Scope


@click.group()
def keys() -> None:
    """Create, list and revoke API keys.

    \b
      export VALENCE_API_KEY=$(valence keys create --account acme)
    """


@keys.command()
@click.option("--account", required=True, metavar="NAME", help="Whose key it is to be.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    metavar="SCOPE",
    help=f"What it may do, given once or more: {', '.join(Scope)}; else all about uploads.",
)
@data_option
def create(account: str, scopes: tuple[str, ...], data: Path | None) -> None:
    """Create a key and print it, this once: only a digest of it is kept."""
    wanted = [Scope(scope) for scope in scopes] or UPLOADS
    key = ask(data, lambda database: records.create_key(database, account, wanted))
    click.echo(key.text)
    click.echo("this is the only time that the key is shown: keep it where secrets are kept", err=True)


@keys.command("list")
@click.option("--account", metavar="NAME", help="Only the keys of this account.")
@data_option
def list_(account: str | None, data: Path | None) -> None:
    """List keys by their ids and last four characters."""
    table = plain_table("id", "ends with", "created", "last used", "state", "account")
    for row in ask(data, lambda database: records.keys(database, account)):
        table.add_row(
            row["id"],
            row["last_four"],
            _day(row["created_at"]),
            _day(row["last_used_at"]),
            _state(row),
            Text(printable(row["account"])),
        )
    output().print(table)


@keys.command()
@click.argument("key_id", metavar="KEY_ID")
@data_option
def revoke(key_id: str, data: Path | None) -> None:
    """Make a key useless from the next request on. KEY_ID is what `valence keys list` prints."""
    if key_id.startswith(PREFIX):
        key_id = key_id.removeprefix(PREFIX).partition("_")[0]  # the whole key was pasted: its id is in it
    ask(data, lambda database: records.revoke_key(database, key_id))
    click.echo(f"revoked {printable(key_id)}")


def _day(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d}" if moment else "never"


def _state(row: DictRow) -> str:
    if row["revoked_at"]:
        return f"revoked {_day(row['revoked_at'])}"
    return f"works until {_day(row['expires_at'])}" if row["expires_at"] else "works"
