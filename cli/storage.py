"""`valence storage ...`: the bucket and the queues."""

from __future__ import annotations

from pathlib import Path

import click

from cli.servers import data_option, servers
from runtime import provisioning


@click.group()
def storage() -> None:
    """Create the bucket and the queues."""


@storage.command()
@click.option("--allow-origin", "origins", multiple=True, metavar="ORIGIN", help="A web page's origin that may send to the bucket itself.")
@data_option
def create(origins: tuple[str, ...], data: Path | None) -> None:
    """Create the bucket and the queue where they are missing. The bucket has lifecycle rules, the queue of notices its dead letters."""
    with servers(data) as settings:
        provisioning.create_storage(settings, origins)
    click.echo(f"bucket {settings.storage.bucket} and queue {settings.notices.queue_name} are there")
