"""What webhooks are told on real PostgreSQL by real HTTP, whatever their receivers do, with a clock that the test sets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from api import accounts
from consumers import webhook_calls
from consumers.webhook_calls import Attempt
from consumers.webhook_sender import FAILING, MOST_TRIES, pause, send_until_told
from runtime import erasure
from runtime.database import Database
from runtime.erasure import Erased
from runtime.errors import DependencyUnavailable
from runtime.process import Process
from runtime.settings import Settings
from tests.chain import as_received, persisted, select
from tests.integration.webhook_desk import Desk
from tests.webhook_receiver import Receiver, Reply, receiving


@pytest.fixture
async def desk(database: Database, account: UUID) -> AsyncIterator[Desk]:
    """Webhooks of a new account."""
    desk = Desk(database, account)
    yield desk
    await desk.end()


@pytest.fixture
async def stranger(database: Database) -> AsyncIterator[Desk]:
    """Webhooks of another account."""
    name = f"stranger-{uuid4()}"
    desk = Desk(database, await accounts.create_account(database, name))
    yield desk
    await desk.end()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    async with receiving() as receiver:
        yield receiver


async def test_an_event_is_one_signed_message_however_often_it_is_read(desk: Desk, receiver: Receiver) -> None:
    await desk.webhook(receiver.url)
    event = persisted(await desk.upload(), desk.account_id)
    assert await desk.deliveries.make(as_received(event, event)) == 1
    assert await desk.deliveries.make(as_received(event)) == 0
    assert await desk.work() == 1
    assert await desk.work() == 0
    (got,) = receiver.got
    assert got.target == "/hook?a=b"
    assert got.is_signed_by(desk.secret)
    assert got.id == str(event.id)
    assert got.headers["host"] == receiver.url.split("/")[2]
    assert msgspec.json.decode(got.body)["data"]["upload_id"] == str(event.upload_id)
    assert await desk.states() == [("delivered", 1)]


async def test_what_failed_is_sent_again_later_under_the_same_id_and_every_try_is_kept(desk: Desk, receiver: Receiver) -> None:
    webhook_id = await desk.webhook(receiver.url)
    receiver.replies += [Reply(500, b"broken \x00\xff"), Reply(404), Reply(200, b"thanks")]
    await desk.tell()
    assert await desk.work() == 1
    assert (await desk.row(webhook_id))["failing_since"] == desk.now
    assert await desk.later(seconds=4.9) == 0
    assert await desk.later(seconds=0.2) == 1
    assert await desk.later(seconds=19) == 0
    assert await desk.later(seconds=2) == 1
    assert await desk.states() == [("delivered", 3)]
    assert [(row["number"], row["status"], row["answer"]) for row in await desk.attempts()] == [
        (1, 500, "broken \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"),
        (2, 404, None),
        (3, 200, "thanks"),
    ]
    assert len({got.id for got in receiver.got}) == 1
    assert len({got.headers["webhook-timestamp"] for got in receiver.got}) == 3, "each try is signed when it is made"
    assert all(got.is_signed_by(desk.secret) for got in receiver.got)
    assert (await desk.row(webhook_id))["failing_since"] is None


async def test_a_receiver_that_names_a_time_is_not_asked_before(desk: Desk, receiver: Receiver) -> None:
    await desk.webhook(receiver.url)
    receiver.replies.append(Reply(429, headers={"Retry-After": "600"}))
    await desk.tell()
    await desk.work()
    assert await desk.later(seconds=599) == 0
    assert await desk.later(seconds=2) == 1


async def test_a_redirect_is_a_failure_and_followed_nowhere(desk: Desk, receiver: Receiver) -> None:
    async with receiving() as inside:
        await desk.webhook(receiver.url)
        receiver.replies.append(Reply(302, headers={"Location": inside.url}))
        await desk.tell()
        await desk.work()
        assert inside.got == []
    assert [row["status"] for row in await desk.attempts()] == [302]
    assert await desk.states() == [("pending", 1)]


async def test_of_a_huge_answer_only_the_beginning_is_read(desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_calls, "ANSWER_SECONDS", 60.0)  # not the time, but the size is what ends it
    await desk.webhook(receiver.url)
    receiver.replies.append(Reply(200, b"x" * 1024**2, times=96))
    await desk.tell()
    await desk.work()
    assert [len(row["answer"]) for row in await desk.attempts()] == [512]
    assert receiver.sent_bytes < 64 * 1024**2
    assert await desk.states() == [("delivered", 1)]


async def test_a_slow_receiver_is_given_up_and_holds_up_no_other(database: Database, account: UUID, receiver: Receiver) -> None:
    desk = Desk(database, account, timeout=0.3)
    never = asyncio.Event()
    async with receiving() as slow:
        slow.replies += [Reply(until=never)] * 9
        await desk.webhook(slow.url)
        for _ in range(3):
            await desk.tell()
        await desk.webhook(receiver.url)
        await desk.tell()
        claimed = await desk.sender.claim(64)
        assert [one["url"] for one in claimed].count(slow.url) == desk.settings.in_flight_each
        assert receiver.url in {one["url"] for one in claimed}
        assert all(one["url"] != slow.url for one in await desk.sender.claim(64)), "its places are taken"
        for one in claimed:
            await desk.sender.record(one, await desk.sender.send(one))
        never.set()
    assert len(receiver.got) == 1
    assert {row["error"] for row in await desk.attempts() if row["status"] is None} == {"no answer within 0 s"}
    desk.now += timedelta(minutes=1)
    assert [one["url"] for one in await desk.sender.claim(64)] == [slow.url], "one that fails is asked one thing at a time"
    await desk.end()


async def test_an_account_with_many_slow_receivers_holds_up_no_other_account(desk: Desk, stranger: Desk) -> None:
    for _ in range(3):
        await desk.webhook("https://slow.example/")
    for _ in range(3):
        await desk.tell()
    stranger.now += timedelta(seconds=1)
    await stranger.webhook("https://other.example/")
    await stranger.tell()
    assert {one["url"] for one in await desk.sender.claim(5)} == {"https://slow.example/"}
    assert [one["url"] for one in await stranger.sender.claim(1)] == ["https://other.example/"], "not the oldest, but whose turn it is"


async def test_a_receiver_that_is_gone_is_told_nothing_more_until_its_owner_says_so(desk: Desk, receiver: Receiver) -> None:
    webhook_id = await desk.webhook(receiver.url)
    receiver.replies.append(Reply(410))
    await desk.tell()
    desk.now += timedelta(seconds=1)
    await desk.tell()
    (first,) = await desk.sender.claim(1)
    await desk.sender.record(first, await desk.sender.send(first))
    row = await desk.row(webhook_id)
    assert (row["enabled"], row["disabled_reason"]) == (False, "gone")
    desk.now += timedelta(seconds=1)
    await desk.tell()
    assert await desk.states() == [("failed", 1), ("failed", 0), ("failed", 0)]
    assert await desk.later(days=1) == 0
    audit = await desk.database.rows("account_audit", account_id=desk.account_id, after_time=None, after_id=None, most=9)
    assert [(event["action"], event["detail"]) for event in audit] == [("account:webhook:disable", f"{webhook_id}: gone")]


async def test_a_delivery_is_given_up_in_the_end_and_a_webhook_after_days_without_success(desk: Desk) -> None:
    async with receiving() as receiver:
        url = receiver.url
    webhook_id = await desk.webhook(url)
    for began, enabled in ((timedelta(), True), (FAILING, False)):
        desk.now += began
        await desk.tell()
        for tries in range(1, MOST_TRIES + 1):
            assert await desk.work() == 1
            desk.now += pause(tries, 0)
        assert await desk.work() == 0
        assert (await desk.row(webhook_id))["enabled"] is enabled
    assert (await desk.row(webhook_id))["disabled_reason"] == "failing"
    assert await desk.states() == [("failed", MOST_TRIES)] * 2
    assert {row["error"].partition(":")[0] for row in await desk.attempts()} == {"ConnectError"}


async def test_what_a_sender_had_in_hand_when_it_died_is_anothers_after_the_lease(desk: Desk, receiver: Receiver) -> None:
    await desk.webhook(receiver.url)
    await desk.tell()
    (dead,) = await desk.sender.claim(64)
    attempt = await desk.sender.send(dead)
    assert await desk.later(seconds=19) == 0
    assert await desk.later(seconds=2) == 1
    await desk.sender.record(dead, attempt)
    assert await desk.states() == [("delivered", 1)], "the dead one's record is not taken for the other's"
    assert len(receiver.got) == 2
    assert len({got.id for got in receiver.got}) == 1


async def test_two_senders_never_take_the_same(desk: Desk, receiver: Receiver) -> None:
    for _ in range(8):
        await desk.webhook(receiver.url)
    await desk.tell()
    claims = await asyncio.gather(*(desk.sender.claim(3) for _ in range(6)))
    taken = [one["id"] for claim in claims for one in claim]
    assert len(taken) == len(set(taken))


async def test_an_address_that_leads_inside_by_now_is_not_met(desk: Desk, receiver: Receiver) -> None:
    await desk.webhook("https://169.254.169.254/latest/meta-data")
    await desk.tell()
    await desk.work()
    (row,) = await desk.attempts()
    assert (row["status"], row["error"]) == (None, "refused: its name does not lead to a public address")


async def test_nothing_is_told_of_what_happened_before_or_of_others_or_of_what_was_erased(
    desk: Desk, receiver: Receiver, settings: Settings
) -> None:
    erased = await desk.upload()
    webhook_id = await desk.webhook(receiver.url)
    await desk.deliveries.make(as_received(persisted(await desk.upload(), uuid4())))
    async with desk.database.transaction() as connection:
        await erasure.erase_upload(connection, settings, erased, await erasure.begin(connection, Erased.UPLOAD))
    await desk.tell(erased)
    await select(desk.database, "update webhooks set created_at = now() + interval '2 minutes' where id = %s", webhook_id)
    await desk.tell()
    assert await desk.states() == []


async def test_an_erased_upload_leaves_nothing_that_was_told(desk: Desk, receiver: Receiver, settings: Settings) -> None:
    await desk.webhook(receiver.url)
    gone = await desk.tell()
    await desk.tell()
    await desk.work()
    async with desk.database.transaction() as connection:
        await erasure.erase_upload(connection, settings, gone, await erasure.begin(connection, Erased.UPLOAD))
    assert await select(desk.database, "select 1 from webhook_deliveries where upload_id = %s", gone) == []
    assert len(await desk.attempts()) == 1


async def test_old_deliveries_are_forgotten_and_those_that_wait_are_not(desk: Desk, receiver: Receiver) -> None:
    await desk.webhook(receiver.url)
    receiver.replies += [Reply(200), Reply(500)]
    await desk.tell()
    await desk.work()
    await desk.tell()
    await desk.work()
    desk.now += timedelta(days=31)
    await desk.sender.forget()
    assert await desk.states() == [("pending", 1)]


async def test_while_one_receiver_is_slow_another_is_told_and_what_is_in_hand_outlives_an_outage(
    desk: Desk, receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, news, answer = Process("test", msgspec.structs.replace(settings, webhooks=desk.settings)), asyncio.Event(), asyncio.Event()
    record, outages = desk.sender.record, [DependencyUnavailable("postgresql", "refused")]

    async def interrupted(claimed: dict[str, Any], attempt: Attempt) -> None:
        if outages:
            raise outages.pop()
        await record(claimed, attempt)

    monkeypatch.setattr(desk.sender, "record", interrupted)
    async with receiving() as slow:
        slow.replies += [Reply(until=answer)] * 3
        await desk.webhook(slow.url)
        for _ in range(3):
            await desk.tell()
        sending = asyncio.create_task(send_until_told(running, desk.sender, news))
        await slow.wait_for(2)
        await desk.webhook(receiver.url)
        await desk.tell()
        news.set()
        await receiver.wait_for(1)
        assert len(slow.got) == 2, "it has as many messages in hand as it may have"
        answer.set()
        await slow.wait_for(4)
        running.stopping.set()
        await sending
    assert await desk.states() == [("delivered", 1)] * 5
    assert outages == []
    assert len(receiver.got) == 1, "the record was made again, and not the message"
