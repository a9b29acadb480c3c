"""The engine under a stage: Faust, used in the one way that loses nothing. The only module that knows Faust.

`noack()`, raw bytes, a bounded number of records in flight, acknowledgements strictly in offset order, and a process that ends without
acknowledging when something unexpected happens. docs/decisions/0002-one-safe-stage.md says what was measured.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import tempfile
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import faust
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from faust.tables import TableManager
from mode.supervisors import CrashingSupervisor

from runtime import broker, metrics
from runtime.errors import DependencyUnavailable
from runtime.process import GRACE_SECONDS, Process, leave_after
from runtime.settings import Kafka
from schemas.codec import Record
from stream_processors import lenient_headers
from stream_processors.stage import Runner, Stage

log = logging.getLogger(__name__)
log.setLevel(logging.WARNING)  # under this name Faust tells of each service of ours that it begins and ends, with its inner names

#: How long a new process only works, before it also tells how far behind its group is.
_LAG_AFTER_SECONDS = 5.0


class _App(faust.App):
    """Faust waits without a limit for what is in flight when partitions are taken away, and the whole group waits for it."""

    async def _on_partitions_revoked(self, revoked: set[Any]) -> None:
        leaving = leave_after(GRACE_SECONDS)
        try:
            await super()._on_partitions_revoked(revoked)
        finally:
            leaving.cancel()


class _NoTables(TableManager):
    """Faust gives tables a second to be registered before it joins the group. There are none, and each killed worker's partitions would
    stand still that much longer."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


class _InFlight:
    """A record that is being worked on; `done` when it may be acknowledged."""

    def __init__(self, event: Any) -> None:
        self.event = event
        self.done = False


class Engine:
    """Runs one stage on one Faust app."""

    def __init__(self, stage: Stage, process: Process) -> None:
        self._stage = stage
        self._process = process
        self._app = _app(stage, process)
        self._runner = Runner(stage, process.settings.stage, self._send, process.readiness)
        self._slots = asyncio.Semaphore(process.settings.stage.in_flight)
        self._order: defaultdict[Any, deque[_InFlight]] = defaultdict(deque)
        self._topic = self._app.topic(stage.topic.name, key_type=bytes, value_type=bytes)
        self._app.agent(self._topic, name=stage.name, supervisor_strategy=CrashingSupervisor)(self._agent)

    async def run(self) -> None:
        """Work until the process is told to stop; returns when everything in flight is acknowledged."""
        await self._app.start()
        self._process.readiness.started = True
        group = f"stream-processors.{self._stage.name}"
        reporting = asyncio.create_task(_report_lag(self._process.settings.kafka_bootstrap_servers, group, self._stage.topic.name))
        stopped = asyncio.create_task(self._app.wait_until_stopped())
        asked = asyncio.create_task(self._process.stopping.wait())
        await asyncio.wait({stopped, asked, reporting}, return_when=asyncio.FIRST_COMPLETED)
        for task in (stopped, reporting):
            if task.done():
                task.result()
        if not asked.done():
            _leave("Faust stopped by itself", self._app.crash_reason)
        await self._app.stop()

    async def _agent(self, stream: Any) -> AsyncIterator[None]:
        unacknowledged = stream.noack()
        tasks: set[asyncio.Task[None]] = set()
        async for event in unacknowledged.events():
            await self._slots.acquire()
            record = _InFlight(event)
            self._order[event.message.tp].append(record)
            task = asyncio.create_task(self._work(unacknowledged, record))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        yield None  # never reached while the stream lives: Faust takes an agent for an iterator only if it yields

    async def _work(self, stream: Any, record: _InFlight) -> None:
        metrics.STAGE_IN_FLIGHT.labels(self._stage.name).inc()
        try:
            await self._runner.process(_received(record.event.message))
            record.done = True
            order = self._order[record.event.message.tp]
            while order and order[0].done:  # only the contiguous finished prefix: an acknowledgement commits all that is before it
                await stream.ack(order.popleft().event)
        except Exception as error:
            _leave("a record could not be dealt with", error)
        finally:
            metrics.STAGE_IN_FLIGHT.labels(self._stage.name).dec()
            self._slots.release()

    async def _send(self, record: Record) -> None:
        try:
            producer = await self._app.maybe_start_producer()
            # Not by a Faust topic, which would be made anew and serialise what is bytes already. Who sends waits for the acknowledgement.
            await (await producer.send(record.topic, record.key, record.value, None, None, record.headers))
        except MessageSizeTooLargeError:
            raise  # waiting would make it no smaller
        except ProducerSendError as error:  # Faust's own wrapping of what is raised before the record is on its way
            if isinstance(error.__cause__, MessageSizeTooLargeError):
                raise
            raise DependencyUnavailable("kafka", error) from error
        except (KafkaError, TimeoutError) as error:
            raise DependencyUnavailable("kafka", error) from error


async def _report_lag(servers: str, group: str, topic: str) -> None:
    """Tell how far behind the group is, for ever; what that needs is imported when the work is under way, for which videos may wait."""
    await asyncio.sleep(_LAG_AFTER_SECONDS)
    lag = await asyncio.to_thread(importlib.import_module, "runtime.lag")
    await lag.report_lag(servers, group, (topic,))


def _leave(why: str, error: BaseException | None) -> None:
    log.critical("%s: leaving without acknowledging it, so that it comes again", why, exc_info=error)
    os._exit(1)


def _received(message: Any) -> broker.Received:
    headers = message.headers or ()
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    return broker.Received(
        message.topic, message.partition, message.offset, message.key, message.value, pairs, int(message.timestamp * 1_000)
    )


def _credentials(security: Kafka) -> faust.SASLCredentials | faust.SSLCredentials | None:
    context = security.context()
    if security.is_sasl:
        mechanism, name, password = security.sasl_mechanism, security.sasl_username, security.sasl_password
        return faust.SASLCredentials(mechanism=mechanism, username=name, password=password, ssl_context=context)
    return faust.SSLCredentials(context) if context else None


def _app(stage: Stage, process: Process) -> Any:
    lenient_headers.install()
    group = f"stream-processors.{stage.name}"
    scratch = Path(tempfile.mkdtemp(prefix="valence-faust-"))
    with suppress(OSError):
        scratch.rmdir()  # Faust wants a parent that exists and makes the folder itself, if it ever needs it
    return _App(
        group,
        broker=";".join(f"kafka://{server}" for server in process.settings.kafka_bootstrap_servers.split(",")),
        broker_credentials=_credentials(process.settings.kafka),
        datadir=str(scratch),
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        TableManager=_NoTables,
        store="memory://",
        agent_supervisor=CrashingSupervisor,
        stream_wait_empty=True,
        stream_buffer_maxsize=512,
        broker_max_poll_records=500,
        broker_max_poll_interval=86_400.0,
        broker_commit_interval=0.5,
        broker_commit_every=1_000,
        broker_session_timeout=broker.SESSION_MILLISECONDS / 1_000,
        broker_heartbeat_interval=2.0,
        broker_request_timeout=60.0,
        broker_rebalance_timeout=60.0,
        consumer_group_instance_id=f"{group}-{process.settings.worker.slot}",
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_max_request_size=broker.MOST_REQUEST_BYTES,
        producer_linger=0.002,
        producer_request_timeout=30.0,
        key_serializer="raw",
        value_serializer="raw",
        processing_guarantee="at_least_once",
        web_enabled=False,
    )
