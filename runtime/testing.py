"""In-memory twins of S3, SQS, the endpoint and Kafka, for tests of whatever works with them.

They and the real servers pass the same suite, `tests/conformance`. Each has `away`: while it is true every call raises
DependencyUnavailable, as it would of a server that does not answer.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

from runtime.errors import DependencyUnavailable, InvalidInvocation, ObjectInTheWay, ObjectMissing, ObjectReplaced, PermanentError
from runtime.inference import Locations
from runtime.kafka import Received
from runtime.parts import MultipartGone, Part, PartsRefused
from runtime.queue import BATCH, Message
from runtime.storage import InPlaceOf, ObjectInfo
from schemas.codec import Record


class _Twin:
    name: str
    away = False

    def _here(self) -> None:
        if self.away:
            raise DependencyUnavailable(self.name, "a test says that it is away")


class StoredObject(NamedTuple):
    """An object's bytes, its content type and its ETag: the MD5 of the bytes, as S3 has it for objects written whole."""

    body: bytes
    content_type: str
    etag: str


class MemoryStorage(_Twin):
    """ObjectStorage in a dictionary, `objects`, by bucket and key. Every bucket exists."""

    name = "s3"

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], StoredObject] = {}

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        return self._info(bucket, key)

    async def open(self, bucket: str, key: str, most: int) -> tuple[ObjectInfo, bytes]:
        return self._info(bucket, key), self.objects[bucket, key].body[:most]

    def read_range(self, bucket: str, key: str, etag: str, offset: int, length: int) -> bytes:
        if self._info(bucket, key).etag != etag:
            raise ObjectReplaced(f"s3://{bucket}/{key} was replaced after it was validated: upload it again")
        return self.objects[bucket, key].body[offset : offset + length]

    async def get(self, bucket: str, key: str, most: int) -> bytes:
        if (size := self._info(bucket, key).bytes) > most:
            raise PermanentError(f"s3://{bucket}/{key} has {size} bytes: at most {most} were expected")
        return self.objects[bucket, key].body

    async def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        self._here()
        self.objects[bucket, key] = StoredObject(body, content_type, hashlib.md5(body, usedforsecurity=False).hexdigest())

    async def delete(self, bucket: str, key: str) -> None:
        self._here()
        self.objects.pop((bucket, key), None)

    async def list(self, bucket: str, prefix: str) -> AsyncIterator[ObjectInfo]:
        self._here()
        for owner, key in sorted(self.objects):
            if owner == bucket and key.startswith(prefix):
                yield self._info(bucket, key)

    def _info(self, bucket: str, key: str) -> ObjectInfo:
        self._here()
        if (found := self.objects.get((bucket, key))) is None:
            raise ObjectMissing(f"there is no object s3://{bucket}/{key}")
        return ObjectInfo(key, len(found.body), found.etag)


class MemoryQueue(_Twin):
    """Queue in a dictionary: a message that was received comes again after `visibility_seconds` unless it is deleted."""

    name = "sqs"

    def __init__(self, visibility_seconds: float = 30.0) -> None:
        self._visibility_seconds = visibility_seconds
        self._bodies: dict[str, str] = {}
        self._hidden_until: dict[str, float] = defaultdict(float)
        self._sent = asyncio.Event()

    async def receive(self, wait_seconds: int) -> list[Message]:
        self._here()
        clock = asyncio.get_running_loop().time
        deadline = clock() + wait_seconds
        while not (visible := [receipt for receipt in self._bodies if self._hidden_until[receipt] <= clock()]):
            changes = min([deadline, *(self._hidden_until[receipt] for receipt in self._bodies)])
            if clock() >= deadline:
                return []
            self._sent.clear()
            try:
                await asyncio.wait_for(self._sent.wait(), max(0.0, changes - clock()))
            except TimeoutError:
                pass  # a hidden message may be visible again, or the wait is over
        for receipt in visible[:BATCH]:
            self._hidden_until[receipt] = clock() + self._visibility_seconds
        return [Message(self._bodies[receipt], receipt) for receipt in visible[:BATCH]]

    async def delete(self, messages: Sequence[Message]) -> None:
        self._here()
        for message in messages:
            self._bodies.pop(message.receipt, None)

    async def send(self, *bodies: str) -> None:
        self._here()
        self._bodies.update({str(uuid4()): body for body in bodies})
        self._sent.set()

    @property
    def bodies(self) -> list[str]:
        """The messages that nobody has deleted."""
        return list(self._bodies.values())


class MemoryEndpoint(_Twin):
    """InferenceEndpoint that accepts everything and answers nothing; `invocations` holds (input location, inference id)."""

    name = "sagemaker"

    def __init__(self) -> None:
        self.invocations: list[tuple[str, str]] = []

    async def invoke(self, input_location: str, inference_id: str) -> Locations:
        self._here()
        if not 1 <= len(inference_id) <= 64:
            raise InvalidInvocation(f"inference id {inference_id!r} has {len(inference_id)} characters: from 1 to 64 are accepted")
        if not input_location.startswith(("s3://", "https://")):
            raise InvalidInvocation(f"input location {input_location!r} is not an s3 or https address")
        self.invocations.append((input_location, inference_id))
        id = uuid4()
        return Locations(f"s3://memory/inference/output/{id}.out", f"s3://memory/inference/failure/{id}-error.out")


class MemoryBroker(_Twin):
    """Publisher that keeps the records in `topics`, one partition each."""

    name = "kafka"

    def __init__(self) -> None:
        self.topics: defaultdict[str, list[Record]] = defaultdict(list)
        self.committed: defaultdict[tuple[str, str], int] = defaultdict(int)

    async def publish(self, records: Sequence[Record]) -> None:
        self._here()
        for record in records:
            self.topics[record.topic].append(record)

    def subscription(self, group: str, topics: Iterable[str]) -> MemorySubscription:
        """A member of a consumer group, the only one, which begins behind what the group has committed."""
        return MemorySubscription(self, group, topics)


class MemorySubscription:
    """What a KafkaSubscription does, over a MemoryBroker's topics; it waits for nothing."""

    def __init__(self, broker: MemoryBroker, group: str, topics: Iterable[str]) -> None:
        self.group = group
        self._broker = broker
        self._next = {topic: broker.committed[group, topic] for topic in topics}

    async def poll(self, most: int, wait_milliseconds: int) -> list[Received]:
        """Up to `most` records that this member has not seen yet."""
        self._broker._here()
        found: list[Received] = []
        for topic, offset in self._next.items():
            for record in self._broker.topics[topic][offset : offset + most - len(found)]:
                found.append(Received(topic, 0, self._next[topic], record.key, record.value, record.headers, 0))
                self._next[topic] += 1
        return found

    async def commit(self, records: Sequence[Received]) -> None:
        """Say that these records, and all before them, are done."""
        self._broker._here()
        for record in records:
            place = self.group, record.topic
            self._broker.committed[place] = max(self._broker.committed[place], record.offset + 1)

    async def close(self) -> None:
        """Leave; records that were not committed come again to the next subscription of the group."""


class MemoryParts(_Twin):
    """ObjectParts over a MemoryStorage's objects; `begun` holds the parts of each multipart upload, by bucket, key and id."""

    name = "s3"
    _SMALLEST = 5 * 1024**2

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage
        self.begun: dict[tuple[str, str, str], dict[int, tuple[Part, bytes]]] = {}

    async def begin(self, bucket: str, key: str, content_type: str) -> str:
        self._here()
        multipart_id = str(uuid4())
        self.begun[bucket, key, multipart_id] = {}
        return multipart_id

    async def put(self, bucket: str, key: str, multipart_id: str, number: int, body: bytes | bytearray) -> str:
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self._parts(bucket, key, multipart_id)[number] = Part(number, len(body), etag, datetime.now(UTC)), bytes(body)
        return etag

    async def stored(self, bucket: str, key: str, multipart_id: str) -> list[Part]:
        return [part for _, (part, _) in sorted(self._parts(bucket, key, multipart_id).items())]

    async def complete(self, bucket: str, key: str, multipart_id: str, parts: Sequence[Part], place: InPlaceOf | None = None) -> ObjectInfo:
        kept = self._parts(bucket, key, multipart_id)
        bodies = []
        for part in parts:
            stored, body = kept.get(part.number, (None, b""))
            if stored is None or stored.etag != part.etag or (part is not parts[-1] and len(body) < self._SMALLEST):
                raise PartsRefused(f"part {part.number} of s3://{bucket}/{key} is not there, is another one, or is too small")
            bodies.append(body)
        there = self._storage.objects.get((bucket, key))
        if place is not None and place.etag != (there.etag if there else None):
            raise ObjectInTheWay(f"another object lies at s3://{bucket}/{key}")
        await self._storage.put(bucket, key, b"".join(bodies), "application/octet-stream")
        del self.begun[bucket, key, multipart_id]
        return await self._storage.head(bucket, key)

    async def abort(self, bucket: str, key: str, multipart_id: str) -> None:
        self._here()
        self.begun.pop((bucket, key, multipart_id), None)

    async def unfinished(self, bucket: str, key: str) -> list[str]:
        self._here()
        return [multipart_id for *place, multipart_id in self.begun if place == [bucket, key]]

    def _parts(self, bucket: str, key: str, multipart_id: str) -> dict[int, tuple[Part, bytes]]:
        self._here()
        if (found := self.begun.get((bucket, key, multipart_id))) is None:
            raise MultipartGone(f"S3 has no multipart upload {multipart_id!r} of s3://{bucket}/{key}")
        return found
