"""What publishing and subscribing promise, of the in-memory twin and of a real Kafka broker."""

from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from runtime.errors import DependencyUnavailable
from runtime.kafka import KafkaPublisher, KafkaSubscription, Publisher, Received
from runtime.testing import MemoryBroker, MemorySubscription
from schemas.codec import Record

Subscription = KafkaSubscription | MemorySubscription
Subscribe = Callable[[], Subscription]


@pytest.fixture
def topic() -> str:
    return f"test.{uuid4()}"


@pytest.fixture(params=["twin", "real"])
def address(request: pytest.FixtureRequest) -> str | None:
    """The broker's address, None for the twin."""
    return request.getfixturevalue("servers")["KAFKA_BOOTSTRAP_SERVERS"] if request.param == "real" else None


@pytest.fixture
async def broker(address: str | None, topic: str) -> AsyncIterator[tuple[Publisher, Subscribe]]:
    """A publisher, and a way to become the one member of a group that reads the test's topic."""
    if address is None:
        twin = MemoryBroker()
        yield twin, lambda: twin.subscription("group", [topic])
        return
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics([NewTopic(topic, 1, 1)])
    admin.wait_for_topics([topic])
    admin.close()
    publisher = KafkaPublisher(address)
    yield publisher, lambda: KafkaSubscription(address, f"group-{topic}", [topic], 0)
    await publisher.close()


def record(topic: str, text: str) -> Record:
    return Record(topic, b"key", text.encode(), [("ce_id", text.encode()), ("empty", b"")])


async def read(subscription: Subscription, count: int) -> list[Received]:
    found: list[Received] = []
    for _ in range(10):
        found += await subscription.poll(count - len(found), 2_000)
        if len(found) == count:
            return found
    raise AssertionError(f"{len(found)} of {count} records came")


def texts(records: list[Received]) -> list[str]:
    return [(found.value or b"").decode() for found in records]


async def test_a_record_arrives_byte_for_byte(broker: tuple[Publisher, Subscribe], topic: str) -> None:
    publisher, subscribe = broker
    sent = Record(topic, b"\x00key", b"\xff\x00value", [("ce_id", b"\xfe"), ("ce_id", b"twice"), ("empty", b"")])
    await publisher.publish([sent])
    subscription = subscribe()
    (found,) = await read(subscription, 1)
    assert (found.topic, found.partition, found.offset) == (topic, 0, 0)
    assert (found.key, found.value, found.headers) == (sent.key, sent.value, sent.headers)
    await subscription.close()


async def test_records_arrive_in_the_order_in_which_they_were_published(broker: tuple[Publisher, Subscribe], topic: str) -> None:
    publisher, subscribe = broker
    await publisher.publish([record(topic, str(number)) for number in range(5)])
    await publisher.publish([record(topic, str(number)) for number in range(5, 10)])
    subscription = subscribe()
    found = await read(subscription, 10)
    assert texts(found) == [str(number) for number in range(10)]
    assert [one.offset for one in found] == list(range(10))
    await subscription.close()


async def test_a_poll_gives_no_more_than_it_was_asked_for(broker: tuple[Publisher, Subscribe], topic: str) -> None:
    publisher, subscribe = broker
    await publisher.publish([record(topic, str(number)) for number in range(3)])
    subscription = subscribe()
    assert texts(await read(subscription, 2)) == ["0", "1"]
    assert texts(await read(subscription, 1)) == ["2"]
    assert await subscription.poll(1, 100) == []
    await subscription.close()


async def test_what_was_not_committed_comes_again_and_what_was_does_not(broker: tuple[Publisher, Subscribe], topic: str) -> None:
    publisher, subscribe = broker
    await publisher.publish([record(topic, str(number)) for number in range(3)])
    first = subscribe()
    found = await read(first, 3)
    await first.commit(found[:1])
    await first.close()
    second = subscribe()
    assert texts(await read(second, 2)) == ["1", "2"]
    await second.close()


async def test_the_twin_can_be_away() -> None:
    twin = MemoryBroker()
    twin.away = True
    with pytest.raises(DependencyUnavailable):
        await twin.publish([])
    with pytest.raises(DependencyUnavailable):
        await twin.subscription("group", []).poll(1, 1)
