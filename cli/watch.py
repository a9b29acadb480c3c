"""`valence watch [UPLOAD_ID...]`: what happens to uploads, a line for each new status."""

from __future__ import annotations

import queue
import threading
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click

from cli.api import api_options, connected, find_api
from cli.exits import Exit
from cli.wording import explained, outlook, printable
from schemas.events import UploadStatusChanged
from schemas.failures import Failure
from schemas.resources import Progress, Snapshot, UploadProgress
from schemas.status import Status
from valence import Client


@click.command()
@click.argument("upload_ids", nargs=-1, metavar="[UPLOAD_ID...]", type=click.UUID)
@api_options
def watch(upload_ids: tuple[UUID, ...], api_url: str | None, api_key: str | None, data: Path | None) -> Exit:
    """Follow uploads live, a line for each new status and one for how it gets on in that: its place in the queue, the time left.

    \b
      valence watch                 everything of the account, until Ctrl-C
      valence watch 0199c0de-...    these uploads, until all have ended

    With ids it ends like `valence analyse`: with 0 if all were analysed, with 1 if one was rejected or failed.
    """
    with connected(find_api(api_url, api_key, data)) as client:
        if not upload_ids:
            return _watch_account(client)
        return _watch_uploads(client, upload_ids)


def _watch_account(client: Client) -> Exit:
    names: dict[UUID, str] = {}
    seen: dict[UUID, int] = {}
    outlooks = _Outlooks()
    for event in client.all_events():
        if isinstance(event, Snapshot):
            for upload in reversed(event.uploads):
                names[upload.id] = upload.filename or upload.source
                if seen.get(upload.id, 0) < upload.sequence:
                    seen[upload.id] = upload.sequence
                    _print(upload.updated_at, upload.id, upload.attempt, upload.status, upload.failure, names[upload.id])
                if upload.progress is not None:
                    outlooks.show(upload.id, upload.sequence, upload.progress, names[upload.id])
        elif isinstance(event, UploadProgress):
            outlooks.show(event.upload_id, event.sequence, event.progress, names.get(event.upload_id, ""))
        else:
            seen[event.upload_id] = event.sequence
            if event.upload_id not in names:
                upload = client.get_upload(event.upload_id)
                names[upload.id] = upload.filename or upload.source
            _print(event.occurred_at, event.upload_id, event.attempt, event.status, event.failure, names[event.upload_id])
    return Exit.COMPLETED


def _watch_uploads(client: Client, upload_ids: tuple[UUID, ...]) -> Exit:
    events: queue.SimpleQueue[tuple[UUID, UploadStatusChanged | UploadProgress | Exception | None]] = queue.SimpleQueue()

    def follow(upload_id: UUID) -> None:
        try:
            for update in client.updates(upload_id):
                events.put((upload_id, update))
        except Exception as error:  # raised again in the thread that waits
            events.put((upload_id, error))
        else:
            events.put((upload_id, None))

    for upload_id in upload_ids:
        threading.Thread(target=follow, args=(upload_id,), daemon=True).start()
    going_on = set(upload_ids)
    last: dict[UUID, Status] = {}
    outlooks = _Outlooks()
    while going_on:
        upload_id, event = events.get()
        if isinstance(event, Exception):
            raise event
        if event is None:
            going_on.discard(upload_id)
            continue
        if isinstance(event, UploadProgress):
            outlooks.show(upload_id, event.sequence, event.progress)
            continue
        last[upload_id] = event.status
        _print(event.occurred_at, upload_id, event.attempt, event.status, event.failure)
    return Exit.COMPLETED if all(last.get(upload_id) is Status.COMPLETED for upload_id in upload_ids) else Exit.NOT_COMPLETED


class _Outlooks:
    """Shows how uploads get on, once for each status: a line every other second would bury the rest."""

    def __init__(self) -> None:
        self._shown: dict[UUID, int] = {}

    def show(self, upload_id: UUID, sequence: int, progress: Progress, name: str = "") -> None:
        words = outlook(progress)
        if words and self._shown.get(upload_id) != sequence:
            self._shown[upload_id] = sequence
            click.echo(f"{datetime.now().astimezone():%H:%M:%S}  {upload_id}  {words}{'  ' + printable(name) if name else ''}")


def _print(moment: datetime, upload_id: UUID, attempt: int, status: Status, failure: Failure | None, name: str = "") -> None:
    again = f" (attempt {attempt})" if attempt > 1 else ""
    click.echo(f"{moment.astimezone():%H:%M:%S}  {upload_id}  {explained(status, failure)}{again}{'  ' + printable(name) if name else ''}")
