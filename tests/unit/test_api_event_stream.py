"""Streams of server-sent events: how each one ends, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from litestar.types import Scope

from api.event_stream import HEARTBEAT, EventStream, LiveEvents, Moment
from api.principal import Principal
from api.problems import Busy, TooManyStreams
from api.status_hub import BACKLOG, Closed, StatusHub
from schemas.events import UploadStatusChanged
from schemas.status import Status

ACCOUNT = uuid4()
OWNER = Principal(ACCOUNT, "key", frozenset())


def event(sequence: int = 1, account: UUID = ACCOUNT, upload: UUID | None = None) -> UploadStatusChanged:
    return UploadStatusChanged(
        upload_id=upload or uuid4(),
        attempt=1,
        account_id=account,
        sequence=sequence,
        status=Status.RECEIVED,
        occurred_at=datetime.now(UTC),
    )


async def frames(events: LiveEvents) -> AsyncIterator[bytes]:
    async for found in events:
        yield (HEARTBEAT if found is Moment.SILENCE else b"look") if isinstance(found, Moment) else b"%d" % found.sequence


async def watching_frames(events: LiveEvents) -> AsyncIterator[bytes]:
    events.looking = True
    async for frame in frames(events):
        yield frame


class Peer:
    """A reader that takes so many messages and then reads no more."""

    def __init__(self, takes: int = 1_000) -> None:
        self.taken: list[Any] = []
        self.gone = asyncio.Event()
        self.began = asyncio.Event()
        self._takes = takes

    async def send(self, message: Any) -> None:
        if len(self.taken) >= self._takes:
            await asyncio.Event().wait()
        self.taken.append(message)
        self.began.set()

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def ended(self) -> bool:
        return bool(self.taken[-1] == {"type": "http.response.body", "body": b"", "more_body": False})


def hub(**limits: int) -> StatusHub:
    opened = StatusHub(**limits)
    opened.open()
    return opened


async def run(stream: EventStream, peer: Peer) -> None:
    async with asyncio.timeout(5):
        await stream(cast("Scope", {}), peer.receive, peer.send)  # nothing of the scope is looked at


async def test_a_reader_that_takes_nothing_is_disconnected_without_an_end() -> None:
    own, peer = hub(), Peer(takes=1)
    await run(EventStream(own, frames, OWNER, send_seconds=0.01), peer)
    assert (len(peer.taken), len(own)) == (1, 0)


async def test_a_subscriber_with_too_many_waiting_events_is_disconnected_never_skipped() -> None:
    own = hub()
    subscription = own.subscribe(OWNER)
    own.publish(event(n) for n in range(1, BACKLOG + 1))
    assert subscription.closed is None
    own.publish([event()])
    with pytest.raises(Closed, match="slow"):
        await subscription.next(due=0)


async def test_a_silence_is_filled_with_comments_until_the_stream_is_old() -> None:
    peer = Peer()
    await run(EventStream(hub(), frames, OWNER, heartbeat_seconds=0.01, lifetime_seconds=0.1), peer)
    assert peer.taken[1]["body"].startswith(b"retry: ")
    assert peer.taken[2]["body"] == HEARTBEAT
    assert peer.ended


async def test_what_is_in_work_is_looked_at_between_the_comments_and_nothing_else_is() -> None:
    watching, asleep = Peer(), Peer()
    for made, peer in ((watching_frames, watching), (frames, asleep)):
        await run(EventStream(hub(), made, OWNER, heartbeat_seconds=0.1, lifetime_seconds=0.25, look_seconds=0.01), peer)
    assert {message["body"] for message in watching.taken[2:-1]} == {b"look", HEARTBEAT}
    assert {message["body"] for message in asleep.taken[2:-1]} == {HEARTBEAT}


async def test_stopping_ends_every_stream_and_lets_none_begin_even_if_the_broker_comes_back() -> None:
    own, peer = hub(), Peer()
    running = asyncio.create_task(run(EventStream(own, frames, OWNER), peer))
    await peer.began.wait()
    own.stop()
    await running
    assert peer.ended
    own.open()  # what the feed's thread had put on its way before
    with pytest.raises(Busy, match="this server is stopping"):
        own.subscribe(OWNER)


async def test_a_reader_that_leaves_frees_its_place() -> None:
    own, peer = hub(), Peer()
    peer.gone.set()
    await run(EventStream(own, frames, OWNER), peer)
    assert len(own) == 0


async def test_a_worker_and_an_account_have_room_for_so_many_streams() -> None:
    own = hub(per_account=2, per_worker=3)
    first = own.subscribe(OWNER)
    own.subscribe(OWNER)
    with pytest.raises(TooManyStreams) as refused:
        own.subscribe(OWNER)
    assert refused.value.headers["Retry-After"]
    own.unsubscribe(first)
    own.subscribe(OWNER)
    own.subscribe(OWNER._replace(account_id=uuid4()))
    with pytest.raises(Busy):
        own.subscribe(OWNER._replace(account_id=uuid4()))


async def test_events_go_to_their_account_and_upload_only() -> None:
    own, upload = hub(), uuid4()
    of_upload, of_other = own.subscribe(OWNER, upload), own.subscribe(OWNER._replace(account_id=uuid4()))
    own.publish([event(1), event(2, upload=upload)])
    found = await of_upload.next(due=0)
    assert found is not None
    assert found.sequence == 2
    assert await of_other.next(due=0) is None


async def test_a_revoked_key_ends_its_own_streams_and_no_others() -> None:
    own = hub()
    first, second, session = OWNER, OWNER._replace(key_id="other"), OWNER._replace(key_id=None, session_id=uuid4())
    subscriptions = [own.subscribe(principal) for principal in (first, second, session)]
    assert own.principals() == {first, second, session}
    own.end([first, session], "revoked")
    assert [subscription.closed for subscription in subscriptions] == ["revoked", None, "revoked"]
