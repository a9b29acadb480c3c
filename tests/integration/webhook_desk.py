"""Webhooks of one account on real PostgreSQL, and a sender whose clock the test sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from consumers.webhook_calls import Caller
from consumers.webhook_messages import Deliveries
from consumers.webhook_sender import Sender
from runtime import uploads
from runtime.database import Database
from runtime.destinations import Destinations
from runtime.settings import Webhooks
from runtime.uploads import NewUpload
from schemas.events import Source
from schemas.status import Status
from schemas.webhook_signatures import SECRET_BYTES, as_text
from schemas.webhooks import WebhookEvent
from tests.chain import SOURCE, as_received, persisted, select

SECRET = bytes(range(SECRET_BYTES))


@dataclass
class Desk:
    """An account's webhooks, and what tells them: `now` is what the clock says, and a receiver may take `timeout` seconds."""

    database: Database
    account_id: UUID
    timeout: float = 5.0
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.settings = Webhooks(allow_loopback=True, timeout_seconds=self.timeout, in_flight_each=2)
        self.caller = Caller(Destinations(allow_loopback=True), self.timeout, lambda: self.now)
        self.sender = Sender(self.settings, self.database, self.caller, lambda: self.now, lambda: 0.0)
        self.deliveries = Deliveries(self.database, lambda: self.now)

    @property
    def secret(self) -> str:
        """The secret of every webhook here, as its owner sees it."""
        return as_text(SECRET)

    async def webhook(self, url: str, *, enabled: bool = True) -> UUID:
        """A webhook that is told of everything."""
        given = {"url": url, "description": None, "events": list(WebhookEvent), "enabled": enabled, "secret": SECRET}
        (row,) = await self.database.rows("insert_webhook", id=uuid4(), account_id=self.account_id, **given)
        return UUID(str(row["id"]))

    async def upload(self) -> UUID:
        """An upload of the account."""
        upload_id = uuid4()
        async with self.database.transaction() as connection:
            new = NewUpload(id=upload_id, account_id=self.account_id, source=Source(bucket="valence", key="ingest/clip.mp4"))
            assert await uploads.insert(connection, new, Status.RECEIVED, SOURCE)
        return upload_id

    async def tell(self, upload_id: UUID | None = None) -> UUID:
        """Tell of a persisted analysis, and return the upload."""
        known = upload_id or await self.upload()
        await self.deliveries.make(as_received(persisted(known, self.account_id)))
        return known

    async def work(self) -> int:
        """Send what is due now, and return how much that was."""
        claimed = await self.sender.claim(64)
        for one in claimed:
            await self.sender.record(one, await self.sender.send(one))
        return len(claimed)

    async def later(self, **time: float) -> int:
        """Let time pass, and send what is due then."""
        self.now += timedelta(**time)
        return await self.work()

    async def states(self) -> list[tuple[str, int]]:
        """Where every delivery stands, and how often it was tried."""
        found = await select(
            self.database,
            "select d.state, d.attempts from webhook_deliveries d join webhooks w on w.id = d.webhook_id where w.account_id = %s"
            " order by d.created_at, d.id",
            self.account_id,
        )
        return [(row["state"], row["attempts"]) for row in found]

    async def attempts(self) -> list[dict[str, Any]]:
        """Every try, in order."""
        return await select(
            self.database,
            "select a.* from webhook_attempts a join webhook_deliveries d on d.id = a.delivery_id join webhooks w on w.id = d.webhook_id"
            " where w.account_id = %s order by a.at, a.number",
            self.account_id,
        )

    async def row(self, webhook_id: UUID) -> dict[str, Any]:
        """A webhook's row."""
        (found,) = await select(self.database, "select * from webhooks where id = %s", webhook_id)
        return found

    async def end(self) -> None:
        """Leave nothing behind that another test's sender would send."""
        await select(self.database, "delete from webhooks where account_id = %s", self.account_id)
        await self.caller.close()
