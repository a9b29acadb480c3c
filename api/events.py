"""Live status as server-sent events: of one upload, strictly in sequence, or of all of an account's uploads from a snapshot on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter
from litestar.types import ASGIApp

from api.accounts import Scope
from api.documentation import problems
from api.event_stream import HEARTBEAT, EventStream, frame
from api.guards import requires
from api.problems import Busy, InvalidRequest, NoSuchUpload, TooManyStreams, field_at
from api.services import Authenticated, Injected
from api.uploads import as_upload, owned
from runtime.database import Database
from schemas import codec
from schemas.events import UploadStatusChanged
from schemas.resources import Snapshot
from schemas.status import TERMINAL

#: What a snapshot holds at most of uploads that have not ended, and of the most recent ones.
MOST_OPEN = 500
RECENT = 50

LastEventId = Annotated[str | None, HeaderParameter(name="Last-Event-ID", description="The `id` of the last event that was received.")]
_STREAM = ResponseSpec(data_container=str, media_type="text/event-stream", description="Server-sent events.", generate_examples=False)


@get(
    "/uploads/{upload_id:str}/events",
    media_type="text/event-stream",
    guards=[requires(Scope.READ)],
    responses={200: _STREAM, **problems(NoSuchUpload, InvalidRequest, TooManyStreams, Busy)},
)
async def upload_events(request: Authenticated, services: Injected, upload_id: FromPath[str], last_event_id: LastEventId = None) -> ASGIApp:
    """Every status of one upload, each once and in order, as events named `status` whose `id` is the sequence.

    Send Last-Event-ID to go on after the event with that id. The stream ends after the status that ends the newest attempt; then a
    reconnect is answered with 204, which tells an EventSource to stop.
    """
    upload = as_upload(await owned(services.database, request.user.account_id, upload_id))
    after = _sequence(last_event_id, upload.sequence)
    if after == upload.sequence and upload.status in TERMINAL:
        return Response(b"", status_code=204).to_asgi_response(app=None, request=request)

    def frames(events: AsyncIterator[UploadStatusChanged | None]) -> AsyncIterator[bytes]:
        return _upload_frames(services.database, request.user.account_id, upload.id, after, events)

    return EventStream(services.hub, frames, request.user, upload.id)


@get(
    "/events",
    media_type="text/event-stream",
    guards=[requires(Scope.READ)],
    responses={200: _STREAM, **problems(TooManyStreams, Busy)},
)
async def account_events(request: Authenticated, services: Injected) -> ASGIApp:
    """The account's uploads live: first one event named `snapshot`, then an event named `status` for each change, each once.

    The snapshot has the uploads that have not ended and the most recent ones. Events have no `id`: a reconnect begins with a new snapshot.
    """

    def frames(events: AsyncIterator[UploadStatusChanged | None]) -> AsyncIterator[bytes]:
        return _account_frames(services.database, request.user.account_id, events)

    return EventStream(services.hub, frames, request.user)


async def _upload_frames(
    database: Database, account_id: UUID, upload_id: UUID, after: int, events: AsyncIterator[UploadStatusChanged | None]
) -> AsyncIterator[bytes]:
    """History first, then live events; where live events leave a gap, or overtake history, history fills it."""
    last = after
    behind = True
    while True:
        if behind:
            for event in await _history(database, account_id, upload_id, last):
                yield _status_frame(event, event.sequence)
                last, status = event.sequence, event.status
            behind = False
            if last > after and status in TERMINAL:
                return
        live = await anext(events)
        if live is None:
            yield HEARTBEAT
        elif live.sequence == last + 1:
            yield _status_frame(live, live.sequence)
            last = live.sequence
            if live.status in TERMINAL:
                return
        else:
            behind = live.sequence > last


async def _account_frames(database: Database, account_id: UUID, events: AsyncIterator[UploadStatusChanged | None]) -> AsyncIterator[bytes]:
    rows = await database.rows("snapshot_uploads", account_id=account_id, most=MOST_OPEN, recent=RECENT)
    uploads = [as_upload(row) for row in rows]
    snapshot = Snapshot(uploads=uploads, truncated=sum(upload.status not in TERMINAL for upload in uploads) >= MOST_OPEN)
    yield frame("snapshot", msgspec.json.encode(snapshot))
    told = {upload.id: upload.sequence for upload in uploads}
    async for event in events:
        if event is None:
            yield HEARTBEAT
        elif event.sequence > told.get(event.upload_id, 0):
            told[event.upload_id] = event.sequence
            yield _status_frame(event, None)


async def _history(database: Database, account_id: UUID, upload_id: UUID, after: int) -> list[UploadStatusChanged]:
    rows = await database.rows("upload_statuses", upload_id=upload_id, after=after)
    return [msgspec.convert({**row, "upload_id": upload_id, "account_id": account_id}, UploadStatusChanged) for row in rows]


def _status_frame(event: UploadStatusChanged, event_id: int | None) -> bytes:
    return frame("status", codec.encode(event), event_id)


def _sequence(header: str | None, newest: int) -> int:
    """The sequence in a Last-Event-ID; 0, before the first, without one."""
    if header is None or header == "":
        return 0
    expected = f"the id of an event of this upload, a number from 1 to {newest}"
    if not (header.isascii() and header.isdigit() and len(header) < 10 and int(header) <= newest):
        raise InvalidRequest(
            f"Last-Event-ID is {header[:200]!r}: expected {expected}; leave it out to begin at the first",
            errors=[field_at("Last-Event-ID", header, expected)],
        )
    return int(header)
