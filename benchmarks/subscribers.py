"""5,000 live subscribers on one API process: how late an event is, for one account and for all, and what coming and going leaves behind.

The streams are real connections over HTTP, held by a process of their own. Events are put on the status topic; the time of each runs from
just before that until its bytes are read, so Kafka, the API and the reader are all in it. An hour's worth of coming and going is every
subscriber once in ten minutes, as the API itself ends streams, in as little time as it takes.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.percentiles import percentile
from benchmarks.stand import OURS, Caller, Stand
from benchmarks.upload_memory import MIB, resident
from runtime.identifiers import uuid7
from runtime.kafka import KafkaPublisher
from schemas import codec
from schemas.events import UploadStatusChanged
from schemas.status import Status

ACCOUNTS = 500
STREAMS_AN_ACCOUNT = 10
STREAMS = ACCOUNTS * STREAMS_AN_ACCOUNT
RECONNECTS = 6 * STREAMS
TARGETED = 300
BROADCASTS = 5
TARGET_TARGETED_MILLISECONDS = 20.0
TARGET_BROADCAST_MILLISECONDS = 300.0
#: No growth, but for what an allocator keeps for itself: half a KiB for each stream that was opened and closed.
TARGET_GROWTH_MIB = 16.0
_TARGETED_PAUSE_SECONDS = 0.02
_PATIENCE_SECONDS = 60.0
#: A few for everything else that a process has open.
_DESCRIPTORS = STREAMS + 500


async def measure() -> dict[str, Any]:
    """The figures, with `passed`: whether all three targets were reached and every event came to every stream once."""
    _raise_descriptors()
    async with AsyncExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="valence-bench-"))
        only_api = tuple(process for process in OURS if process.name == "api")
        stand = await opened.enter_async_context(Stand(Path(folder), workers=1, rows=only_api))
        pid = next(status.pid for status in stand.supervisor.status() if status.name == "api")
        assert pid is not None
        callers = [await stand.caller(f"subscribers-{number}") for number in range(ACCOUNTS)]
        readers = await opened.enter_async_context(_readers(stand.address("api"), callers))
        publisher = KafkaPublisher(stand.settings.kafka_bootstrap_servers)
        accounts = [UUID(caller.account_id) for caller in callers]

        before = resident(pid)
        started = time.monotonic()
        await readers.ask("open")
        opening = time.monotonic() - started
        await _deliver(publisher, readers, [[accounts[0]]])  # not measured: connections, imports
        targeted = await _deliver(publisher, readers, [[accounts[number % ACCOUNTS]] for number in range(TARGETED)])
        broadcast = await _deliver(publisher, readers, [accounts] * BROADCASTS)

        await readers.ask(f"reopen {STREAMS}")  # the first round fills what the allocator then uses again
        settled = resident(pid)
        started = time.monotonic()
        await readers.ask(f"reopen {RECONNECTS}")
        churning = time.monotonic() - started
        grown = (resident(pid) - settled) / MIB
        again = await _deliver(publisher, readers, [accounts])
        await publisher.close()
    p99, p99_all = percentile(targeted, 99), percentile(broadcast, 99)
    complete = len(targeted) == TARGETED * STREAMS_AN_ACCOUNT and len(broadcast) == BROADCASTS * STREAMS and len(again) == STREAMS
    return {
        "streams": STREAMS,
        "opened_a_second": round(STREAMS / opening),
        "targeted_milliseconds": {
            "p50": round(percentile(targeted, 50), 1),
            "p99": round(p99, 1),
            "target_p99": TARGET_TARGETED_MILLISECONDS,
        },
        "broadcast_milliseconds": {
            "p50": round(percentile(broadcast, 50), 1),
            "p99": round(p99_all, 1),
            "target_p99": TARGET_BROADCAST_MILLISECONDS,
        },
        "reconnects": RECONNECTS,
        "reconnects_a_second": round(RECONNECTS / churning),
        "resident_mib": {"before": round(before / MIB, 1), "with_all_streams": round(settled / MIB, 1)},
        "grown_by_reconnects_mib": round(grown, 1),
        "target_growth_mib": TARGET_GROWTH_MIB,
        "every_event_once": complete,
        "passed": complete and p99 < TARGET_TARGETED_MILLISECONDS and p99_all < TARGET_BROADCAST_MILLISECONDS and grown < TARGET_GROWTH_MIB,
    }


class _Readers:
    """The process that holds the streams."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def ask(self, command: str) -> Any:
        """Have a command done; RuntimeError if the process has ended over it."""
        assert self._process.stdout is not None
        await self.tell(command)
        answer = await self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process that holds the streams has ended at {command!r}: its last lines say why")
        return json.loads(answer)


@asynccontextmanager
async def _readers(address: str, callers: Iterable[Caller]) -> AsyncIterator[_Readers]:
    arguments = (sys.executable, "-m", "benchmarks.many_streams")
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*arguments, limit=64 * MIB, **pipes)  # type: ignore[arg-type]  # the pipes are keywords
    try:
        readers = _Readers(process)
        keys = [caller.key for caller in callers]
        await readers.tell(json.dumps({"address": address, "keys": keys, "streams_a_key": STREAMS_AN_ACCOUNT}))
        yield readers
    finally:
        process.kill()
        await process.wait()


async def _deliver(publisher: KafkaPublisher, readers: _Readers, rounds: list[list[UUID]]) -> list[float]:
    """Send each round's accounts an event, and wait for what is on its way; returns how late each came, in milliseconds."""
    late: list[float] = []
    for accounts in rounds:
        now = datetime.now(UTC)
        await publisher.publish([codec.record(_ended(account, now), "/benchmarks") for account in accounts])
        await asyncio.sleep(_TARGETED_PAUSE_SECONDS)
        if len(accounts) > 1:
            late += await _arrived(readers, len(accounts) * STREAMS_AN_ACCOUNT)
    wanted = sum(len(accounts) for accounts in rounds) * STREAMS_AN_ACCOUNT
    return late + await _arrived(readers, wanted - len(late))


async def _arrived(readers: _Readers, wanted: int) -> list[float]:
    """What has come once as many as are wanted have, or nothing more comes."""
    late: list[float] = []
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(late) < wanted and time.monotonic() < deadline:
        late += await readers.ask(f"take {wanted - len(late)}")
    return late


def _ended(account_id: UUID, occurred_at: datetime) -> UploadStatusChanged:
    """A status after which a stream has nothing in work."""
    return UploadStatusChanged(
        upload_id=uuid7(), attempt=1, account_id=account_id, sequence=1, status=Status.COMPLETED, occurred_at=occurred_at
    )


def _raise_descriptors() -> None:
    """A connection is a file descriptor at either end; the processes that are started inherit the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _DESCRIPTORS:
        raise SystemExit(
            f"a process may open {hard} files here, and {STREAMS} streams need {_DESCRIPTORS}: raise the hard limit (ulimit -Hn)"
        )
    if soft != resource.RLIM_INFINITY and soft < _DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, hard))
