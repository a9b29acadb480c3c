"""What signing in does, whichever way: a session of its own each time, a familiar address, a line in the audit log, and the cookie."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.background_tasks import BackgroundTask
from psycopg.rows import DictRow

from api import audit, cookies, tokens
from api.audit import Action
from api.services import Services
from api.visitors import Visitor
from runtime import database
from runtime.database import Connection
from runtime.identifiers import uuid7
from runtime.settings import Settings
from schemas.accounts import Account, Session, SignedIn

#: More than anybody has browsers; the one that was not used for longest goes first.
MOST_SESSIONS = 100


async def begin_session(
    connection: Connection, services: Services, account: DictRow, visitor: Visitor, action: Action, replaced: str | None = None
) -> tuple[str, SignedIn]:
    """A new session for an account, and its token. `replaced` is the token that the browser had until now: it is worth nothing any more."""
    chosen = services.settings.accounts
    token = tokens.mint()
    row = await database.row(
        connection,
        "insert_session",
        id=uuid7(),
        account_id=account["id"],
        token_sha256=tokens.digest(token),
        address=visitor.address,
        user_agent=visitor.user_agent,
        lifetime=timedelta(seconds=chosen.session_seconds),
    )
    assert row is not None
    if replaced is not None:
        await database.rows(connection, "end_session_by_token", token_sha256=tokens.digest(replaced))
    await database.rows(connection, "end_oldest_sessions", account_id=account["id"], most=MOST_SESSIONS)
    await database.rows(connection, "remember_address", account_id=account["id"], address=visitor.network)
    await database.rows(connection, "purge_addresses", account_id=account["id"])
    await audit.record(connection, account["id"], action, visitor, session_id=row["id"])
    return token, SignedIn(account=as_account(account, services.settings), session=as_session(row, current=True))


def signed_in(
    request: Request[Any, Any, Any],
    services: Services,
    token: str,
    who: SignedIn,
    status_code: int,
    background: BackgroundTask | None = None,
) -> Response[SignedIn]:
    """The answer that signs a browser in."""
    settings = services.settings
    cookie = cookies.session_cookie(request.scope, settings.api.public_url, token, settings.accounts.session_seconds)
    return Response(who, status_code=status_code, cookies=[cookie], background=background)


def as_account(row: DictRow, settings: Settings) -> Account:
    """A row of the table as the API shows it."""
    return msgspec.convert({**row, "must_verify_email": must_verify(row, settings)}, Account)


def must_verify(row: DictRow, settings: Settings) -> bool:
    """Whether an account has an address that nobody has shown to be theirs, where the operator's settings let that be shown."""
    return settings.sends_mail and row["email"] is not None and row["email_verified_at"] is None


def as_session(row: DictRow, *, current: bool) -> Session:
    """A row of the table as the API shows it."""
    return msgspec.convert({**row, "current": current}, Session)
