"""`valence webhooks ...`: where the account is told of its uploads, and what came of telling."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from uuid import UUID

import click
from rich.text import Text

from cli.api import api_options, connected, find_api
from cli.consoles import plain_table, print_table
from cli.pages import first
from cli.selecting import Moment
from cli.wording import printable
from schemas.webhooks import ENDINGS, ChangeWebhook, Delivery, DeliveryState, Webhook, WebhookEvent

_EVENTS = click.Choice([event.value for event in WebhookEvent])
_STATES = click.Choice([state.value for state in DeliveryState])


@click.group()
def webhooks() -> None:
    """Be told what becomes of uploads: make webhooks, look at what they were told, send it again.

    \b
      valence webhooks create https://example.org/valence
      valence webhooks deliveries 0199c0de-... --state failed
      valence webhooks replay 0199c0de-... --since 12h
    """


@webhooks.command()
@click.argument("url")
@click.option(
    "--event", "events", multiple=True, type=_EVENTS, metavar="EVENT", help=f"Only of this: {', '.join(WebhookEvent)}; else of each ending."
)
@click.option("--description", metavar="TEXT", help="What it is for.")
@api_options
def create(url: str, events: tuple[str, ...], description: str | None, api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """Have URL told, and print the secret of its messages. It is shown this once; they are signed with it."""
    with connected(find_api(api_url, api_key, data)) as client:
        made = client.webhooks.create(url, events=[WebhookEvent(event) for event in events] or ENDINGS, description=description)
    click.echo(made.secret)
    click.echo(f"webhook {made.id}; this is the only time that the secret is shown: docs/webhooks.md says how it is used", err=True)


@webhooks.command("list")
@api_options
def list_(api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """List the account's webhooks."""
    table = plain_table("id", "state", "address", "told of")
    with connected(find_api(api_url, api_key, data)) as client:
        for webhook in client.webhooks.list():
            table.add_row(str(webhook.id), _state(webhook), Text(printable(webhook.url)), ", ".join(webhook.events))
    print_table(table, "There are no webhooks: `valence webhooks create URL` makes one.")


@webhooks.command()
@click.argument("webhook_id", type=click.UUID)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many to list.")
@click.option(
    "--state", "states", multiple=True, type=_STATES, metavar="STATE", help=f"Only those that stand so: {', '.join(DeliveryState)}."
)
@api_options
def deliveries(webhook_id: UUID, limit: int, states: tuple[str, ...], api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """List what a webhook was told, newest first. Each has its newest try."""
    table = plain_table("id", "state", "tries", "made", "type", "newest try")
    with connected(find_api(api_url, api_key, data)) as client:
        wanted = [DeliveryState(state) for state in states]
        for delivery in first(limit, lambda size, after: client.webhooks.deliveries(webhook_id, limit=size, after=after, states=wanted)):
            made = f"{delivery.created_at.astimezone():%d %b %H:%M}"
            table.add_row(str(delivery.id), delivery.state, str(delivery.attempts), made, delivery.type, Text(_newest(delivery)))
    print_table(table, "There are no such deliveries.")


@webhooks.command()
@click.argument("webhook_id", type=click.UUID)
@click.argument("delivery_id", type=click.UUID, required=False)
@click.option("--since", type=Moment(), metavar="WHEN", help="Instead of one delivery all that have failed since then: a time, or 12h.")
@api_options
def replay(
    webhook_id: UUID, delivery_id: UUID | None, since: datetime | None, api_url: str | None, api_key: str | None, data: Path | None
) -> None:
    """Send a delivery again, or what has failed since a time."""
    if (delivery_id is None) == (since is None):
        raise click.UsageError("name either a delivery, as `valence webhooks deliveries` lists them, or a time with --since")
    with connected(find_api(api_url, api_key, data)) as client:
        if since is not None:
            click.echo(f"{client.webhooks.replay_failures(webhook_id, since)} are sent again")
        elif delivery_id is not None:
            client.webhooks.replay(webhook_id, delivery_id)
            click.echo(f"{delivery_id} is sent again")


@webhooks.command()
@click.argument("webhook_id", type=click.UUID)
@api_options
def test(webhook_id: UUID, api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """Send a message of the type `webhook.test`."""
    with connected(find_api(api_url, api_key, data)) as client:
        sent = client.webhooks.test(webhook_id)
    click.echo(f"{sent.id} is on its way: `valence webhooks deliveries {webhook_id}` tells what came of it")


@webhooks.command()
@click.argument("webhook_id", type=click.UUID)
@api_options
def enable(webhook_id: UUID, api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """Enable a webhook that was disabled. That happens where its receiver is gone or has failed for days."""
    with connected(find_api(api_url, api_key, data)) as client:
        changed = client.webhooks.change(webhook_id, ChangeWebhook(enabled=True))
    click.echo(f"{changed.id} is enabled: `valence webhooks replay {changed.id} --since WHEN` sends what it has missed")


@webhooks.command()
@click.argument("webhook_id", type=click.UUID)
@api_options
def rotate(webhook_id: UUID, api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """Give a webhook a new secret and print it, this once. For a day the one before signs too."""
    with connected(find_api(api_url, api_key, data)) as client:
        changed = client.webhooks.rotate_secret(webhook_id)
    click.echo(changed.secret)
    click.echo("this is the only time that the secret is shown: keep it where secrets are kept", err=True)


@webhooks.command()
@click.argument("webhook_id", type=click.UUID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@api_options
def delete(webhook_id: UUID, yes: bool, api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """Delete a webhook with all that tells what it was told."""
    with connected(find_api(api_url, api_key, data)) as client:
        if not yes:
            click.confirm(f"Delete {webhook_id}? Its address is told nothing more.", abort=True, err=True)
        client.webhooks.delete(webhook_id)
    click.echo(f"deleted {webhook_id}")


def _state(webhook: Webhook) -> str:
    if not webhook.enabled:
        return f"disabled: {webhook.disabled_reason}" if webhook.disabled_reason else "disabled"
    return f"failing since {webhook.failing_since.astimezone():%d %b %H:%M}" if webhook.failing_since else "enabled"


def _newest(delivery: Delivery) -> str:
    if not delivery.newest_attempts:
        return "none yet" if delivery.state is DeliveryState.PENDING else "none: the webhook was disabled"
    newest = delivery.newest_attempts[0]
    said = str(newest.status) if newest.status is not None else printable(newest.error or "")
    return f"{said} after {newest.duration_seconds:.1f} s"
