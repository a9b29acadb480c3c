"""Live status as server-sent events: of one upload, strictly in sequence, or of all of an account's uploads from a snapshot on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter
from litestar.types import ASGIApp

from api.accounts import Scope
from api.documentation import problems
from api.event_stream import HEARTBEAT, EventStream, LiveEvents, Moment, frame
from api.forecasts import Forecasts
from api.guards import requires
from api.problems import Busy, InvalidRequest, NoSuchUpload, TooManyStreams, field_at
from api.progress_news import ProgressNews
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

    While it is in work, events named `progress`, which have no `id`, tell its place in the queue and about how many seconds are left.
    Send Last-Event-ID to go on after the event with that id. The stream ends after the status that ends the newest attempt; then a
    reconnect is answered with 204, which tells an EventSource to stop.
    """
    upload = as_upload(await owned(services.database, request.user.account_id, upload_id))
    after = _sequence(last_event_id, upload.sequence)
    if after == upload.sequence and upload.status in TERMINAL:
        return Response(b"", status_code=204).to_asgi_response(app=None, request=request)

    def frames(events: LiveEvents) -> AsyncIterator[bytes]:
        return _upload_frames(services.database, services.forecasts, request.user.account_id, upload.id, after, events)

    return EventStream(services.hub, frames, request.user, upload.id)


@get(
    "/events",
    media_type="text/event-stream",
    guards=[requires(Scope.READ)],
    responses={200: _STREAM, **problems(TooManyStreams, Busy)},
)
async def account_events(request: Authenticated, services: Injected) -> ASGIApp:
    """The account's uploads live: first one event named `snapshot`, then an event named `status` for each change, each once.

    Between them events named `progress` tell of each upload in work its place in the queue and about how many seconds are left.
    The snapshot has the uploads that have not ended and the most recent ones. Events have no `id`: a reconnect begins with a new snapshot.
    """

    def frames(events: LiveEvents) -> AsyncIterator[bytes]:
        return _account_frames(services.database, services.forecasts, request.user.account_id, events)

    return EventStream(services.hub, frames, request.user)


async def _upload_frames(
    database: Database, forecasts: Forecasts, account_id: UUID, upload_id: UUID, after: int, events: LiveEvents
) -> AsyncIterator[bytes]:
    """History first, then live events; where live events leave a gap, or overtake history, history fills it."""
    last = after
    behind = True
    news = ProgressNews(forecasts)
    while True:
        if behind:
            for event in await _history(database, account_id, upload_id, last):
                yield _status_frame(event, event.sequence)
                _note(news, event)
                last, status = event.sequence, event.status
            behind = False
            if last > after and status in TERMINAL:
                return
        events.looking = bool(news)
        live = await anext(events)
        if live is Moment.SILENCE:
            yield HEARTBEAT
        elif live is Moment.LOOK:
            async for told in news.frames():
                yield told
        elif live.sequence == last + 1:
            yield _status_frame(live, live.sequence)
            _note(news, live)
            last = live.sequence
            if live.status in TERMINAL:
                return
        else:
            behind = live.sequence > last


async def _account_frames(database: Database, forecasts: Forecasts, account_id: UUID, events: LiveEvents) -> AsyncIterator[bytes]:
    rows = await database.rows("snapshot_uploads", account_id=account_id, most=MOST_OPEN, recent=RECENT)
    uploads = await forecasts.with_progress([as_upload(row) for row in rows])
    snapshot = Snapshot(uploads=uploads, truncated=sum(upload.status not in TERMINAL for upload in uploads) >= MOST_OPEN)
    yield frame("snapshot", msgspec.json.encode(snapshot))
    told = {upload.id: upload.sequence for upload in uploads}
    news = ProgressNews(forecasts)
    for upload in uploads:
        news.note(upload.id, upload.sequence, upload.status, upload.updated_at.timestamp(), upload.progress)
    events.looking = bool(news)
    async for event in events:
        if event is Moment.SILENCE:
            yield HEARTBEAT
        elif event is Moment.LOOK:
            async for progress in news.frames():
                yield progress
        elif event.sequence > told.get(event.upload_id, 0):
            told[event.upload_id] = event.sequence
            yield _status_frame(event, None)
            _note(news, event)
            events.looking = bool(news)


def _note(news: ProgressNews, event: UploadStatusChanged) -> None:
    news.note(event.upload_id, event.sequence, event.status, event.occurred_at.timestamp())


async def _history(database: Database, account_id: UUID, upload_id: UUID, after: int) -> list[UploadStatusChanged]:
    rows = await database.rows("upload_statuses", upload_id=upload_id, after=after)
    return [msgspec.convert({**row, "upload_id": upload_id, "account_id": account_id}, UploadStatusChanged) for row in rows]


@lru_cache(maxsize=1)  # the same one for all who listen to an account, one after the other
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
