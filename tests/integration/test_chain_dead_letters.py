"""Dead letters in PostgreSQL and on real Kafka: byte for byte, whatever strangers put into a record."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import MessageSizeTooLargeError

from consumers import dead_letters
from consumers.dead_letters import NoSuchDeadLetter
from runtime.database import Database
from runtime.errors import DependencyUnavailable
from runtime.kafka import KafkaPublisher, KafkaSubscription, Received
from runtime.settings import Settings
from runtime.testing import MemoryBroker
from schemas.codec import Record
from schemas.dead_letters import dead_letter
from schemas.topics import MOST_RECORD_BYTES
from tests.chain import received, select
from tests.waiting import until


def letter(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]], error: str = "why") -> Received:
    """A dead letter with an offset of its own."""
    offset = uuid4().int % 2**40
    where = {"topic": "uploads.received.v1", "stage": "stream-processors.validate", "reason": "envelope", "error": error}
    return received(dead_letter(**where, partition=0, offset=offset, key=key, value=value, headers=headers), offset)


async def kept(database: Database, record: Received) -> int:
    """The number under which a dead letter is kept, twice told."""
    for _ in range(2):
        async with database.transaction() as connection:
            await dead_letters.keep(connection, [record])
    (row,) = await select(database, "select id from dead_letters where kafka_offset = %s", record.offset)
    return int(row["id"])


NASTY = [
    pytest.param(None, None, [], id="tombstone without key"),
    pytest.param(b"", b"", [("", b"")], id="empty"),
    pytest.param(b"\x00\xff", b"\x00\xff" * 100, [("a", b"1"), ("a", b"2"), ("b", b"\xff\x00")], id="binary, repeated headers"),
    pytest.param(b"k", b"[" * 60_000, [("na\x00me", b"v")], id="nested, and a NUL in a header's name"),
    pytest.param(b"k", b'{"upload_id":"\xff"}', [("\u20ac", "\u20ac".encode())], id="not UTF-8"),
    pytest.param(b"k", b'{"upload_id": "x", "attempt": 99999999999999}', [], id="wrong types"),
]


@pytest.mark.parametrize(("key", "value", "headers"), NASTY)
async def test_a_record_is_kept_and_redriven_byte_for_byte(
    database: Database, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    number, broker = await kept(database, letter(key, value, headers, error="a NUL: \x00")), MemoryBroker()
    record = await dead_letters.redrive(database, broker, number)
    assert record == Record("uploads.received.v1", key, value, headers)
    assert broker.topics["uploads.received.v1"] == [record]
    shown = await dead_letters.shown(database, number)
    assert (shown["reason"], shown["header_names"]) == ("envelope", [name for name, _ in headers])


async def test_a_record_with_a_header_without_a_value_is_kept_as_it_is_and_can_be_redriven(
    database: Database, settings: Settings, publisher: KafkaPublisher
) -> None:
    key = str(uuid4()).encode()
    headers: Any = [("null", None), ("other", b"\xff")]
    number = await kept(database, letter(key, b"v", headers))
    assert (await dead_letters.shown(database, number))["header_values"] == [None, b"\xff"]
    await dead_letters.redrive(database, publisher, number)
    subscription = KafkaSubscription(settings.kafka_bootstrap_servers, f"tests-{uuid4()}", ["uploads.received.v1"], 0)

    async def mine() -> list[Received]:
        return [record for record in await subscription.poll(500, 500) if record.key == key]

    (found,) = await until(mine, "the record")
    await subscription.close()
    assert (found.value, found.headers) == (b"v", [("null", b""), ("other", b"\xff")])


async def test_a_dead_letter_tells_which_upload_it_was_about(database: Database) -> None:
    upload_id = uuid4()
    shown = await dead_letters.shown(database, await kept(database, letter(b"k", b'{"upload_id":"%s"}' % str(upload_id).encode(), [])))
    assert shown["upload_id"] == upload_id


async def test_a_redrive_that_fails_leaves_the_letter_in_the_list(database: Database) -> None:
    number, broker = await kept(database, letter(b"k", b"v", [])), MemoryBroker()

    async def open_letters() -> set[int]:
        return {row["id"] for row in await dead_letters.listed(database, after=number - 1)}

    broker.away = True
    with pytest.raises(DependencyUnavailable):
        await dead_letters.redrive(database, broker, number)
    assert number in await open_letters()
    broker.away = False
    await dead_letters.redrive(database, broker, number)
    assert number not in await open_letters()
    assert number in {row["id"] for row in await dead_letters.listed(database, after=number - 1, redriven=True)}


async def test_a_number_that_does_not_exist_is_named(database: Database) -> None:
    with pytest.raises(NoSuchDeadLetter, match="999999999"):
        await dead_letters.shown(database, 999_999_999)


async def test_the_largest_record_that_a_topic_takes_fits_on_its_dead_letter_topic(settings: Settings, publisher: KafkaPublisher) -> None:
    value = bytes(MOST_RECORD_BYTES - 200)
    record = Record("uploads.rejected.v1", b"large", value, [])
    await publisher.publish([record])
    where = {"topic": record.topic, "stage": "stream-processors.x", "reason": "oversized", "error": "e" * 5_000}
    await publisher.publish([dead_letter(**where, partition=0, offset=0, key=record.key, value=record.value, headers=[("h", b"x" * 100)])])
    subscription = KafkaSubscription(settings.kafka_bootstrap_servers, f"tests-{uuid4()}", ["uploads.rejected.v1.dlq"], 0)
    (found,) = await until(lambda: subscription.poll(1, 500), "the dead letter")
    await subscription.close()
    assert found.value == value


def test_a_record_that_is_small_only_because_it_is_compressed_is_refused_by_the_broker(settings: Settings) -> None:
    producer = KafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers, compression_type="gzip", max_request_size=64 * 1024**2, retries=0
    )
    sending = producer.send("uploads.received.v1", key=b"bomb", value=bytes(8 * 1024**2))
    with pytest.raises(MessageSizeTooLargeError):
        sending.get(timeout=30)
    producer.close(timeout=0)


async def test_a_member_that_the_group_has_given_up_reads_on_and_loses_nothing(settings: Settings, publisher: KafkaPublisher) -> None:
    group, marker = f"tests-{uuid4()}", str(uuid4()).encode()
    subscription = KafkaSubscription(settings.kafka_bootstrap_servers, group, ["inference.requested.v1"], 0)
    await publisher.publish([Record("inference.requested.v1", marker, b"x", [])])

    async def mine() -> list[Received]:
        return [record for record in await subscription.poll(500, 500) if record.key == marker]

    first = await until(mine, "the record")
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    admin.remove_group_members(group, [MemberToRemove(group_instance_id=f"{group}-0")])  # as after a session that has timed out
    admin.close()
    await subscription.commit(first)
    again = await until(mine, "the record again, since its commit came too late")
    await subscription.commit(again)
    await subscription.close()
    assert again[0].offset == first[0].offset
