"""`valence sagemaker status` and `costs`: how the endpoint fares, and what an analysis on it costs."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from cli.accounts import ask
from cli.exits import CommandFailed, Misused
from cli.servers import data_option
from cli.wording import printable
from deployment import costs as pricing
from deployment.calls import Aws
from deployment.costs import NOT_INCLUDED, Durations, Prices
from deployment.status import Status
from deployment.status import status as status_of
from deployment.wanted import place
from runtime.database import Database


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def status(as_json: bool) -> None:
    """Show what waits for the endpoint and how long, how many instances work, and what failed on the last day."""
    aws = Aws()
    found = status_of(aws, place(aws))
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for name, value in _facts(found).items():
        click.echo(f"{name:<18}{printable(value)}")
    for activity in found.activities:
        reason = f" ({activity.reason})" if activity.reason else ""
        click.echo(f"  {activity.at.astimezone():%d %b %H:%M}  {activity.state}: {printable(activity.description + reason)}")


def _facts(found: Status) -> dict[str, str]:
    most = "no scaling: nothing removes an instance" if found.most_instances is None else f"at most {found.most_instances}"
    return {
        "endpoint": f"{found.endpoint}: {found.state}" + (f", {found.reason}" if found.reason else ""),
        "instances": f"{found.instances} of {found.instances_wanted} wanted, {most}",
        "waiting": _gauge(found.backlog, "requests") + ("; no instance yet" if found.waits_without_instance else ""),
        "oldest": _gauge(found.oldest_seconds, "s"),
        "failed, 24 h": str(found.failed),
        "expired, 24 h": str(found.expired),
        "notices lost, 24 h": str(found.notices_lost),
    }


def _gauge(value: float | None, unit: str) -> str:
    return "nothing told in ten minutes" if value is None else f"{value:g} {unit}"


@click.command()
@click.option("--prices", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Prices with their date, as JSON.")
@click.option("--instance-type", default="ml.c5.2xlarge", show_default=True, help="What the model runs on.")
@click.option("--concurrent-videos", type=click.IntRange(1, 1_000), default=2, show_default=True, help="Videos at once on each instance.")
@click.option("--days", type=click.IntRange(1, 3_650), default=30, show_default=True, help="How far back analyses count.")
@click.option("--compute-seconds", type=click.FloatRange(0, min_open=True), help="Given seconds of work, instead of those in PostgreSQL.")
@click.option("--media-seconds", type=click.FloatRange(0, min_open=True), help="With it: the length of that video.")
@data_option
def costs(
    file: Path,
    instance_type: str,
    concurrent_videos: int,
    days: int,
    compute_seconds: float | None,
    media_seconds: float | None,
    data: Path | None,
) -> None:
    """Show what an analysis costs, from the seconds that analyses took and a table of prices that you looked up.

    The seconds must come from the kind of instance that is asked about: those of a laptop say nothing of AWS.
    """
    if media_seconds is not None and compute_seconds is None:
        raise Misused("--media-seconds goes with --compute-seconds")
    prices = pricing.read_prices(file)
    if compute_seconds is None:
        durations = _measured(days, data)
        origin = f"{durations.analyses:,} analyses of the last {days} days: {durations.compute_seconds:.1f} s of work on average"
        origin += f", 95 of 100 within {durations.slowest_seconds:.1f} s"
    else:
        given = {"compute_seconds": compute_seconds, "slowest_seconds": compute_seconds, "media_seconds": media_seconds or 0.0}
        durations = Durations(analyses=1, **given)
        origin = f"as given: {compute_seconds:g} s of work"
    found = pricing.costs(prices, instance_type, durations, concurrent_videos)
    click.echo(f"durations    {origin}")
    click.echo(f"instance     {instance_type}, {_price(prices, instance_type)}")
    click.echo(f"an analysis  {_between(found.busy, found.alone, prices.currency)}")
    if found.busy_hour_of_video is not None and found.alone_hour_of_video is not None:
        click.echo(f"1 h of video {_between(found.busy_hour_of_video, found.alone_hour_of_video, prices.currency)}")
    click.echo(
        f"The first figure holds while {concurrent_videos} videos are worked on at once, the second for one at a time. Not included:"
    )
    for left_out in NOT_INCLUDED:
        click.echo(f"  - {left_out}")


def _measured(days: int, data: Path | None) -> Durations:
    async def durations(database: Database) -> Durations | None:
        (row,) = await database.rows("compute_durations", days=days)
        return Durations(**row) if row["analyses"] else None

    found = ask(data, durations)
    if found is None:
        raise CommandFailed(f"there are no analyses of the last {days} days: ask for more --days, or give --compute-seconds")
    return found


def _price(prices: Prices, instance_type: str) -> str:
    price = f"{prices.per_hour[instance_type]:g} {prices.currency} an hour"
    return f"{price} in {prices.region} on {prices.date} by {printable(prices.source)}"


def _between(busy: float, alone: float, currency: str) -> str:
    return f"{busy:.6f} to {alone:.6f} {currency}"
