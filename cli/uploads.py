"""`valence uploads ...`: the account's uploads, and what came of them."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from uuid import UUID

import click
from rich.text import Text

from cli.api import api_options, connected, find_api
from cli.consoles import output, plain_table, print_table
from cli.pages import first
from cli.results import show_analysis
from cli.selecting import selection_options
from cli.wording import clock, explained, printable, size
from schemas.resources import Upload
from valence import ApiError, Client, Format, Selection

_NONE = "There are no uploads yet: `valence analyse FILE` sends one."
_NONE_CHOSEN = "No upload is so: without these options `valence uploads list` shows all."


@click.group()
def uploads() -> None:
    """List uploads, look at one, try one again, cancel or delete one, fetch its analysis.

    \b
      valence uploads list --status failed
      valence uploads retry 0199c0de-...
      valence uploads analysis 0199c0de-... --format srt > talk.srt
    """


@uploads.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many to list.")
@selection_options
@api_options
def list_(selection: Selection, limit: int, api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """List the account's uploads, newest first. With a search come the moments that they are found for.

    \b
      valence uploads list --search '"the budget"' --emotion anger --since 7d
    """
    table = plain_table("id", "status", "sent", "file")
    with connected(find_api(api_url, api_key, data)) as client:
        for upload in first(limit, lambda size, after: client.list_uploads(**selection._asdict(), limit=size, after=after)):
            table.add_row(str(upload.id), upload.status, f"{upload.created_at.astimezone():%d %b %H:%M}", Text(_found(upload)))
    print_table(table, _NONE_CHOSEN if selection.parameters() else _NONE)


@uploads.command()
@click.argument("upload_id", type=click.UUID)
@api_options
def show(upload_id: UUID, api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """Show one upload as it stands."""
    with connected(find_api(api_url, api_key, data)) as client:
        upload = client.get_upload(upload_id)
    facts = {
        "id": str(upload.id),
        "file": _name(upload),
        "source": upload.source,
        "status": explained(upload.status, upload.failure),
        "attempt": str(upload.attempt),
        "size": size(upload.bytes) if upload.bytes is not None else "unknown",
        "sent": f"{upload.created_at.astimezone():%Y-%m-%d %H:%M:%S}",
        "changed": f"{upload.updated_at.astimezone():%Y-%m-%d %H:%M:%S}",
        **_media(upload),
    }
    for name, value in facts.items():
        click.echo(f"{name:<9}{printable(value)}")


@uploads.command()
@click.argument("upload_id", type=click.UUID)
@api_options
def retry(upload_id: UUID, api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """Start another attempt at an upload that has ended. Where that does not help it says so."""
    with connected(find_api(api_url, api_key, data)) as client:
        before = _if_readable(client, upload_id)
        upload = client.retry(upload_id)
    if before is not None and before.failure is not None and not before.failure.retryable:
        click.echo(f"valence: warning: attempt {before.attempt} was {explained(before.status, before.failure)}", err=True)
    click.echo(f"attempt {upload.attempt} has begun: `valence watch {upload.id}` follows it")


def _if_readable(client: Client, upload_id: UUID) -> Upload | None:
    """None for a key that may send but not look: it may try again all the same."""
    try:
        return client.get_upload(upload_id)
    except ApiError as error:
        if error.problem.status != HTTPStatus.FORBIDDEN:
            raise
        return None


@uploads.command()
@click.argument("upload_id", type=click.UUID)
@api_options
def cancel(upload_id: UUID, api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """Give up an upload that has not come to an end. What it holds of the plan is given back."""
    with connected(find_api(api_url, api_key, data)) as client:
        upload = client.cancel(upload_id)
    click.echo(f"{_name(upload)} is {upload.status}")


@uploads.command()
@click.argument("upload_id", type=click.UUID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@api_options
def delete(upload_id: UUID, yes: bool, api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """Erase an upload with its video and its analyses. Nothing that tells of it stays."""
    with connected(find_api(api_url, api_key, data)) as client:
        if not yes:
            click.confirm(f"Erase {upload_id} with its analyses? Nothing brings it back.", abort=True, err=True)
        receipt = client.delete(upload_id)
    click.echo(f"erased; receipt {receipt.id}: what Kafka still holds of it is forgotten by {receipt.forgotten_by:%Y-%m-%d}")


@uploads.command()
@click.argument("upload_id", type=click.UUID)
@click.option("--format", "chosen", type=click.Choice([form.value for form in Format]), help="Print it in this format; else as a table.")
@click.option("--attempt", type=click.IntRange(min=1), help="That of this attempt; else the newest.")
@api_options
def analysis(upload_id: UUID, chosen: str | None, attempt: int | None, api_url: str | None, api_key: str | None, data: Path | None) -> None:
    """Fetch the analysis of an upload."""
    with connected(find_api(api_url, api_key, data)) as client:
        if chosen is None:
            show_analysis(output(), _name(client.get_upload(upload_id)), client.analysis(upload_id, attempt))
        else:
            click.echo(client.analysis_as(upload_id, Format(chosen), attempt), nl=False)


def _found(upload: Upload) -> str:
    """The name, and below it each moment that the upload is found for."""
    hits = upload.found.hits if upload.found else []
    return "\n".join([_name(upload), *(f"  {clock(hit.start)} {hit.emotion}: {printable(hit.text)}" for hit in hits)])


def _name(upload: Upload) -> str:
    return printable(upload.filename or upload.source)


def _media(upload: Upload) -> dict[str, str]:
    media = upload.media
    if media is None:
        return {}
    parts = [media.container]
    if media.duration_seconds is not None:
        parts.append(clock(media.duration_seconds))
    if media.video:
        parts.append(f"{media.video.codec} {media.video.width} x {media.video.height}")
    if media.audio:
        parts.append(f"{media.audio.codec} {media.audio.sample_rate} Hz")
    if media.has_captions:
        parts.append("captions")
    return {"media": ", ".join(parts)}
