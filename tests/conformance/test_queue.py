"""What Queue promises, of the in-memory twin and of a real SQS server."""

from uuid import uuid4

import boto3
import pytest

from runtime.errors import DependencyUnavailable
from runtime.queue import Message, Queue, SqsQueue
from runtime.testing import MemoryQueue

#: How long a received message stays away before it comes again, in both.
VISIBILITY_SECONDS = 1


@pytest.fixture(params=["twin", "real"])
def queue(request: pytest.FixtureRequest) -> Queue:
    if request.param == "twin":
        return MemoryQueue(VISIBILITY_SECONDS)
    request.getfixturevalue("servers")
    name = f"test-{uuid4()}"
    boto3.client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)})
    return SqsQueue(name)


async def drain(queue: Queue, count: int) -> list[Message]:
    found: list[Message] = []
    while len(found) < count:
        messages = await queue.receive(10)
        assert messages, f"{len(found)} of {count} messages came"
        found += messages
        await queue.delete(messages)
    return found


async def test_what_was_sent_is_received_as_it_was(queue: Queue) -> None:
    body = '{"text": "naïve ✓ <&>", "lines": "a\\nb"}'
    await queue.send(body)
    assert [message.body for message in await queue.receive(10)] == [body]


async def test_an_empty_queue_gives_nothing_when_the_wait_is_over(queue: Queue) -> None:
    assert await queue.receive(1) == []


async def test_a_message_that_is_not_deleted_comes_again(queue: Queue) -> None:
    await queue.send("again")
    (first,) = await queue.receive(10)
    (second,) = await queue.receive(10)
    assert first.body == second.body == "again"


async def test_a_deleted_message_does_not_come_again(queue: Queue) -> None:
    await queue.send("once")
    await drain(queue, 1)
    assert await queue.receive(VISIBILITY_SECONDS * 2) == []


async def test_many_are_sent_at_once_and_at_most_ten_received(queue: Queue) -> None:
    bodies = [str(number) for number in range(25)]
    await queue.send(*bodies)
    first = await queue.receive(10)
    assert 1 <= len(first) <= 10
    await queue.delete(first)
    rest = await drain(queue, 25 - len(first))
    assert sorted(message.body for message in first + rest) == sorted(bodies)


async def test_more_than_ten_are_deleted_at_once(queue: Queue) -> None:
    await queue.send(*(str(number) for number in range(12)))
    found: dict[str, Message] = {}
    while len(found) < 12:  # a message that was received again has a new receipt, and either deletes it
        found |= {message.body: message for message in await queue.receive(10)}
    await queue.delete(list(found.values()))
    assert await queue.receive(VISIBILITY_SECONDS * 2) == []


@pytest.fixture(params=["twin", "real"])
def away(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Queue:
    if request.param == "twin":
        twin = MemoryQueue()
        twin.away = True
        return twin
    request.getfixturevalue("servers")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1")
    return SqsQueue("queue")


async def test_while_sqs_is_away_every_call_says_so(away: Queue) -> None:
    with pytest.raises(DependencyUnavailable):
        await away.send("body")
    with pytest.raises(DependencyUnavailable):
        await away.receive(1)
    with pytest.raises(DependencyUnavailable):
        await away.delete([Message("body", "receipt")])
