"""The API keys of an account: made, listed and revoked by their owner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath
from psycopg.rows import DictRow

from api import audit, bodies, confirmed_accounts, credentials
from api.accounts import Scope
from api.audit import Action
from api.documentation import problems
from api.guards import requires
from api.principal import Principal
from api.problems import (
    EmailUnverified,
    InvalidRequest,
    MissingScope,
    NoSuchKey,
    TooManyKeys,
    UnsupportedMediaType,
    field_at,
)
from api.services import Authenticated, Injected
from api.visitors import visitor
from runtime import database
from schemas.accounts import CreatedKey, Key, KeyList, NewKey

#: Keys that work at the same time.
MOST_KEYS = 100
#: Whoever wants more wants no end.
LONGEST = timedelta(days=3_653)


@get("/keys", guards=[requires(Scope.ACCOUNT_READ)], responses=problems())
async def list_keys(request: Authenticated, services: Injected) -> KeyList:
    """The account's keys: those that were not revoked first, newest first."""
    rows = await services.database.rows("account_keys", account_id=request.user.account_id)
    return KeyList(data=[msgspec.convert(row, Key) for row in rows])


@post(
    "/keys",
    guards=[requires(Scope.ACCOUNT_WRITE)],
    operation_class=bodies.operation(NewKey),
    responses=problems(InvalidRequest, UnsupportedMediaType, TooManyKeys, EmailUnverified),
)
async def create_key(request: Authenticated, services: Injected) -> Response[CreatedKey]:
    """Make a key; the answer shows it, this once. A key can make keys that may do no more than itself, and for no longer."""
    data = await bodies.read(request, NewKey)
    now = datetime.now(UTC)
    if data.expires_at is not None and not now < data.expires_at < now + LONGEST:
        expected = "a time that is still to come, within ten years"
        raise InvalidRequest(
            f"expires_at is {data.expires_at.isoformat()}: expected {expected}",
            errors=[field_at("expires_at", data.expires_at.isoformat(), expected)],
        )
    principal = request.user
    key = credentials.mint()
    async with services.database.transaction() as connection:
        await confirmed_accounts.lock(connection, services, principal.account_id)
        counted = await database.row(connection, "count_working_keys", account_id=principal.account_id)
        if counted is not None and counted["keys"] >= MOST_KEYS:
            raise TooManyKeys(f"the account has {MOST_KEYS} keys: revoke one that nobody needs first")
        maker = await database.row(connection, "end_of_key", id=principal.key_id) if principal.key_id else None
        row = await database.row(
            connection,
            "insert_api_key",
            id=key.id,
            account_id=principal.account_id,
            name=data.name,
            secret_sha256=key.digest,
            last_four=key.last_four,
            scopes=_granted(principal, data.scopes),
            expires_at=_end(data.expires_at, maker),
        )
        await audit.record_by(connection, principal, Action.KEY_CREATED, visitor(request.scope), detail=key.id)
    answer = msgspec.convert({**(row or {}), "key": key.text}, CreatedKey)
    return Response(answer, headers={"Location": f"/v1/keys/{key.id}"})


@delete("/keys/{key_id:str}", status_code=204, responses=problems(NoSuchKey))
async def revoke_key(request: Authenticated, services: Injected, key_id: FromPath[str]) -> None:
    """Revoke a key: it is useless from the next request on, and its open streams end. Any key may revoke itself."""
    principal = request.user
    if principal.key_id != key_id and Scope.ACCOUNT_WRITE not in principal.scopes:
        raise MissingScope(f"the key {principal.key_id} may revoke itself: another needs a key with the scope {Scope.ACCOUNT_WRITE}")
    async with services.database.transaction() as connection:
        asked = {"id": key_id, "account_id": principal.account_id}
        if not key_id.isalnum() or not await database.rows(connection, "account_has_key", **asked):
            raise NoSuchKey(f"this account has no key {key_id[:100]!r}: `GET /v1/keys` lists them")
        if await database.rows(connection, "revoke_account_key", **asked):
            await audit.record_by(connection, principal, Action.KEY_REVOKED, visitor(request.scope), detail=key_id)


def _granted(principal: Principal, wanted: list[Scope]) -> list[str]:
    beyond = sorted(scope.value for scope in wanted if scope.value not in principal.scopes)
    if beyond:
        raise MissingScope(f"the key {principal.key_id} cannot give what it may not do itself: {', '.join(beyond)}; sign in to do that")
    return sorted({scope.value for scope in wanted})


def _end(wanted: datetime | None, maker: DictRow | None) -> datetime | None:
    ends = [end for end in (wanted, maker["expires_at"] if maker else None) if end is not None]
    return min(ends, default=None)
