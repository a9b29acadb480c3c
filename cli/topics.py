"""`valence topics ...`: the topics in Kafka, from the one table of `schemas.topics`."""

from __future__ import annotations

from pathlib import Path

import click

from cli.consoles import output, plain_table
from cli.servers import data_option, servers
from runtime import provisioning
from schemas.topics import TOPICS


@click.group()
def topics() -> None:
    """Create and list the topics in Kafka."""


@topics.command()
@click.option("--replication", type=click.IntRange(min=1), default=1, show_default=True, help="Replicas of each partition.")
@data_option
def create(replication: int, data: Path | None) -> None:
    """Create the topics that are not there yet. Those that are there stay as they are."""
    with servers(data) as settings:
        created = provisioning.create_topics(settings, replication)
    click.echo(f"created {len(created)}, {len(TOPICS) - len(created)} were there")
    for name in created:
        click.echo(f"  {name}")


@topics.command("list")
def list_() -> None:
    """List the topics that Valence uses. It says what flows on them, and how the broker is to keep it."""
    table = plain_table("topic", "partitions", "cleanup", "days", "what")
    for topic in TOPICS:
        table.add_row(topic.name, str(topic.partitions), topic.cleanup.value, str(topic.retention_days), topic.summary)
    output().print(table)
