"""The links by which a password is reset, mailed by the API or printed by the command line."""

from __future__ import annotations

from datetime import timedelta

from api import audit, tokens
from api.audit import Action
from api.visitors import Visitor
from runtime import database
from runtime.database import Connection

LIFETIME = timedelta(minutes=30)


async def make_link(connection: Connection, email: str, base_url: str, who: Visitor) -> str | None:
    """A link for the account of this address; None where there is none. The token is in the fragment, which no server logs."""
    token = tokens.mint()
    row = await database.row(connection, "insert_password_reset", token_sha256=tokens.digest(token), email=email, lifetime=LIFETIME)
    if row is None:
        return None
    await audit.record(connection, row["account_id"], Action.RESET_REQUESTED, who)
    return f"{base_url}/#reset={token}"
