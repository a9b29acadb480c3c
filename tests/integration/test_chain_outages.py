"""The whole chain as processes: servers go away and come back, processes are killed, strangers send nonsense, and every video ends."""

from __future__ import annotations

import asyncio
import gc
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from kafka import KafkaProducer

from api import accounts
from local.background import running_stack
from local.control import Control
from local.preparation import prepare
from local.processes import PROCESSES
from local.sagemaker.faults import Fault
from local.servers import SERVERS
from local.stack import Stack
from runtime import settings as configuration
from runtime.database import Database
from runtime.kafka import KafkaPublisher
from runtime.process import GRACE_SECONDS
from runtime.storage import S3Storage
from schemas import codec
from schemas.codec import MAX_EVENT_BYTES, Record
from tests.chain import SOURCE, select
from tests.command_line import valence
from tests.media_samples import clip
from tests.running_chain import KEY, VIDEOS, Chain
from tests.waiting import until

#: Every process of ours but the model's container and what stands in for SageMaker before it.
WITH_KAFKA = tuple(
    f"{process.name}-0" if process.stage else process.name for process in PROCESSES if process.name not in ("model", "sagemaker")
)
DOCUMENT = Path(__file__).parents[2] / "docs" / "bulk-ingestion.md"
#: kafka-python leaves the sockets of refused connections to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Every server and process, with an endpoint that answers at once and a reconciler that looks soon."""
    quick = {
        "VALENCE_SAGEMAKER_ANSWER": "instant",
        "VALENCE_INFERENCE_CHECK_AFTER_SECONDS": "1",
        "VALENCE_WEBHOOKS_ALLOW_LOOPBACK": "true",
    }
    before = dict(os.environ)
    with running_stack(Stack(tmp_path_factory.mktemp("stack"), prepare=prepare, settings=quick)) as running:
        os.environ.update(running.environment())
        yield running
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
async def chain(stack: Stack) -> AsyncIterator[Chain]:
    settings = configuration.load(stack.environment())
    database, publisher, account_id = Database(settings.database_url), KafkaPublisher(settings.kafka_bootstrap_servers), uuid4()
    await database.rows("insert_account", id=account_id, name=f"test-{account_id}")
    await S3Storage().put(settings.storage.bucket, KEY, clip(seconds=0.4), "video/mp4")
    await asyncio.to_thread(Control(stack.data).wait)
    yield Chain(stack, settings, database, publisher, account_id)
    await publisher.close()
    await database.close()
    gc.collect()  # what kafka-python leaves behind is this module's affair


@pytest.mark.parametrize(
    ("servers", "waiting"),
    [
        (["storage"], {"validate-0": "s3"}),
        (["sagemaker"], {"invoke-0": "sagemaker"}),
        (
            ["postgres", "queue"],
            {
                **dict.fromkeys(("outbox-relay", "validate-0", "reconciler", "webhooks", "api"), "postgresql"),
                "sagemaker-notices": "sqs",
            },
        ),
        (["kafka"], dict.fromkeys(WITH_KAFKA, "kafka")),
    ],
    ids="+".join,
)
async def test_servers_that_hang_are_waited_for_by_name_and_then_every_video_completes(
    chain: Chain, servers: list[str], waiting: dict[str, str]
) -> None:
    await chain.ended(await chain.submit(3))
    uploads = await chain.submit(VIDEOS if "kafka" in servers else 0)
    async with chain.hanging(*servers):
        if "kafka" not in servers:
            uploads = await chain.submit()
        await asyncio.gather(*(chain.says_it_waits(process, dependency) for process, dependency in waiting.items()))
    await chain.ended(uploads)
    assert await chain.dead_letters(uploads) == []


@pytest.mark.parametrize("server", SERVERS)
async def test_a_server_that_is_killed_with_videos_in_flight_costs_none_of_them(chain: Chain, server: str) -> None:
    uploads = await chain.submit()
    chain.signal(server, "SIGKILL")
    if waiting := {"postgres": ("outbox-relay", "postgresql"), "kafka": ("status-projector", "kafka")}.get(server):
        await chain.says_it_waits(*waiting)
    await chain.ended(uploads)
    assert await chain.dead_letters(uploads) == []
    await chain.is_told_to_everybody()


async def test_a_stage_that_is_told_to_stop_while_a_server_is_away_leaves_in_time_and_its_events_come_again(chain: Chain) -> None:
    async with chain.hanging("sagemaker"):
        uploads = await chain.submit()
        await chain.says_it_waits("invoke-0", "sagemaker")
        before = chain.pid("invoke-0")
        chain.signal("invoke-0", "SIGTERM")
        await until(lambda: chain.pid("invoke-0"), "another invoke", holds=lambda pid: pid not in (None, before), seconds=GRACE_SECONDS + 5)
    await chain.ended(uploads)
    assert await chain.dead_letters(uploads) == []


@pytest.mark.parametrize("process", ["outbox-relay", "sagemaker-notices", "status-projector", "validate-0"])
async def test_a_process_that_is_killed_with_videos_in_flight_costs_none_of_them(chain: Chain, process: str) -> None:
    uploads = await chain.submit()
    chain.signal(process, "SIGKILL")
    await chain.ended(uploads)
    assert await chain.dead_letters(uploads) == []


async def test_a_worker_that_is_killed_again_and_again_gets_its_partitions_back_without_a_rebalance(chain: Chain) -> None:
    log = chain.stack.data / "logs" / "kafka.log"

    def rebalances() -> int:
        return log.read_text().count("Preparing to rebalance group stream-processors.persist ")

    before = rebalances()
    assert before, "the broker tells of rebalances"
    for signal_name in ("SIGTERM", "SIGKILL", "SIGKILL"):
        uploads = await chain.submit()
        chain.signal("persist-0", signal_name)
        await chain.ended(uploads)
    assert rebalances() == before


async def test_whatever_the_endpoint_does_every_upload_ends(chain: Chain) -> None:
    ends = {
        Fault.NO_NOTICE: "completed",
        Fault.NOTICE_TWICE: "completed",
        Fault.LOST_REPLY: "completed",
        Fault.INTERNAL: "completed",
        Fault.UNAVAILABLE: "completed",
        Fault.INVALID: "failed",
        Fault.ERROR: "failed",
        Fault.GARBAGE: "failed",
        Fault.NEVER: "expired",
    }
    events = {fault: chain.event() for fault in ends}
    chain.fault(*({"fault": fault, "prefix": str(event.upload_id), "times": 1} for fault, event in events.items()))
    await chain.publisher.publish([codec.record(event, SOURCE) for event in events.values()])
    await chain.grows_old(events[Fault.NEVER].upload_id)
    for status in ("completed", "failed", "expired"):
        await chain.ended([events[fault].upload_id for fault, end in ends.items() if end == status], status)
    assert await chain.dead_letters([event.upload_id for event in events.values()]) == []


async def test_nonsense_beside_good_events_is_dead_lettered_byte_for_byte_and_the_good_ones_go_through(chain: Chain) -> None:
    good = codec.record(chain.event(), SOURCE)
    assert good.key is not None
    mark = str(uuid4()).encode()
    repeated = [("same", b"1"), ("same", b"2"), ("other", b"\xff\x00"), *good.headers]
    nested = b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    bad = {
        "payload": Record(good.topic, mark + b"1", b"\x00no json", repeated),
        "type": Record(
            good.topic,
            mark + b"2",
            good.value,
            [(n, b"upload.received.v2" if n == "ce_type" else v) for n, v in good.headers],
        ),
        "oversized": Record(good.topic, mark + b"3", b" " * (MAX_EVENT_BYTES + 1), good.headers),
        "envelope": Record(good.topic, mark + b"4", good.value, []),
        "tombstone": Record(good.topic, mark + b"5", None, good.headers),
        "key": Record(good.topic, mark + b"6", good.value, good.headers),
        "nested": Record(good.topic, mark + b"7", nested, good.headers),
        "largest": Record(good.topic, mark + b"8", bytes(1_047_000), good.headers),
    }
    before = await chain.submit(3)
    await chain.publisher.publish([*bad.values(), good, good])
    after = await chain.submit(3)
    await chain.ended([*before, UUID(good.key.decode()), *after])

    async def kept() -> dict[bytes, dict[str, Any]]:
        rows = await chain.kept(*(record.key for record in bad.values()))
        return {row["record_key"]: row for row in rows}

    found = await until(kept, "all are kept", holds=lambda rows: len(rows) == len(bad))
    for reason, record in bad.items():
        assert record.key is not None
        row = found[record.key]
        headers = [(name.decode(), value) for name, value in zip(row["header_names"], row["header_values"], strict=True)]
        assert (row["record_value"], headers) == (record.value, record.headers), reason
        assert row["reason"] == {"nested": "payload", "largest": "oversized"}.get(reason, reason)


class NotUtf8(str):
    """A header's name that kafka-python sends as bytes that are not UTF-8, as librdkafka sends whatever it is given."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode("latin-1")


async def test_a_header_name_that_is_not_utf8_holds_nothing_up(chain: Chain) -> None:
    good = codec.record(chain.event(), SOURCE)
    assert good.key is not None
    topic, partition, mark = good.topic, 0, str(uuid4()).encode()
    names = [(NotUtf8("caf\xe9"), b"\xff"), ("\u20ac", b"")]
    producer = KafkaProducer(bootstrap_servers=chain.settings.kafka_bootstrap_servers, linger_ms=100)  # one batch
    for key, value, headers in [(mark, b"\xff\x00", names), (good.key, good.value, [*names, *good.headers])]:
        producer.send(topic, key=key, value=value, headers=headers, partition=partition)
    await asyncio.to_thread(producer.close)
    await chain.ended([UUID(good.key.decode())])
    query = "select * from dead_letters where record_key = %s"
    (row,) = await until(lambda: select(chain.database, query, mark), "the dead letter is kept")
    assert (row["record_value"], row["header_values"]) == (b"\xff\x00", [value for _, value in names])
    assert [name.decode() for name in row["header_names"]] == ["caf\\xe9", "\u20ac"]


async def test_the_producer_of_the_documentation_submits_a_video_and_watch_follows_it(chain: Chain, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(DOCUMENT), "exec"), names)  # noqa: S102 - it is our own page
    for _ in range(2):  # sent twice, analysed once
        upload_id = UUID(await asyncio.to_thread(names["submit"], str(chain.account_id), chain.settings.storage.bucket, KEY))
    await until(lambda: chain.database.rows("upload", id=upload_id), "its row")
    key = await accounts.create_key(chain.database, f"test-{chain.account_id}")
    reached = {"VALENCE_API_URL": chain.stack.address("api"), "VALENCE_API_KEY": key.text}
    done = await asyncio.to_thread(valence, tmp_path, "watch", str(upload_id), **reached)
    assert (done.returncode, done.stdout.split()[-1]) == (0, "completed"), done.stderr
    await chain.ended([upload_id])
