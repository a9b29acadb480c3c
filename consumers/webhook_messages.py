"""From events on topics to deliveries: which webhooks are told, and what the message says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from consumers.reader import event_of
from runtime.database import Database
from runtime.kafka import Received
from schemas import topics
from schemas.events import AnalysisPersisted, Event, UploadStatusChanged
from schemas.webhooks import EVENT_OF, AnalysisData, StatusData, WebhookEvent, WebhookMessage

_EVENT_TOPICS = {topic.name: topic for topic in (topics.UPLOADS_STATUS, topics.ANALYSES_PERSISTED)}

TOPICS = tuple(_EVENT_TOPICS)


class Told(NamedTuple):
    """What an account may be told: `id` is the event's, so that it is the same however often the event is read."""

    id: UUID
    account_id: UUID
    upload_id: UUID
    message: WebhookMessage


def told_of(event: Event, happened: datetime) -> Told | None:
    """What webhooks are told of an event; None for statuses before `received`."""
    match event:
        case UploadStatusChanged():
            if event.status not in EVENT_OF:
                return None
            kind, time = EVENT_OF[event.status], event.occurred_at
            data: StatusData | AnalysisData = StatusData(
                upload_id=event.upload_id,
                attempt=event.attempt,
                sequence=event.sequence,
                status=event.status,
                failure=event.failure,
            )
        case AnalysisPersisted():
            kind, time = WebhookEvent.ANALYSIS_PERSISTED, happened
            data = AnalysisData(
                upload_id=event.upload_id,
                attempt=event.attempt,
                path=f"/v1/uploads/{event.upload_id}/analysis?attempt={event.attempt}",
                summary=event.summary,
            )
        case _:
            raise TypeError(f"webhooks are told nothing of {type(event).__name__}")
    return Told(event.id, event.account_id, event.upload_id, WebhookMessage(type=kind, timestamp=time, data=data))


class Deliveries:
    """Makes deliveries. Each is a transaction of its own: it locks its upload for a moment, so that nothing is told of one that is erased,
    and two such locks at once could stand in the way of the status projector, which takes them in another order."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._database = db
        self._clock = clock

    async def make(self, records: Sequence[Received]) -> int:
        """Make the deliveries of these records, and return how many are new; again, it makes none."""
        told = list(_told(records))
        asked = list({one.account_id for one in told})
        having = {row["account_id"] for row in await self._database.rows("accounts_with_webhooks", account_ids=asked)} if asked else set()
        made = 0
        for one in told:
            if one.account_id in having:
                made += len(await self._insert(one))
        return made

    async def _insert(self, told: Told) -> list[dict[str, object]]:
        return await self._database.rows(
            "insert_webhook_deliveries",
            account_id=told.account_id,
            upload_id=told.upload_id,
            message_id=told.id,
            type=told.message.type,
            body=msgspec.json.encode(told.message).decode(),
            occurred_at=told.message.timestamp,
            now=self._clock(),
        )


def _told(records: Sequence[Received]) -> Iterator[Told]:
    for record in records:
        found = event_of(record, _EVENT_TOPICS)
        if found is None:
            continue
        envelope, event = found
        told = told_of(event, envelope.time)
        if told is not None:
            yield told
