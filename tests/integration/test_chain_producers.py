"""The relay and the reconciler on real servers: nothing is published before its transaction, lost, or told under another id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import msgspec
import pytest

from producers import outbox_relay
from producers.reconciler import BATCH, Reconciler
from runtime import outbox, uploads
from runtime.database import Database
from runtime.errors import DependencyUnavailable
from runtime.settings import Inference, Settings
from runtime.storage import S3Storage
from runtime.testing import MemoryBroker
from runtime.uploads import NewUpload
from schemas import codec, topics
from schemas.codec import Record
from schemas.events import Event, InferenceCompleted, InferenceFailed, Source
from schemas.failures import Failure
from schemas.status import Status
from tests.chain import SOURCE, select, upload_received

BUCKET = "valence"
TRACE = f"00-{0xABC:032x}-{0xDEF:016x}-01"


def of(upload_id: UUID, records: Sequence[Record]) -> list[Record]:
    """The records of one upload."""
    return [record for record in records if record.key == str(upload_id).encode()]


def ids(records: Sequence[Record]) -> list[bytes]:
    return [dict(record.headers)["ce_id"] for record in records]


class Killed(BaseException):
    """The process is gone."""


class KilledAfterSending(MemoryBroker):
    """A broker after whose acknowledgement the relay is killed, once."""

    killed = False

    async def publish(self, records: Sequence[Record]) -> None:
        await super().publish(records)
        if not self.killed:
            self.killed = True
            raise Killed


async def relay(database: Database, broker: MemoryBroker) -> None:
    """Publish until the outbox is empty."""
    connection = await database.dedicated()
    async with connection:
        published = await outbox_relay.publish_batch(connection, broker)
        while published:
            published = await outbox_relay.publish_batch(connection, broker, published)


async def submit(database: Database, account: UUID) -> UUID:
    """An upload with its row, its first status, and its event on the way."""
    upload_id = uuid4()
    async with database.transaction() as connection:
        made = NewUpload(id=upload_id, account_id=account, source=Source(bucket=BUCKET, key="ingest/clip.mp4"))
        assert await uploads.insert(connection, made, Status.CREATED, SOURCE)
        assert await uploads.submit(connection, upload_received(upload_id, account), SOURCE)
    return upload_id


async def test_the_relay_publishes_what_was_committed_in_its_order_and_forgets_it(database: Database, account: UUID) -> None:
    upload_id, broker = await submit(database, account), MemoryBroker()
    await relay(database, broker)
    (event,) = of(upload_id, broker.topics["uploads.received.v1"])
    assert codec.decode(topics.UPLOADS_RECEIVED, event.key, event.value, event.headers)[1] == upload_received(upload_id, account)
    statuses = [msgspec.json.decode(record.value or b"")["status"] for record in of(upload_id, broker.topics["uploads.status.v1"])]
    assert statuses == ["created", "received"]
    assert await select(database, "select id from outbox where aggregateid = %s", str(upload_id)) == []


async def test_what_was_rolled_back_is_never_published(database: Database, account: UUID) -> None:
    event, broker = upload_received(account_id=account), MemoryBroker()

    async def interrupted() -> None:
        async with database.transaction() as connection:
            await outbox.add(connection, event, SOURCE)
            raise Killed

    with pytest.raises(Killed):
        await interrupted()
    await relay(database, broker)
    assert of(event.upload_id, broker.topics["uploads.received.v1"]) == []


async def test_a_relay_that_is_killed_between_send_and_delete_sends_again_under_the_same_id(database: Database, account: UUID) -> None:
    upload_id, broker = await submit(database, account), KilledAfterSending()
    with pytest.raises(Killed):
        await relay(database, broker)
    await relay(database, broker)
    sent = of(upload_id, broker.topics["uploads.received.v1"])
    assert len(sent) == 2
    assert sent[0] == sent[1]
    told = ids(of(upload_id, broker.topics["uploads.status.v1"]))
    assert len(told) == 4
    assert len(set(told)) == 2


async def test_while_the_broker_is_away_everything_stays_in_the_outbox(database: Database, account: UUID) -> None:
    upload_id, broker = await submit(database, account), MemoryBroker()
    broker.away = True
    with pytest.raises(DependencyUnavailable):
        await relay(database, broker)
    broker.away = False
    await relay(database, broker)
    assert len(of(upload_id, broker.topics["uploads.received.v1"])) == 1


async def test_the_same_event_twice_is_one_row(database: Database, account: UUID) -> None:
    event = upload_received(account_id=account)
    for _ in range(2):
        async with database.transaction() as connection:
            await outbox.add(connection, event, SOURCE)
    assert len(await select(database, "select id from outbox where aggregateid = %s", str(event.upload_id))) == 1


async def test_only_one_relay_holds_the_lock(database: Database) -> None:
    first, second = await database.dedicated(), await database.dedicated()
    async with first, second:
        assert await outbox_relay._locked(first)
        assert not await outbox_relay._locked(second)
        await first.close()
        for _ in range(100):
            if await outbox_relay._locked(second):
                return
            await asyncio.sleep(0)
        raise AssertionError("the lock of a relay that is gone was never free")


# The reconciler -----------------------------------------------------------------------------------------------------------------------


class Desk:
    """An invocation whose notice does not come, and a reconciler that looks for its end."""

    def __init__(self, settings: Settings, database: Database, storage: S3Storage, upload_id: UUID) -> None:
        self.database, self.storage, self.upload_id = database, storage, upload_id
        self.broker = MemoryBroker()
        self.settings: Inference = settings.inference
        self.output = f"s3://{BUCKET}/inference/output/{upload_id}.out"
        self.failure = f"s3://{BUCKET}/inference/failure/{upload_id}-error.out"

    async def called(self, *, seconds_ago: float, recorded: bool = True) -> None:
        """The call was made so long ago; its locations are known, or not."""
        key = {"upload_id": self.upload_id, "attempt": 1}
        await self.database.rows("begin_invocation", **key, check_after=self.settings.check_after_seconds, traceparent=TRACE)
        if recorded:
            await self.database.rows("record_invocation", **key, output=self.output, failure=self.failure)
        query = (
            "update invocations set called_at = called_at - make_interval(secs => %s),"
            " next_check_at = next_check_at - make_interval(secs => %s) where upload_id = %s"
        )
        await select(self.database, query, seconds_ago, seconds_ago, self.upload_id)

    async def write(self, location: str, body: bytes) -> None:
        await self.storage.put(BUCKET, location.removeprefix(f"s3://{BUCKET}/"), body, "application/json")

    async def look(self) -> list[Event]:
        """What the reconciler finds for this upload."""
        reconciler = Reconciler(self.settings, self.database, self.storage, self.broker)
        while await reconciler.look() >= BATCH:
            pass
        return [
            codec.decode(topic, record.key, record.value, record.headers)[1]
            for topic in (topics.INFERENCE_COMPLETED, topics.INFERENCE_FAILED)
            for record in of(self.upload_id, self.broker.topics[topic.name])
        ]


@pytest.fixture
async def desk(settings: Settings, database: Database, storage: S3Storage, account: UUID) -> Desk:
    return Desk(settings, database, storage, await submit(database, account))


async def test_an_answer_that_no_notice_told_of_is_found(desk: Desk) -> None:
    await desk.called(seconds_ago=61)
    await desk.write(desk.output, b"{}")
    (event,) = await desk.look()
    assert isinstance(event, InferenceCompleted)
    assert (event.upload_id, event.attempt, event.output_location) == (desk.upload_id, 1, desk.output)
    assert len(await desk.look()) == 1, "what has ended is not told again"
    (record,) = of(desk.upload_id, desk.broker.topics[topics.INFERENCE_COMPLETED.name])
    assert dict(record.headers)["traceparent"].split(b"-")[1] == TRACE.split("-")[1].encode(), "it is found within the trace of the call"


async def test_an_error_file_that_no_notice_told_of_is_found(desk: Desk) -> None:
    await desk.called(seconds_ago=61)
    await desk.write(desk.failure, msgspec.json.encode(Failure(code="undecodable", message="no picture, no sound")))
    (event,) = await desk.look()
    assert isinstance(event, InferenceFailed)
    assert (event.failure.code, event.expired) == ("undecodable", False)


async def test_within_the_first_minute_a_notice_is_still_expected(desk: Desk) -> None:
    await desk.called(seconds_ago=50)
    await desk.write(desk.output, b"{}")
    assert await desk.look() == []


async def test_what_is_not_there_yet_is_looked_for_later_and_later(desk: Desk) -> None:
    await desk.called(seconds_ago=61)
    waits = []
    for _ in range(4):
        assert await desk.look() == []
        query = "select extract(epoch from next_check_at - now())::float8 as wait from invocations where upload_id = %s"
        (row,) = await select(desk.database, query, desk.upload_id)
        waits.append(row["wait"])
        await select(desk.database, "update invocations set next_check_at = now() where upload_id = %s", desk.upload_id)
    assert waits == pytest.approx([60, 120, 240, 480], abs=30)


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "killed before the locations were recorded"])
async def test_what_never_comes_expires_after_queue_work_and_margin(desk: Desk, recorded: bool) -> None:
    limit = desk.settings.ttl_seconds + desk.settings.timeout_seconds + 300
    await desk.called(seconds_ago=limit - 60, recorded=recorded)
    assert await desk.look() == []
    await select(
        desk.database,
        "update invocations set called_at = called_at - interval '2 minutes', next_check_at = now() where upload_id = %s",
        desk.upload_id,
    )
    (event,) = await desk.look()
    assert isinstance(event, InferenceFailed)
    assert event.expired
    assert event.failure.retryable


async def test_what_a_notice_has_told_is_not_looked_for(desk: Desk) -> None:
    await desk.called(seconds_ago=61)
    await desk.write(desk.output, b"{}")
    await desk.database.rows("finish_invocations", upload_ids=[desk.upload_id], attempts=[1])
    assert await desk.look() == []


async def test_an_end_that_could_not_be_published_is_found_again(desk: Desk) -> None:
    await desk.called(seconds_ago=61)
    await desk.write(desk.output, b"{}")
    desk.broker.away = True
    with pytest.raises(DependencyUnavailable):
        await desk.look()
    desk.broker.away = False
    await select(desk.database, "update invocations set next_check_at = now() where upload_id = %s", desk.upload_id)
    assert len(await desk.look()) == 1
