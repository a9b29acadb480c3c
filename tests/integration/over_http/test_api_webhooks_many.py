"""Webhooks with more deliveries than one statement may touch: as their owner sees them, all of them change at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from psycopg.rows import DictRow

import runtime.database
from api import accounts, webhook_deliveries, webhooks
from api.accounts import Scope
from consumers import webhook_sender
from producers import purging
from producers.purging import Purger
from runtime.database import Connection, Database
from runtime.settings import Accounts, Settings
from tests.chain import select
from tests.integration.over_http.in_process import speaking
from tests.integration.webhook_desk import Desk
from tests.upload_calls import problem

#: Nobody is there, and nobody has to be.
NOWHERE = "https://1.1.1.1/hook"
MANY = 5


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (webhook_deliveries, webhooks, webhook_sender):
        monkeypatch.setattr(module, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(purging, "BATCH", 2)


@pytest.fixture
async def http(settings: Settings, database: Database, account: UUID) -> AsyncIterator[httpx.AsyncClient]:
    key = (await accounts.create_key(database, f"test-{account}", frozenset(Scope))).text
    async with speaking(settings, database, key) as speaks:
        yield speaks


@pytest.fixture
async def desk(database: Database, account: UUID) -> AsyncIterator[Desk]:
    """What tells the account's webhooks."""
    desk = Desk(database, account)
    yield desk
    await desk.end()


async def told_much(desk: Desk) -> UUID:
    """A webhook that much waits for."""
    webhook_id = await desk.webhook(NOWHERE)
    for _ in range(MANY):
        await desk.tell()
    return webhook_id


async def shown(http: httpx.AsyncClient, webhook_id: UUID, **wanted: str) -> list[str]:
    """Where each delivery stands, as the owner sees it, newest first."""
    return [one["state"] for one in (await http.get(f"/v1/webhooks/{webhook_id}/deliveries", params=wanted)).json()["data"]]


async def left(desk: Desk, webhook_id: UUID) -> tuple[int, int]:
    """How many rows there are of the webhook, and of its deliveries."""
    webhooks = await select(desk.database, "select id from webhooks where id = %s", webhook_id)
    deliveries = await select(desk.database, "select id from webhook_deliveries where webhook_id = %s", webhook_id)
    return len(webhooks), len(deliveries)


async def test_a_deleted_webhook_is_nobodys_at_once_and_its_deliveries_go_some_at_a_time(http: httpx.AsyncClient, desk: Desk) -> None:
    webhook_id = await told_much(desk)
    (held,) = await desk.sender.claim(1)
    assert (await http.delete(f"/v1/webhooks/{webhook_id}")).status_code == 204
    assert problem(await http.get(f"/v1/webhooks/{webhook_id}")) == (404, "no-such-webhook")
    assert problem(await http.delete(f"/v1/webhooks/{webhook_id}")) == (404, "no-such-webhook")
    assert (await http.get("/v1/webhooks")).json() == {"data": []}
    await desk.tell()
    await desk.sender.record(held, await desk.sender.send(held))
    assert await desk.sender.claim(64) == []
    tried = "select 1 from webhook_attempts a join webhook_deliveries d on d.id = a.delivery_id where d.webhook_id = %s"
    assert await select(desk.database, tried, webhook_id) == [], "nothing is written of what is nobody's"
    (row,) = await select(desk.database, "select url, secret from webhooks where id = %s", webhook_id)
    assert row == {"url": "", "secret": b""}
    rows = [await left(desk, webhook_id)]
    purger = Purger(Accounts(), desk.database)
    while rows[-1][0]:
        await purger.purge()
        rows.append(await left(desk, webhook_id))
    assert rows == [(1, 5), (1, 3), (1, 1), (0, 0)]


async def test_what_waits_for_a_disabled_webhook_has_failed_at_once_even_where_it_is_enabled_again_before_that_is_written_down(
    http: httpx.AsyncClient, desk: Desk
) -> None:
    webhook_id = await told_much(desk)
    path = f"/v1/webhooks/{webhook_id}"
    (held,) = await desk.sender.claim(1)
    assert (await http.patch(path, json={"enabled": False})).json()["enabled"] is False
    assert [state for state, _ in await desk.states()].count("failed") == 2
    assert sorted(await shown(http, webhook_id)) == ["failed"] * 4 + ["pending"]
    assert await shown(http, webhook_id, state="failed") == ["failed"] * 4
    await http.patch(path, json={"enabled": True})
    desk.now = datetime.now(UTC)
    new = (await http.post(f"{path}/test")).json()["id"]
    again = (await http.get(f"{path}/deliveries", params={"state": "failed"})).json()["data"][0]["id"]
    assert (await http.post(f"{path}/deliveries/{again}/replay")).json()["state"] == "pending"
    desk.now += timedelta(seconds=1)
    assert await desk.sender.claim(64) == [], "nothing may be sent of what has failed"
    await desk.sender.give_up()
    assert sorted(await shown(http, webhook_id)) == ["failed"] * 3 + ["pending"] * 3
    (claimed,) = await desk.sender.claim(64)  # a receiver is asked two things at a time, and one is in hand already
    assert str(claimed["id"]) in {new, again} - {str(held["id"])}


async def test_a_sender_that_disables_a_webhook_gives_up_some_and_the_next_look_the_rest(desk: Desk) -> None:
    webhook_id = await told_much(desk)
    async with desk.database.transaction() as connection:
        await desk.sender._disable(connection, webhook_id, "gone")
    assert [state for state, _ in await desk.states()].count("failed") == 2
    await desk.sender.give_up()
    assert await desk.states() == [("failed", 0)] * MANY


async def test_all_that_has_failed_is_replayed_and_counted_though_it_takes_several_statements(
    http: httpx.AsyncClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook_id = await told_much(desk)
    await http.patch(f"/v1/webhooks/{webhook_id}", json={"enabled": False})
    await http.patch(f"/v1/webhooks/{webhook_id}", json={"enabled": True})
    counted, rows = list[int](), runtime.database.rows

    async def count(connection: Connection, query: str, **told: Any) -> list[DictRow]:
        found = await rows(connection, query, **told)
        if query == "replay_webhook_failures":
            counted.append(found[0]["replayed"])
        return found

    monkeypatch.setattr(runtime.database, "rows", count)
    since = (desk.now - timedelta(minutes=1)).isoformat()
    assert (await http.post(f"/v1/webhooks/{webhook_id}/replay", json={"since": since})).json() == {"replayed": MANY}
    assert counted == [2, 2, 1]
    await desk.sender.give_up()
    assert await shown(http, webhook_id) == ["pending"] * MANY
