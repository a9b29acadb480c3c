"""What only an account may do whose address was confirmed: it makes what works on without a browser, keys and webhooks."""

from __future__ import annotations

from uuid import UUID

from api import accounts
from api.problems import AccountClosed, EmailUnverified
from api.services import Services
from api.signing_in import must_verify
from runtime import database
from runtime.database import Connection


async def lock(connection: Connection, services: Services, account_id: UUID) -> None:
    """Lock the account until the transaction ends, so that its limits hold; AccountClosed without one, EmailUnverified as it says."""
    account = await database.row(connection, "lock_account", id=account_id)
    if account is None:
        raise AccountClosed(accounts.CLOSED)
    if must_verify(account, services.settings):
        raise EmailUnverified("open the link that was mailed to the account's address first: `POST /v1/email-verifications` sends another")
