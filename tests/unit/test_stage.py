"""What becomes of a record in a stage: done, tried again, waited for, or dead-lettered, and never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest

from runtime import health, metrics, settings
from runtime.errors import DependencyUnavailable, PermanentError
from runtime.health import Readiness
from runtime.kafka import Received
from runtime.testing import MemoryBroker
from schemas import codec, topics
from schemas.codec import Record
from schemas.dead_letters import cause_of, original_headers
from schemas.events import Event, UploadReceived, UploadRejected
from schemas.failures import Failure
from stream_processors import stage as stages
from stream_processors.stage import Runner, Stage, TooManyDeadLetters
from tests.chain import as_received, upload_received

POLICY = settings.Stage(attempts=3, timeout_seconds=5.0, dead_letter_limit=4)
DEAD = topics.UPLOADS_RECEIVED.dead_letters
Handle = Callable[[Any], Awaitable[Sequence[Event]]]


class Bench:
    """A stage named `validate` over an in-memory broker, with a handler that the test gives."""

    def __init__(self, handle: Handle, policy: settings.Stage = POLICY, topic: topics.Topic = topics.UPLOADS_RECEIVED) -> None:
        self.broker = MemoryBroker()
        self.readiness = Readiness()
        self.readiness.started = True
        stage = Stage(name="validate", topic=topic, handle=handle)
        self.runner = Runner(stage, policy, self._send, self.readiness)

    async def _send(self, record: Record) -> None:
        await self.broker.publish([record])

    @property
    def dead(self) -> list[Record]:
        return self.broker.topics[DEAD]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever backs off does not wait in these tests."""
    monkeypatch.setattr(stages, "backoff", lambda attempt: 0.0)
    monkeypatch.setattr(health, "backoff", lambda attempt, cap: 0.0)


def failing(*errors: Exception, then: Sequence[Event] = ()) -> tuple[Handle, list[Any]]:
    """A handler that raises these one after another and then succeeds, and the events it was given."""
    seen: list[Any] = []

    async def handle(event: Any) -> Sequence[Event]:
        seen.append(event)
        if len(seen) <= len(errors):
            raise errors[len(seen) - 1]
        return then

    return handle, seen


async def always_broken(event: Any) -> Sequence[Event]:
    raise ZeroDivisionError("a bug of this deploy")


async def fine(event: Any) -> Sequence[Event]:
    return []


def invalid(offset: int = 0) -> Received:
    return Received(topics.UPLOADS_RECEIVED.name, 0, offset, b"key", b"no event", [("a", b"1"), ("a", b"2"), ("b", b"\xff\x00")], 0)


async def test_what_the_handler_returns_is_published_under_the_trace_of_the_event() -> None:
    (record,) = as_received(upload_received())
    event = codec.decode(topics.UPLOADS_RECEIVED, record.key, record.value, record.headers)[1]
    assert isinstance(event, UploadReceived)
    failure = Failure(code="not_media", message="no")
    rejected = UploadRejected(upload_id=event.upload_id, account_id=event.account_id, attempt=1, failure=failure)
    handle, seen = failing(then=[rejected])
    bench = Bench(handle)
    await bench.runner.process(record)
    (published,) = bench.broker.topics[topics.UPLOADS_REJECTED.name]
    assert codec.decode(topics.UPLOADS_REJECTED, published.key, published.value, published.headers)[1] == rejected
    assert dict(published.headers)["ce_source"] == b"/stream-processors/validate"
    assert seen == [event]
    assert not bench.dead


async def test_a_failure_that_passes_is_tried_again_and_leaves_no_dead_letter() -> None:
    handle, seen = failing(ValueError("once"), KeyError("twice"))
    bench = Bench(handle)
    await bench.runner.process(*as_received(upload_received()))
    assert len(seen) == 3
    assert not bench.dead


async def test_an_unknown_failure_is_dead_lettered_after_the_last_attempt() -> None:
    handle, seen = failing(*[ValueError("what is this?")] * 9)
    bench = Bench(handle)
    await bench.runner.process(*as_received(upload_received()))
    assert len(seen) == POLICY.attempts
    (dead,) = bench.dead
    cause = cause_of(dead.headers)
    assert (cause.reason, cause.error, cause.stage) == ("exhausted", "what is this?", "stream-processors.validate")


async def test_an_error_without_words_still_says_what_it_is() -> None:
    handle, _ = failing(*[AssertionError()] * 3)
    bench = Bench(handle)
    await bench.runner.process(*as_received(upload_received()))
    assert cause_of(bench.dead[0].headers).error == "AssertionError()"


async def test_a_permanent_failure_is_dead_lettered_at_once() -> None:
    handle, seen = failing(*[PermanentError("never")] * 9)
    bench = Bench(handle)
    await bench.runner.process(*as_received(upload_received()))
    assert len(seen) == 1
    assert cause_of(bench.dead[0].headers).reason == "permanent"


async def test_a_handler_that_hangs_is_cut_off_and_tried_again() -> None:
    seen = []

    async def handle(event: Any) -> Sequence[Event]:
        seen.append(event)
        if len(seen) == 1:
            await asyncio.Event().wait()
        return []

    bench = Bench(handle, settings.Stage(attempts=3, timeout_seconds=0.01))
    await bench.runner.process(*as_received(upload_received()))
    assert len(seen) == 2
    assert not bench.dead


async def test_a_server_that_is_away_is_waited_for_however_often_and_is_no_attempt() -> None:
    handle, seen = failing(*[DependencyUnavailable("s3", "down")] * 50)
    bench = Bench(handle)
    await bench.runner.process(*as_received(upload_received()))
    assert len(seen) == 51
    assert not bench.dead


async def test_while_a_server_is_away_the_stage_is_not_ready_and_says_for_what_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    handle, _ = failing(DependencyUnavailable("postgresql", "down"))
    bench = Bench(handle)
    seen: list[list[str]] = []

    def looking(attempt: int, cap: float) -> float:
        seen.append(bench.readiness.obstacles)
        return 0.0

    monkeypatch.setattr(health, "backoff", looking)
    await bench.runner.process(*as_received(upload_received()))
    assert seen == [["waiting for postgresql"]]
    assert bench.readiness.obstacles == []


async def test_an_event_waits_for_the_broker_too() -> None:
    refusals = iter([True, True, False])
    (record,) = as_received(upload_received())
    bench = Bench(always_broken)
    publish = bench.broker.publish

    async def sometimes(records: Sequence[Record]) -> None:
        if next(refusals):
            raise DependencyUnavailable("kafka", "no leader")
        await publish(records)

    bench.broker.publish = sometimes  # type: ignore[method-assign]
    await bench.runner.process(record)
    assert len(bench.dead) == 1


@pytest.mark.parametrize("record", [invalid(), as_received(upload_received())[0]], ids=["invalid", "exhausted"])
async def test_if_even_the_dead_letter_cannot_be_sent_the_record_is_not_done(record: Received) -> None:
    bench = Bench(always_broken)

    async def refuse(records: Sequence[Record]) -> None:
        raise OSError("the disk is full")

    bench.broker.publish = refuse  # type: ignore[method-assign]
    with pytest.raises(OSError, match="the disk is full"):
        await bench.runner.process(record)


async def test_a_record_that_is_no_event_never_reaches_the_handler() -> None:
    handle, seen = failing()
    bench = Bench(handle)
    await bench.runner.process(invalid())
    assert seen == []
    assert cause_of(bench.dead[0].headers).reason == "envelope"


async def test_a_dead_letter_is_the_record_byte_for_byte_with_its_repeated_headers() -> None:
    bench = Bench(fine)
    record = invalid(offset=17)._replace(partition=3)
    await bench.runner.process(record)
    (dead,) = bench.dead
    assert (dead.key, dead.value) == (b"key", b"no event")
    assert original_headers(dead.headers) == [("a", b"1"), ("a", b"2"), ("b", b"\xff\x00")]
    assert dead.headers[:3] == record.headers
    cause = cause_of(dead.headers)
    assert (cause.topic, cause.partition, cause.offset) == ("uploads.received.v1", 3, 17)


async def test_a_tombstone_and_a_missing_key_are_kept_as_they_are() -> None:
    bench = Bench(fine)
    await bench.runner.process(invalid()._replace(key=None, value=None, headers=[]))
    assert (bench.dead[0].key, bench.dead[0].value) == (None, None)


async def test_a_deploy_that_breaks_every_event_stops_the_stage_and_does_not_drain_the_topic() -> None:
    bench = Bench(always_broken)
    *first, last = as_received(*(upload_received() for _ in range(POLICY.dead_letter_limit + 1)))
    for record in first:
        await bench.runner.process(record)
    with pytest.raises(TooManyDeadLetters, match="a bug of this deploy"):
        await bench.runner.process(last)
    assert len(bench.dead) == POLICY.dead_letter_limit


async def test_one_success_and_the_count_begins_anew() -> None:
    broken = True

    async def handle(event: Any) -> Sequence[Event]:
        if broken:
            raise ZeroDivisionError
        return []

    bench = Bench(handle)
    for _ in range(3):
        for broken in [True] * POLICY.dead_letter_limit + [False]:  # noqa: B007 - the handler reads it
            await bench.runner.process(*as_received(upload_received()))
    assert len(bench.dead) == 3 * POLICY.dead_letter_limit


async def test_strangers_do_not_stop_the_stage_however_many_bad_records_they_write() -> None:
    async def handle(event: Any) -> Sequence[Event]:
        raise PermanentError("another account's id")

    bench = Bench(handle)
    for offset in range(1_000):
        await bench.runner.process(invalid(offset))
        await bench.runner.process(*as_received(upload_received()))
    assert len(bench.dead) == 2_000


async def test_records_at_fault_stop_a_stage_whose_topic_only_we_write() -> None:
    bench = Bench(fine, topic=topics.UPLOADS_VALIDATED)
    bad = invalid()._replace(topic=topics.UPLOADS_VALIDATED.name)
    for _ in range(POLICY.dead_letter_limit):
        await bench.runner.process(bad)
    with pytest.raises(TooManyDeadLetters):
        await bench.runner.process(bad)
    assert len(bench.broker.topics[topics.UPLOADS_VALIDATED.dead_letters]) == POLICY.dead_letter_limit


async def test_invalid_records_between_do_not_hide_that_every_event_fails() -> None:
    bench = Bench(always_broken)
    for offset in range(POLICY.dead_letter_limit):
        await bench.runner.process(invalid(offset))
        await bench.runner.process(*as_received(upload_received()))
    with pytest.raises(TooManyDeadLetters):
        await bench.runner.process(*as_received(upload_received()))


async def test_dead_letters_and_retries_are_counted() -> None:
    def value(metric: Any, **labels: str) -> float:
        return float(metric.labels(**labels)._value.get())

    letters = {"topic": "uploads.received.v1", "reason": "exhausted"}
    before = value(metrics.DEAD_LETTERS, **letters), value(metrics.STAGE_RETRIES, stage="validate")
    await Bench(always_broken).runner.process(*as_received(upload_received(uuid4())))
    after = value(metrics.DEAD_LETTERS, **letters), value(metrics.STAGE_RETRIES, stage="validate")
    assert (after[0] - before[0], after[1] - before[1]) == (1, POLICY.attempts - 1)


async def test_time_that_has_a_limit_of_its_own_does_not_count_against_an_attempt_and_the_rest_does() -> None:
    rests = [0.0, 5.0]

    async def handle(event: Any) -> Sequence[Event]:
        with stages.uncounted():
            await asyncio.sleep(0.15)
        return await asyncio.sleep(rests.pop(0), [])

    bench = Bench(handle, settings.Stage(attempts=1, timeout_seconds=0.05, dead_letter_limit=4))
    for dead in (0, 1):
        await bench.runner.process(as_received(upload_received())[0])
        assert len(bench.dead) == dead
