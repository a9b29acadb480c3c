"""`valence dead-letters ...`: records that could not be processed, kept byte for byte, and how to try them again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from cli.accounts import ask
from cli.consoles import plain_table, print_table
from cli.servers import data_option, servers
from cli.wording import printable
from consumers import dead_letters as records
from runtime.database import Database
from runtime.kafka import KafkaPublisher
from schemas.topics import CONSUMED_TOPICS

_PAGE = 500
#: Beside longer names of headers, which strangers choose, values do not stand in a column.
_WIDEST_NAME = 40
_TOPICS = click.Choice([topic.name for topic in CONSUMED_TOPICS])


@click.group()
def dead_letters() -> None:
    """Look at records that could not be processed, and try them again.

    \b
      valence dead-letters list
      valence dead-letters show 7
      valence dead-letters redrive 7 8
      valence dead-letters redrive --all uploads.received.v1
    """


@dead_letters.command("list")
@click.option("--redriven", is_flag=True, help="Also those that were tried again.")
@data_option
def list_(redriven: bool, data: Path | None) -> None:
    """List dead letters in the order they came."""
    table = plain_table("number", "when", "topic", "reason", "error")

    async def collect(database: Database) -> list[dict[str, Any]]:
        return [letter async for letter in _letters(database, redriven)]

    for letter in ask(data, collect):
        when = f"{letter['dead_lettered_at'].astimezone():%d %b %H:%M}"
        again = " (redriven)" if letter["redriven_at"] else ""
        table.add_row(str(letter["id"]), when, letter["topic"], letter["reason"] + again, Text(printable(letter["error"])))
    print_table(table, "There are no dead letters.")


@dead_letters.command()
@click.argument("number", type=int)
@data_option
def show(number: int, data: Path | None) -> None:
    """Show a dead letter. It says where it came from, why it is one, its headers and its value."""
    letter = ask(data, lambda database: records.shown(database, number))
    facts = {
        "topic": f"{letter['topic']}, partition {letter['kafka_partition']}, offset {letter['kafka_offset']}",
        "stage": letter["stage"],
        "reason": letter["reason"],
        "error": letter["error"],
        "when": f"{letter['dead_lettered_at'].astimezone():%Y-%m-%d %H:%M:%S}",
        "redriven": f"{letter['redriven_at'].astimezone():%Y-%m-%d %H:%M:%S}" if letter["redriven_at"] else "no",
        "key": _text(letter["record_key"]),
        **{f"header {name}": _text(value) for name, value in zip(letter["header_names"], letter["header_values"], strict=True)},
        "value": _text(letter["record_value"]),
    }
    width = max(len(name) for name in facts if len(name) <= _WIDEST_NAME) + 2
    for name, value in facts.items():
        click.echo(f"{printable(name):<{width - 2}}  {printable(value)}")


@dead_letters.command()
@click.argument("numbers", nargs=-1, type=int, metavar="[NUMBER...]")
@click.option("--all", "topic", type=_TOPICS, metavar="TOPIC", help="All of this topic that were not tried again yet.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def redrive(numbers: tuple[int, ...], topic: str | None, yes: bool, data: Path | None) -> None:
    """Put dead letters back on the topic they came from. They are the same byte for byte, and processed again."""
    if bool(numbers) == (topic is not None):
        raise click.UsageError("name the dead letters by number, or all of a topic with --all TOPIC")

    async def of_topic(database: Database) -> list[int]:
        return [letter["id"] async for letter in _letters(database, redriven=False) if letter["topic"] == topic]

    chosen = list(numbers) or ask(data, of_topic)
    if not chosen:
        click.echo(f"{topic} has no dead letters")
        return
    if not yes:
        click.confirm(f"Put {len(chosen)} record{'' if len(chosen) == 1 else 's'} back on the topic?", abort=True, err=True)
    with servers(data) as settings:
        publisher = KafkaPublisher(settings.kafka_bootstrap_servers)

    async def again(database: Database) -> None:
        try:
            for number in chosen:
                record = await records.redrive(database, publisher, number)
                click.echo(f"{number} is on {record.topic} again")
        finally:
            await publisher.close()

    ask(data, again)


async def _letters(database: Database, redriven: bool) -> AsyncIterator[dict[str, Any]]:
    after = 0
    while page := await records.listed(database, after=after, most=_PAGE, redriven=redriven):
        for letter in page:
            yield letter
        after = page[-1]["id"]


def _text(value: bytes | None) -> str:
    """Bytes as text where they are text, else as Python writes them."""
    if value is None:
        return "none"
    try:
        return value.decode()
    except UnicodeDecodeError:
        return repr(value)
