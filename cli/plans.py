"""`valence plans ...`: what accounts may use in a month."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from api import accounts as records
from cli.accounts import ask
from cli.consoles import output, plain_table
from cli.exits import Misused
from cli.servers import data_option
from cli.wording import printable

_LIMIT = click.IntRange(0, 2**31 - 1)


@click.group()
def plans() -> None:
    """Define plans and give them to accounts.

    \b
      valence plans define team --videos 1000 --minutes 6000
      valence plans set ada@example.org team
    """


@plans.command("list")
@data_option
def list_(data: Path | None) -> None:
    """List the plans with what they allow in a month."""
    table = plain_table("videos", "minutes", "accounts", "name")
    for row in ask(data, records.plans):
        limits = [str(row[column]) if row[column] is not None else "unlimited" for column in ("videos_a_month", "minutes_a_month")]
        table.add_row(*limits, str(row["accounts"]), Text(printable(row["name"])))
    output().print(table)


@plans.command()
@click.argument("name")
@click.option("--videos", type=_LIMIT, help="Videos a month; unlimited without.")
@click.option("--minutes", type=_LIMIT, help="Minutes of video a month; unlimited without.")
@data_option
def define(name: str, videos: int | None, minutes: int | None, data: Path | None) -> None:
    """Make a plan, or change what it allows from now on."""
    if not name.strip():
        raise Misused(f"{name!r} is no name for a plan: expected one such as team")
    ask(data, lambda database: records.define_plan(database, name, videos, minutes))
    click.echo(f"plan {printable(name)}: {_words(videos)} videos and {_words(minutes)} minutes a month")


@plans.command("set")
@click.argument("account")
@click.argument("plan")
@data_option
def set_(account: str, plan: str, data: Path | None) -> None:
    """Give an account, by its name or address, another plan. What it has used this month counts there too."""
    ask(data, lambda database: records.set_plan(database, account, plan))
    click.echo(f"account {printable(account)} has the plan {printable(plan)}")


def _words(limit: int | None) -> str:
    return "unlimited" if limit is None else str(limit)
