"""SageMaker's notices, read from SQS and told to Kafka: the answer is there, or there will be none.

A notice is resolved by its inference id alone and is published even before the invocation's locations are recorded. It is deleted from SQS
only after the broker has the event, and together with others, so it may be told twice, under the same id.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from producers import endings
from runtime import metrics, process, telemetry
from runtime.database import Database
from runtime.errors import DependencyUnavailable
from runtime.health import Readiness
from runtime.kafka import KafkaPublisher, Publisher
from runtime.process import Process
from runtime.queue import BATCH, Message, Queue, SqsQueue
from runtime.storage import ObjectStorage, S3Storage
from schemas import codec
from schemas.codec import Record
from schemas.events import Event
from schemas.jobs import parse_inference_id
from schemas.topics import INFERENCE_COMPLETED

log = logging.getLogger(__name__)

SOURCE = "/producers/sagemaker-notices"
#: How long a call waits for a notice; SQS allows up to 20 s, and the client gives up on an answer after as long.
WAIT_SECONDS = 10
#: The longest time from one deletion to the next while notices come; with the wait above it stays below what SQS waits for a deletion.
DELETE_SECONDS = 5.0
#: Calls in hand at once, so that one slow answer does not hold up the next notices.
READERS = 3


class ResponseParameters(msgspec.Struct, rename="camel"):
    """Where the answer or the error lies."""

    output_location: str | None = None
    failure_location: str | None = None


class RequestParameters(msgspec.Struct, rename="camel"):
    """What the invocation was sent with: ours carries its `traceparent` as custom attributes."""

    custom_attributes: str | None = None


class Notice(msgspec.Struct, rename="camel"):
    """What SageMaker says at the end of an asynchronous invocation."""

    inference_id: str
    invocation_status: str
    request_parameters: RequestParameters = msgspec.field(default_factory=RequestParameters)
    response_parameters: ResponseParameters = msgspec.field(default_factory=ResponseParameters)
    failure_reason: str = "the endpoint gave no reason"


def read(body: str) -> Notice | None:
    """The notice in a message, raw or within SNS's envelope; None for SageMaker's test notification. ValueError for anything else."""
    content: Any = msgspec.json.decode(body)
    if isinstance(content, dict) and "Message" in content and "TopicArn" in content:
        content = msgspec.json.decode(msgspec.convert(content["Message"], str))
    if isinstance(content, dict) and content.get("eventName") == "TestNotification":
        return None
    return msgspec.convert(content, Notice)


class Notices:
    """Turns messages into events."""

    def __init__(self, queue: Queue, publisher: Publisher, database: Database, storage: ObjectStorage) -> None:
        self._queue = queue
        self._publisher = publisher
        self._database = database
        self._storage = storage
        self._told: list[Message] = []
        self._deleted = time.monotonic()

    async def relay(self, readiness: Readiness, wait_seconds: int) -> int:
        """Publish the next notices, waiting for servers that are away; returns how many messages there were.

        Those that were published are deleted ten at a time, or when some seconds have passed or none came. What cannot be read stays in
        SQS, which moves it to its own dead letters after some tries. Receiving is such a try: so while a server is away, the messages
        stay in hand and are not received again and again.
        """
        messages = await readiness.insist(lambda: self._queue.receive(wait_seconds))
        told = await readiness.insist(lambda: self._tell(messages))
        self._told += told  # another reader may have begun a new list meanwhile
        if not messages or len(self._told) >= BATCH or time.monotonic() - self._deleted >= DELETE_SECONDS:
            await readiness.insist(self.delete)
        return len(messages)

    async def delete(self) -> None:
        """Delete from SQS what was published."""
        told, self._told, self._deleted = self._told, [], time.monotonic()
        try:
            await self._queue.delete(told)
        except DependencyUnavailable:
            self._told += told
            raise

    async def _tell(self, messages: Sequence[Message]) -> list[Message]:
        """Publish notices; returns the messages that need not come again."""
        done: list[Message] = []
        records: dict[tuple[UUID, int], Record] = {}
        for message in messages:
            try:
                notice = read(message.body)
                if notice is not None:
                    upload_id, attempt = parse_inference_id(notice.inference_id)
                    with telemetry.following(upload_id, "sagemaker notice", notice.request_parameters.custom_attributes):
                        ending = await self._ending(notice, upload_id, attempt)
                        record = codec.record(ending, SOURCE, traceparent=telemetry.traceparent())
                    known = records.get((upload_id, attempt))
                    if known is None or known.topic != INFERENCE_COMPLETED.name:  # of two calls, the one with an answer
                        records[upload_id, attempt] = record
                    metrics.NOTICES.labels(notice.invocation_status.lower()).inc()
                done.append(message)
            except (ValueError, RecursionError) as error:
                metrics.NOTICES.labels("unreadable").inc()
                log.error("left in SQS, since it is no notice of ours: %s", error, extra={"body": message.body[:500]})
        if records:
            await self._publisher.publish(list(records.values()))
            upload_ids, attempts = zip(*records, strict=True)
            await self._database.rows("finish_invocations", upload_ids=list(upload_ids), attempts=list(attempts))
        return done

    async def _ending(self, notice: Notice, upload_id: UUID, attempt: int) -> Event:
        where = notice.response_parameters
        match notice.invocation_status:
            case "Completed" if where.output_location:
                return endings.completed(upload_id, attempt, where.output_location)
            case "Failed":
                return await endings.failed(self._storage, upload_id, attempt, where.failure_location, notice.failure_reason)
            case "Expired":
                return endings.expired(upload_id, attempt)
            case other:
                raise ValueError(f"invocationStatus is {other!r}: expected Completed with an output location, Failed or Expired")


async def work(running: Process) -> None:
    """Relay notices until told to stop, waiting for servers that are away."""
    configuration = running.settings
    notices = Notices(
        SqsQueue(configuration.notices.queue_name),
        KafkaPublisher(configuration.kafka_bootstrap_servers),
        Database(configuration.database_url),
        S3Storage(),
    )
    running.readiness.started = True

    async def read_on() -> None:
        while not running.stopping.is_set():
            await notices.relay(running.readiness, WAIT_SECONDS)

    readers = [asyncio.create_task(read_on()) for _ in range(READERS)]
    stopping = asyncio.create_task(running.stopping.wait())
    finished, _ = await asyncio.wait({*readers, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in finished - {stopping}:
        task.result()
    # A reader that waits for SQS has nothing in hand; one that has is cut off, and its messages come again.
    await running.readiness.insist(notices.delete)


if __name__ == "__main__":
    process.run("producers.sagemaker-notices", work)
