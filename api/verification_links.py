"""The links by which an address is confirmed, mailed by the API or printed by the command line."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from api import audit, tokens
from api.audit import Action
from api.visitors import Visitor
from runtime import database
from runtime.database import Connection

LIFETIME = timedelta(hours=24)


async def make_link(connection: Connection, account_id: UUID, base_url: str, who: Visitor) -> str | None:
    """A link that confirms the address of an account; None where there is nothing to confirm. No server logs the fragment."""
    token = tokens.mint()
    named = {"token_sha256": tokens.digest(token), "account_id": account_id, "lifetime": LIFETIME}
    if await database.row(connection, "insert_email_verification", **named) is None:
        return None
    await audit.record(connection, account_id, Action.EMAIL_ASKED, who)
    return f"{base_url}/settings#verify={token}"
