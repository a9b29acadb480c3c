"""Kafka by kafka-python: publish records and know that the broker has them; read records and say which are done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RebalanceInProgressError,
)
from kafka.net.compat import KafkaNetClient
from kafka.structs import OffsetAndMetadata

from runtime.broker import MOST_REQUEST_BYTES, SESSION_MILLISECONDS
from runtime.broker import Received as Received  # whoever subscribes takes it from here too
from runtime.errors import DependencyUnavailable, PermanentError
from runtime.settings import Kafka, section
from schemas.codec import Record

T = TypeVar("T")

log = logging.getLogger(__name__)

#: How long the broker may take to acknowledge a record before it counts as away.
ACK_SECONDS = 30
#: Kafka would call a consumer dead that has not polled for so long; ours may wait longer for a server, and stays alive.
_DAY_MILLISECONDS = 86_400_000
#: How long a poll may take longer than it was given, to finish a rebalance.
_JOIN_MILLISECONDS = 1_000
#: A broker that hangs keeps its connections: without an answer for so long it counts as away.
_ANSWER_MILLISECONDS = 10_000
#: How long to look for a broker before it counts as away.
BOOTSTRAP_MILLISECONDS = 5_000


def connection(bootstrap_servers: str) -> dict[str, Any]:
    """What every client of kafka-python is opened with: where the broker is, and how it is spoken to by `KAFKA_*`."""
    security = section("kafka", Kafka)
    return {
        "bootstrap_servers": bootstrap_servers,
        "bootstrap_timeout_ms": BOOTSTRAP_MILLISECONDS,
        "security_protocol": security.security_protocol,
        "ssl_context": security.context(),
        "sasl_mechanism": security.sasl_mechanism if security.is_sasl else None,
        "sasl_plain_username": security.sasl_username or None,
        "sasl_plain_password": security.sasl_password or None,
    }


class Publisher(Protocol):
    """Sends records."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when the broker has acknowledged every record; DependencyUnavailable if it has not."""


class _OneThread:
    """kafka-python's clients block, and its consumer must stay with one thread."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


class KafkaPublisher:
    """Publisher on a real broker: idempotent, acknowledged by all replicas."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._thread = _OneThread("kafka-publisher")
        self._producer: KafkaProducer | None = None

    async def publish(self, records: Sequence[Record]) -> None:
        await self._thread.run(lambda: self._publish(records))

    def _publish(self, records: Sequence[Record]) -> None:
        try:
            if self._producer is None:
                self._producer = _opened(self._connected)
            producer = self._producer
            sent = [producer.send(record.topic, key=record.key, value=record.value, headers=record.headers) for record in records]
            for future in sent:  # flush() alone hides failures
                future.get(timeout=ACK_SECONDS)
        except MessageSizeTooLargeError as error:
            raise PermanentError(f"the broker takes no record this large: {error}") from error
        except KafkaError as error:
            self._drop()  # an idempotent producer that has failed once may refuse everything after
            raise DependencyUnavailable("kafka", error) from error

    def _connected(self, client: Callable[..., KafkaNetClient]) -> KafkaProducer:
        return KafkaProducer(
            **connection(self._servers),
            kafka_client=client,
            linger_ms=1,
            batch_size=131_072,
            max_request_size=MOST_REQUEST_BYTES,
            delivery_timeout_ms=ACK_SECONDS * 1_000,
            request_timeout_ms=_ANSWER_MILLISECONDS,
            max_block_ms=10_000,
        )

    def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=0)
        except KafkaTimeoutError:  # kafka-python 3.0.12 stops at what is under way, and its thread would go on with it
            producer._sender.force_close()

    async def close(self) -> None:
        """Let go of the connection; nothing is pending, since publish waits for every record."""
        await self._thread.run(self._drop)


class KafkaSubscription:
    """Reads topics as a member of a consumer group, and commits only what it is told is done.

    `slot` makes the member's name stable, so that a restarted process takes its partitions back at once.
    """

    def __init__(self, bootstrap_servers: str, group: str, topics: Iterable[str], slot: int) -> None:
        self.group = group
        self._thread = _OneThread(f"kafka-{group}")
        self._topics = tuple(topics)
        self._configuration: dict[str, Any] = {
            **connection(bootstrap_servers),
            "group_id": group,
            "group_instance_id": f"{group}-{slot}",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "session_timeout_ms": SESSION_MILLISECONDS,
            "heartbeat_interval_ms": 2_000,
            "max_poll_interval_ms": _DAY_MILLISECONDS,
            "fetch_max_wait_ms": 500,
            "request_timeout_ms": _ANSWER_MILLISECONDS,
        }
        self._consumer: KafkaConsumer | None = None

    async def poll(self, most: int, wait_milliseconds: int) -> list[Received]:
        """Up to `most` records, as soon as there is one, none after `wait_milliseconds`."""
        return await self._thread.run(lambda: self._poll(most, wait_milliseconds))

    async def commit(self, records: Sequence[Received]) -> None:
        """Say that these records, and all before them in their partitions, are done. Where the group has meanwhile given the partitions
        away, nothing is said, and the records come again."""
        await self._thread.run(lambda: self._commit(records))

    async def close(self) -> None:
        """Leave; records that were not committed come again."""
        await self._thread.run(lambda: self._consumer.close(autocommit=False) if self._consumer else None)

    def _poll(self, most: int, wait_milliseconds: int) -> list[Received]:
        try:
            if self._consumer is None:
                self._consumer = open_consumer(*self._topics, **self._configuration)
            batches = self._consumer.poll(timeout_ms=wait_milliseconds, max_records=most)
            if not batches:
                _insist_on_a_broker(self._consumer)
                _insist_on_joining(self._consumer)
        except FencedInstanceIdError:
            raise  # another process has this slot: one of the two must end, and it is the older one
        except KafkaError as error:
            raise DependencyUnavailable("kafka", error) from error
        return [received(record) for batch in batches.values() for record in batch]

    def _commit(self, records: Sequence[Received]) -> None:
        if self._consumer is None or not records:
            return
        done: dict[TopicPartition, int] = {}
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            done[partition] = max(done.get(partition, 0), record.offset + 1)
        try:
            self._consumer.commit({partition: OffsetAndMetadata(offset, "", -1) for partition, offset in done.items()})
        except FencedInstanceIdError:
            raise
        except (CommitFailedError, RebalanceInProgressError) as error:
            # The group has gone on without us, and asking again would change nothing: the next poll joins it anew.
            log.warning("not committed, so it comes again: %s", error)
        except KafkaError as error:
            raise DependencyUnavailable("kafka", error) from error


class KafkaWatch:
    """A connection that is there to see whether a broker is."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._thread = _OneThread("kafka-watch")
        self._admin: KafkaAdminClient | None = None

    async def ask(self) -> None:
        """Return when a broker has answered; DependencyUnavailable where none does."""
        await self._thread.run(self._ask)

    def _ask(self) -> None:
        try:
            if self._admin is None:
                self._admin = _opened(self._connected)
            self._admin.describe_cluster()
        except KafkaError as error:
            failed, self._admin = self._admin, None  # connect anew
            if failed is not None:
                failed.close()
            raise DependencyUnavailable("kafka", error) from error

    def _connected(self, client: Callable[..., KafkaNetClient]) -> KafkaAdminClient:
        return KafkaAdminClient(**connection(self._servers), kafka_client=client, request_timeout_ms=_ANSWER_MILLISECONDS)


def _insist_on_a_broker(consumer: KafkaConsumer) -> None:
    """KafkaConnectionError where no broker is connected: a poll does not tell that from a topic on which nothing comes."""
    client = consumer._client
    if not any(client.connected(broker.node_id) for broker in client.cluster.brokers()):
        raise KafkaConnectionError("no broker is connected")


def _insist_on_joining(consumer: KafkaConsumer) -> None:
    """Finish a rebalance in the middle of which the wait of a poll has ended.

    kafka-python 3.0.12 drops what comes of it between two polls, and forgets it altogether where it had begun it itself, having learned of
    partitions, as at each start: such a consumer would read nothing and send no heartbeat until the topics change.
    """
    coordinator = consumer._coordinator
    if coordinator.rejoining:
        coordinator.request_rejoin()
        coordinator.ensure_active_group(timeout_ms=_JOIN_MILLISECONDS)


def open_consumer(*topics: str, **configuration: Any) -> KafkaConsumer:
    """A KafkaConsumer; KafkaError where there is no broker."""
    return _opened(lambda client: KafkaConsumer(*topics, kafka_client=client, **configuration))


def _opened(make: Callable[[Callable[..., KafkaNetClient]], T]) -> T:
    """A client of kafka-python. Made plainly, each that finds no broker would leave sockets and a thread that goes on trying."""
    begun: list[KafkaNetClient] = []

    def client(**given: Any) -> KafkaNetClient:
        begun.append(KafkaNetClient(**given))
        return begun[-1]

    try:
        return make(client)
    except KafkaError:
        for one in begun:
            one.close()
        raise


def received(record: Any) -> Received:
    """kafka-python's record as ours."""
    headers = [(name, value) for name, value in record.headers]
    return Received(record.topic, record.partition, record.offset, record.key, record.value, headers, record.timestamp)
