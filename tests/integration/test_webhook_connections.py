"""A message goes to the very address that was checked, by TLS under the receiver's name; and a sender that is killed loses none."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from consumers.webhook_calls import Attempt, Caller, Message, Outcome
from runtime.database import Database
from runtime.destinations import Destinations
from runtime.kafka import KafkaPublisher
from schemas import codec
from tests.api_process import free_port, running
from tests.certificates import self_signed
from tests.chain import SOURCE, persisted, select
from tests.integration.webhook_desk import Desk
from tests.waiting import until
from tests.webhook_receiver import Receiver, Reply, receiving


class Names:
    """A resolver that says something else each time."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0)


async def call(url: str, names: Names) -> Attempt:
    caller = Caller(Destinations(allow_loopback=True, resolve=names), 5, lambda: datetime.now(UTC))
    attempt = await caller.call(Message(url, uuid4(), b"{}", [b"s" * 32]))
    await caller.close()
    return attempt


@pytest.fixture
async def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """A receiver whose certificate is for `receiver.example`."""
    server, trusted = self_signed(tmp_path, "receiver.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server)
    async with receiving(context) as receiver:
        yield receiver


async def test_a_name_is_asked_for_once_and_the_address_that_was_checked_is_met_under_the_name(secure: Receiver) -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    attempt = await call(secure.url.replace("127.0.0.1", "receiver.example"), names)
    assert (attempt.outcome, attempt.status) == (Outcome.DELIVERED, 200)
    assert names.asked == ["receiver.example"]
    (got,) = secure.got
    assert got.headers["host"] == secure.url.split("/")[2].replace("127.0.0.1", "receiver.example")


async def test_a_certificate_for_another_name_is_refused_before_anything_is_sent(secure: Receiver) -> None:
    attempt = await call(secure.url.replace("127.0.0.1", "other.example"), Names(["127.0.0.1"]))
    assert attempt.outcome is Outcome.FAILED
    assert "certificate" in str(attempt.error)
    assert secure.got == []


async def test_of_several_addresses_the_first_that_answers_is_met(secure: Receiver) -> None:
    attempt = await call(secure.url.replace("127.0.0.1", "receiver.example"), Names(["127.0.0.2", "127.0.0.1"]))
    assert attempt.outcome is Outcome.DELIVERED


async def test_a_name_that_leads_inside_at_the_second_message_gets_no_second_message(secure: Receiver) -> None:
    names, url = Names(["127.0.0.1"], ["10.0.0.1"]), secure.url.replace("127.0.0.1", "receiver.example")
    assert [(await call(url, names)).outcome for _ in range(2)] == [Outcome.DELIVERED, Outcome.REFUSED]
    assert len(secure.got) == 1


async def test_a_message_whose_sender_was_killed_before_it_could_record_it_is_sent_again_under_its_id(
    database: Database, account: UUID, publisher: KafkaPublisher, servers: dict[str, str]
) -> None:
    desk, never = Desk(database, account), asyncio.Event()
    environment = {**servers, "VALENCE_WEBHOOKS_ALLOW_LOOPBACK": "true", "VALENCE_METRICS_PORT": str(free_port())}
    process = ("consumers.webhooks", environment, f"http://127.0.0.1:{environment['VALENCE_METRICS_PORT']}")
    async with receiving() as receiver:
        receiver.replies.append(Reply(until=never))
        await desk.webhook(receiver.url)
        await publisher.publish([codec.record(persisted(await desk.upload(), account), SOURCE)])
        started = running(*process, page="/healthz")
        await asyncio.to_thread(started.__enter__)
        await receiver.wait_for(1)
        await asyncio.to_thread(started.__exit__, None, None, None)  # which kills it
        assert await desk.states() == [("pending", 0)]
        await select(database, "update webhook_deliveries set due_at = now() where lease is not null")  # the lease is over
        with running(*process, page="/readyz"):
            await receiver.wait_for(2)
            await until(desk.states, "the delivery is recorded", holds=lambda states: states == [("delivered", 1)])
        never.set()
    assert len({got.id for got in receiver.got}) == 1
    await desk.end()
