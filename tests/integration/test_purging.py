"""What has lapsed, and what closed accounts have left, goes some rows at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from producers import erasing, purging
from producers.erasing import Eraser
from producers.purging import Purger
from runtime import erasure
from runtime.database import Database
from runtime.settings import Accounts, Settings
from runtime.testing import MemoryParts, MemoryStorage
from tests.chain import select
from tests.integration.webhook_desk import Desk

IDLE = timedelta(seconds=Accounts().session_idle_seconds)
#: A row of each table as an account's, and so old that it has lapsed, or not.
ROWS = {
    "idempotency_keys": (
        "insert into idempotency_keys (account_id, key, request_sha256, run, started_at) values (%s, %s, '', gen_random_uuid(), %s)",
        timedelta(days=1),
    ),
    "sessions": (
        "insert into sessions (account_id, token_sha256, last_used_at, id, expires_at)"
        " values (%s, %s::text::bytea, %s, gen_random_uuid(), now() + interval '1 hour')",
        IDLE,
    ),
    "password_resets": ("insert into password_resets (account_id, token_sha256, expires_at) values (%s, %s::text::bytea, %s)", timedelta()),
    "email_verifications": (
        "insert into email_verifications (account_id, token_sha256, expires_at) values (%s, %s::text::bytea, %s)",
        timedelta(),
    ),
    "audit": ("insert into audit (account_id, detail, at, id, action) values (%s, %s, %s, gen_random_uuid(), 'x')", timedelta(days=400)),
}


async def left(database: Database, table: str, account: UUID) -> int:
    (row,) = await select(database, f"select count(*) as rows from {table} where account_id = %s", account)  # noqa: S608
    return int(row["rows"])


@pytest.mark.parametrize("table", ROWS)
async def test_what_has_lapsed_goes_and_what_has_not_stays(table: str, database: Database, account: UUID) -> None:
    statement, after = ROWS[table]
    for age in (after + timedelta(minutes=1), after - timedelta(minutes=1)):
        await select(database, statement, account, str(uuid4()), datetime.now(UTC) - age)
    await Purger(Accounts(), database).purge()
    assert await left(database, table, account) == 1


async def test_buckets_that_are_empty_again_go_a_batch_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    purger = Purger(Accounts(), database)
    for table in ("request_rates", "throttles"):
        await select(database, f"delete from {table}")  # noqa: S608  # what other tests have left behind may lapse in the middle
    while await purger.purge():
        pass
    full, empty = uuid4(), [uuid4() for _ in range(5)]
    for table, column, granted in (("request_rates", "account_id", ", granted"), ("throttles", "subject", "")):
        for name in (full, *empty):
            when = datetime.now(UTC) + timedelta(minutes=1 if name == full else -1)
            statement = f"insert into {table} ({column}, empty_at{granted}) values (%s, %s{granted and ', 1'})"  # noqa: S608
            await select(database, statement, name if granted else str(name), when)
    monkeypatch.setattr(purging, "BATCH", 2)
    assert [await purger.purge() for _ in range(4)] == [2, 2, 1, 0]
    assert await left(database, "request_rates", full) == 1
    (row,) = await select(database, "select count(*) as rows from throttles where subject = %s", str(full))
    assert row["rows"] == 1


async def test_what_a_closed_account_has_used_and_was_told_goes_some_rows_at_a_time(
    database: Database, account: UUID, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many uploads it would take one statement too long."""
    objects = MemoryStorage()
    eraser = Eraser(settings, database, objects, MemoryParts(objects))
    for attempt in range(1, 4):
        values = "(upload_id, attempt, account_id, media_seconds, compute_seconds) values (%s, %s, %s, 1, 1)"
        await select(database, f"insert into usage {values}", uuid4(), attempt, account)
    desk = Desk(database, account)
    given = {"webhook_id": await desk.webhook("https://1.1.1.1/hook"), "type": "webhook.test", "body": "{}"}
    for _ in range(5):
        await database.rows("insert_webhook_test", id=uuid4(), message_id=uuid4(), **given)
    async with database.transaction() as connection:
        await erasure.close_account(connection, account)
    assert await desk.later(minutes=1) == 0, "nothing is told any more"
    monkeypatch.setattr(erasing, "USAGE_BATCH", 2)
    counts = list[tuple[int, int, int]]()
    for _ in range(4):
        await eraser.erase()
        rows = await select(database, "select count(*) as used from usage where account_id = %s", account)
        told = len(await desk.states())
        counts.append((rows[0]["used"], told, len(await select(database, "select 1 from accounts where id = %s", account))))
    await desk.caller.close()
    assert counts == [(1, 3, 1), (0, 1, 1), (0, 0, 1), (0, 0, 0)]
