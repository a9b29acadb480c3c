"""Purging what has lapsed: some rows at a time, so that no statement takes long however much has come together."""

from __future__ import annotations

from datetime import timedelta

from runtime.database import Database
from runtime.settings import Accounts
from schemas.resources import ANSWERS_KEPT

#: Rows that go in one statement.
BATCH = 1_000


class Purger:
    """Deletes rows that nobody asks for any more. Any number may work at once."""

    def __init__(self, settings: Accounts, db: Database) -> None:
        self._database = db
        #: The statements, each with what it is to be told beside how many rows may go.
        self._purges: dict[str, dict[str, timedelta]] = {
            "purge_idempotent": {"kept": ANSWERS_KEPT},
            "purge_request_rates": {},
            "purge_throttles": {},
            "purge_sessions": {"idle": timedelta(seconds=settings.session_idle_seconds)},
            "purge_password_resets": {},
            "purge_email_verifications": {},
            "purge_audit": {},
            "purge_webhook_deliveries": {},
            "purge_webhooks": {},
        }

    async def purge(self) -> int:
        """Delete a batch of each kind; returns how many rows the largest had."""
        return max([len(await self._database.rows(query, most=BATCH, **told)) for query, told in self._purges.items()])
