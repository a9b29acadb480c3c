"""What becomes of a delivery that a sender has in hand while its webhook is disabled, on real PostgreSQL and by a clock of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from runtime.database import Database
from tests.chain import select
from tests.integration.webhook_desk import Desk
from tests.webhook_receiver import receiving


@pytest.fixture
async def desk(database: Database, account: UUID) -> AsyncIterator[Desk]:
    """Webhooks of a new account."""
    desk = Desk(database, account)
    yield desk
    await desk.end()


async def disable(desk: Desk, webhook_id: UUID) -> None:
    """Disable it, as its owner does."""
    await select(desk.database, "update webhooks set enabled = false, giving_up_at = %s where id = %s", desk.now, webhook_id)
    await desk.sender.give_up()


async def test_what_a_dead_sender_had_in_hand_of_a_disabled_webhook_has_failed_once_its_lease_is_over(desk: Desk) -> None:
    async with receiving() as receiver:
        disabled, kept = [await desk.webhook(receiver.url) for _ in range(2)]
        await desk.tell()
        assert len(await desk.sender.claim(64)) == 2
        await disable(desk, disabled)
        await desk.sender.give_up()
        assert await desk.states() == [("pending", 0)] * 2, "the sender may live"
        assert await desk.later(seconds=21) == 1
        await desk.sender.give_up()
        assert await ended(desk, disabled) == "failed"
        assert await ended(desk, kept) == "delivered"
        assert len(receiver.got) == 1


async def test_a_sender_that_was_only_slow_records_what_has_happened(desk: Desk) -> None:
    async with receiving() as receiver:
        webhook_id = await desk.webhook(receiver.url)
        await desk.tell()
        (slow,) = await desk.sender.claim(64)
        attempt = await desk.sender.send(slow)
        await disable(desk, webhook_id)
        assert await desk.later(seconds=21) == 0
        await desk.sender.give_up()
        await desk.sender.record(slow, attempt)
    assert await desk.states() == [("delivered", 1)]


async def ended(desk: Desk, webhook_id: UUID) -> str:
    (row,) = await select(desk.database, "select state from webhook_deliveries where webhook_id = %s", webhook_id)
    return str(row["state"])
