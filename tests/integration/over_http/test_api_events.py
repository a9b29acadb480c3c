"""Live status over real HTTP, from real Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

import httpx
import msgspec
import pytest
from psycopg.types.json import Jsonb

from runtime import database as databases
from runtime import uploads
from runtime.database import Database
from runtime.identifiers import uuid7
from runtime.kafka import KafkaPublisher
from schemas import codec
from schemas.events import Source, UploadStatusChanged
from schemas.failures import Failure
from schemas.resources import Progress, Snapshot, Upload, UploadPage, UploadProgress
from schemas.status import Status
from tests.api_process import Starter
from tests.waiting import until
from valence import Client
from valence.event_source import EventReader, ServerEvent

pytestmark = pytest.mark.usefixtures("relay")

WAY = (Status.VALIDATED, Status.ANALYSING, Status.COMPLETED)


async def new_upload(database: Database, account: UUID) -> UUID:
    upload = uploads.NewUpload(id=uuid7(), account_id=account, source=Source(bucket="valence", key="x"))
    async with database.transaction() as connection:
        assert await uploads.insert(connection, upload, Status.RECEIVED, "/test")
    return upload.id


async def change(database: Database, upload_id: UUID, *statuses: Status, attempt: int = 1, failure: Failure | None = None) -> None:
    for status in statuses:
        async with database.transaction() as connection:
            assert await uploads.apply_status(connection, upload_id, attempt, status, "/test", failure)


async def events(
    http: httpx.AsyncClient, path: str, after: int | None = None, *, progress: bool = False
) -> AsyncGenerator[ServerEvent, None]:
    """The events of a stream; those between statuses only where a test asks for them."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    async with http.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"] == "text/event-stream"
        reader = EventReader()
        async for received in answer.aiter_raw():
            for event in reader.feed(received):
                if progress or event.name != "progress":
                    yield event


async def sequences(http: httpx.AsyncClient, upload_id: UUID, after: int | None = None) -> list[int]:
    """All of a stream until the API ends it; each event's id is its sequence."""
    async with asyncio.timeout(20):
        found = [event async for event in events(http, f"/v1/uploads/{upload_id}/events", after)]
    statuses = [msgspec.json.decode(event.data, type=UploadStatusChanged) for event in found]
    assert [event.id for event in found] == [str(status.sequence) for status in statuses]
    assert {status.upload_id for status in statuses} <= {upload_id}
    return [status.sequence for status in statuses]


async def test_a_stream_replays_what_was_and_ends_with_the_upload(http: httpx.AsyncClient, database: Database, account: UUID) -> None:
    upload_id = await new_upload(database, account)
    await change(database, upload_id, *WAY)
    assert await sequences(http, upload_id) == [1, 2, 3, 4]
    assert await sequences(http, upload_id, after=2) == [3, 4]


async def test_a_reconnect_after_the_last_terminal_status_is_told_to_stop(
    http: httpx.AsyncClient, database: Database, account: UUID
) -> None:
    upload_id = await new_upload(database, account)
    path = f"/v1/uploads/{upload_id}/events"
    await change(database, upload_id, Status.FAILED, failure=Failure(code="x", message="y"))
    assert (await http.get(path, headers={"Last-Event-ID": "2"})).status_code == 204
    assert (await http.post(f"/v1/uploads/{upload_id}/retry")).status_code == 202
    await change(database, upload_id, *WAY, attempt=2)
    assert await sequences(http, upload_id, after=2) == [3, 4, 5, 6]
    assert await sequences(http, upload_id, after=1) == [2, 3, 4, 5, 6]
    assert (await http.get(path, headers={"Last-Event-ID": "6"})).status_code == 204


@pytest.mark.parametrize("given", ["2", "-1", "x", "1.5", "٣", "99999999999999999999"])
async def test_a_last_event_id_that_is_none_of_the_uploads_is_refused(
    http: httpx.AsyncClient, database: Database, account: UUID, given: str
) -> None:
    upload_id = await new_upload(database, account)
    answer = await http.get(f"/v1/uploads/{upload_id}/events", headers=[(b"Last-Event-ID", given.encode())])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Last-Event-ID")


async def test_subscribers_that_come_at_any_moment_see_every_status_once_and_in_order(
    http: httpx.AsyncClient, database: Database, account: UUID
) -> None:
    made = [await new_upload(database, account) for _ in range(8)]

    async def live(upload_id: UUID, turn: int) -> None:
        for number, status in enumerate(WAY):
            if number == turn:
                started[upload_id].set()
            await change(database, upload_id, status)

    async def subscribe(upload_id: UUID) -> list[int]:
        await started[upload_id].wait()
        return await sequences(http, upload_id)

    started = {upload_id: asyncio.Event() for upload_id in made}
    seen = [asyncio.create_task(subscribe(upload_id)) for upload_id in made]
    await asyncio.gather(*(live(upload_id, number % 3) for number, upload_id in enumerate(made)))
    assert [await task for task in seen] == [[1, 2, 3, 4]] * len(made)


async def test_what_the_topic_repeats_or_leaves_out_a_stream_does_not(
    http: httpx.AsyncClient, database: Database, account: UUID, publisher: KafkaPublisher
) -> None:
    upload_id = await new_upload(database, account)

    async def republish(numbers: Sequence[int]) -> None:
        rows = await database.rows("upload_statuses", upload_id=upload_id, after=0)
        by_number = {row["sequence"]: row for row in rows}
        chosen = [msgspec.convert({**by_number[n], "upload_id": upload_id, "account_id": account}, UploadStatusChanged) for n in numbers]
        await publisher.publish([codec.record(event, "/test") for event in chosen])

    async def unrelayed(status: Status) -> None:
        async with database.transaction() as connection:  # as if the relay's record were lost
            await databases.rows(connection, "apply_status", upload_id=upload_id, attempt=1, status=status.value, failure=None)

    stream = events(http, f"/v1/uploads/{upload_id}/events")
    async with contextlib.aclosing(stream), asyncio.timeout(20):
        assert (await anext(stream)).id == "1"
        await unrelayed(Status.VALIDATED)
        await unrelayed(Status.ANALYSING)
        await republish([1, 3, 3, 2])
        assert [(await anext(stream)).id for _ in range(2)] == ["2", "3"]
        await unrelayed(Status.COMPLETED)
        await republish([3, 4, 4])
        assert [event.id async for event in stream] == ["4"]


async def test_an_accounts_stream_begins_with_a_snapshot_and_tells_each_change_once(
    http: httpx.AsyncClient, database: Database, account: UUID
) -> None:
    before, ended = await new_upload(database, account), await new_upload(database, account)
    await change(database, ended, *WAY)
    stream = events(http, "/v1/events")
    async with contextlib.aclosing(stream), asyncio.timeout(20):
        first = await anext(stream)
        snapshot = msgspec.json.decode(first.data, type=Snapshot)
        assert (first.name, first.id) == ("snapshot", "")
        assert {upload.id: upload.status for upload in snapshot.uploads} == {before: Status.RECEIVED, ended: Status.COMPLETED}
        later = await new_upload(database, account)
        await asyncio.gather(change(database, before, *WAY), change(database, later, *WAY))
        told: dict[UUID, list[int]] = {before: [], later: []}
        while told != {before: [2, 3, 4], later: [1, 2, 3, 4]}:
            event = msgspec.json.decode((await anext(stream)).data, type=UploadStatusChanged)
            told[event.upload_id].append(event.sequence)


async def test_what_is_in_work_has_a_place_and_a_time_and_statuses_stay_without_a_gap(
    http: httpx.AsyncClient, database: Database, account: UUID
) -> None:
    done = await new_upload(database, account)
    await change(database, done, Status.VALIDATED, Status.ANALYSING)
    await database.rows("keep_analysis", upload_id=done, attempt=1, document=Jsonb({}), media_seconds=4.0, compute_seconds=1.0)
    await change(database, done, Status.COMPLETED)
    first, second = await new_upload(database, account), await new_upload(database, account)

    async def places() -> list[Progress | None]:
        answers = [await http.get(f"/v1/uploads/{upload_id}") for upload_id in (first, second)]
        return [msgspec.json.decode(answer.content, type=Upload).progress for answer in answers]

    def follow_each_other(found: list[Progress | None]) -> bool:
        earlier, later = found
        return earlier is not None and later is not None and later.ahead == earlier.ahead + 1 and later.seconds_left is not None

    await until(places, "the second waits for the first", holds=follow_each_other)  # what is told is up to a second old
    listed = msgspec.json.decode((await http.get("/v1/uploads?limit=2")).content, type=UploadPage)
    assert [upload.progress is not None for upload in listed.data] == [True, True]
    assert (await http.get(f"/v1/uploads/{done}")).json()["progress"] is None
    own, all_uploads = events(http, f"/v1/uploads/{first}/events", progress=True), events(http, "/v1/events", progress=True)
    async with contextlib.aclosing(own), contextlib.aclosing(all_uploads), asyncio.timeout(30):
        seen = [await anext(own), await anext(own)]
        await change(database, first, Status.VALIDATED)
        seen += [await anext(own), await anext(own)]
        await change(database, first, Status.FAILED, failure=Failure(code="x", message="y"))
        seen += [event async for event in own]
        assert [(event.name, event.id) for event in seen if event.name == "status"] == [("status", "1"), ("status", "2"), ("status", "3")]
        between = [msgspec.json.decode(event.data, type=UploadProgress) for event in seen if event.name == "progress"]
        assert {(told.upload_id, told.sequence, told.progress.stage) for told in between} == {(first, 1, "validate"), (first, 2, "invoke")}
        assert {event.id for event in seen if event.name == "progress"} == {""}
        snapshot = msgspec.json.decode((await anext(all_uploads)).data, type=Snapshot)
        assert {upload.id for upload in snapshot.uploads if upload.progress is not None} == {second}
        await change(database, second, Status.VALIDATED, Status.ANALYSING)
        later = [await anext(all_uploads) for _ in range(3)]
        assert [event.name for event in later] == ["status", "status", "progress"]


async def test_an_accounts_stream_tells_nothing_of_other_accounts(
    http: httpx.AsyncClient, database: Database, account: UUID, stranger: str
) -> None:
    theirs = events(http, "/v1/events")
    async with contextlib.aclosing(theirs), asyncio.timeout(20):
        await anext(theirs)
        answer = await http.post("/v1/uploads", json={"filename": "x"}, headers={"Authorization": f"Bearer {stranger}"})
        assert answer.status_code == 201
        mine = await new_upload(database, account)
        event = msgspec.json.decode((await anext(theirs)).data, type=UploadStatusChanged)
        assert event.upload_id == mine


async def test_an_account_gets_ten_streams_and_an_eleventh_when_one_is_closed(http: httpx.AsyncClient) -> None:
    async with contextlib.AsyncExitStack() as held, asyncio.timeout(20):
        streams = [events(http, "/v1/events") for _ in range(10)]
        for stream in streams:
            await held.enter_async_context(contextlib.aclosing(stream))
            await anext(stream)
        refused = await http.get("/v1/events")
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (429, "too-many-streams")
        assert refused.headers["retry-after"]
        await streams[0].aclose()
        again = None
        while again is None:
            stream = events(http, "/v1/events")
            with contextlib.suppress(AssertionError):  # the server notices the departure a moment later
                again = await anext(stream)
            await stream.aclose()
        assert again.name == "snapshot"


async def test_streams_end_cleanly_when_the_server_is_told_to_stop(start_api: Starter, key: str) -> None:
    with start_api() as api:
        async with httpx.AsyncClient(base_url=api.url, headers={"Authorization": f"Bearer {key}"}, timeout=20) as http:
            stream = events(http, "/v1/events")
            await anext(stream)
            stopped = asyncio.create_task(asyncio.to_thread(api.stop))
            assert [event async for event in stream] == []  # an end, and not a broken connection
            assert await stopped == 0


async def test_the_client_follows_an_upload_to_its_end_and_over_a_restart(
    start_api: Starter, key: str, database: Database, account: UUID
) -> None:
    upload_id = await new_upload(database, account)
    connected = threading.Event()
    seen: list[int] = []
    with start_api() as api, Client(api.url, key, patience_seconds=30) as client:

        def follow() -> None:
            for status in client.events(upload_id):
                seen.append(status.sequence)
                connected.set()

        following = asyncio.create_task(asyncio.to_thread(follow))
        await asyncio.to_thread(connected.wait, 20)
        api.process.kill()
        api.process.wait()
        await change(database, upload_id, Status.VALIDATED, Status.ANALYSING)
        with start_api({"VALENCE_API_PORT": api.url.rpartition(":")[2]}):
            await change(database, upload_id, Status.COMPLETED)
            async with asyncio.timeout(60):
                await following
            assert client.wait(upload_id).status is Status.COMPLETED
    assert seen == [1, 2, 3, 4]
