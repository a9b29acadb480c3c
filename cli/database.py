"""`valence database ...`: the tables in PostgreSQL."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from cli.servers import data_option, servers
from runtime.database import migrate as apply


@click.group()
def database() -> None:
    """Migrate PostgreSQL."""


@database.command()
@data_option
def migrate(data: Path | None) -> None:
    """Apply the migrations that are not applied yet."""
    with servers(data) as settings:
        applied = asyncio.run(apply(settings.database_url))
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("nothing to apply: the database is up to date")
