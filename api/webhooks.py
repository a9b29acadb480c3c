"""The webhooks of an account: made, listed, changed and deleted by their owner."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import FromPath

from api import audit, bodies, confirmed_accounts
from api.accounts import Scope
from api.audit import Action
from api.documentation import problems
from api.guards import requires
from api.problems import EmailUnverified, InvalidRequest, NoSuchWebhook, TooManyWebhooks, UnsupportedMediaType, field_at
from api.services import Authenticated, Injected, Services
from api.visitors import visitor
from runtime import database
from runtime.database import Database
from runtime.destinations import RefusedDestination
from runtime.identifiers import canonical, uuid7
from schemas.webhook_signatures import SECRET_BYTES, as_text
from schemas.webhooks import MOST_AT_ONCE, ChangeWebhook, NewWebhook, Webhook, WebhookList, WebhookWithSecret

#: Webhooks that an account may have.
MOST_WEBHOOKS = 20
#: How long the secret before the newest still signs, for receivers to learn the new one.
OVERLAP = timedelta(hours=24)
#: How long a name server may take.
_RESOLVE_SECONDS = 5.0


@get("/webhooks", guards=[requires(Scope.WEBHOOKS_READ)], responses=problems())
async def list_webhooks(request: Authenticated, services: Injected) -> WebhookList:
    """The account's webhooks, the oldest first."""
    rows = await services.database.rows("account_webhooks", account_id=request.user.account_id)
    return WebhookList(data=[as_webhook(row) for row in rows])


@post(
    "/webhooks",
    guards=[requires(Scope.WEBHOOKS_WRITE)],
    operation_class=bodies.operation(NewWebhook),
    responses=problems(InvalidRequest, UnsupportedMediaType, TooManyWebhooks, EmailUnverified),
)
async def create_webhook(request: Authenticated, services: Injected) -> Response[WebhookWithSecret]:
    """Make a webhook; the answer shows the secret that its messages are signed with, this once.

    The receiver must have a public address and speak https. It is told of what happens from now on.
    """
    data = await bodies.read(request, NewWebhook)
    await _check_url(services, data.url)
    principal, secret = request.user, secrets.token_bytes(SECRET_BYTES)
    async with services.database.transaction() as connection:
        await confirmed_accounts.lock(connection, services, principal.account_id)
        counted = await database.row(connection, "count_webhooks", account_id=principal.account_id)
        if counted is not None and counted["webhooks"] >= MOST_WEBHOOKS:
            raise TooManyWebhooks(f"the account has {MOST_WEBHOOKS} webhooks: delete one that nobody needs first")
        row = await database.row(
            connection,
            "insert_webhook",
            id=uuid7(),
            account_id=principal.account_id,
            url=data.url,
            description=data.description,
            events=sorted(set(data.events)),
            enabled=data.enabled,
            secret=secret,
        )
        made = _with_secret(row or {}, secret)
        await audit.record_by(connection, principal, Action.WEBHOOK_CREATED, visitor(request.scope), detail=str(made.id))
    return Response(made, headers={"Location": f"/v1/webhooks/{made.id}"})


@get("/webhooks/{webhook_id:str}", guards=[requires(Scope.WEBHOOKS_READ)], responses=problems(NoSuchWebhook))
async def get_webhook(request: Authenticated, services: Injected, webhook_id: FromPath[str]) -> Webhook:
    """A webhook as it stands."""
    return await find(services.database, request.user.account_id, webhook_id)


@patch(
    "/webhooks/{webhook_id:str}",
    guards=[requires(Scope.WEBHOOKS_WRITE)],
    operation_class=bodies.operation(ChangeWebhook),
    responses=problems(InvalidRequest, UnsupportedMediaType, NoSuchWebhook),
)
async def change_webhook(request: Authenticated, services: Injected, webhook_id: FromPath[str]) -> Webhook:
    """Change a webhook. One that is disabled is told nothing: what happens meanwhile is kept as failed and can be replayed."""
    before = await find(services.database, request.user.account_id, webhook_id)
    data = await bodies.read(request, ChangeWebhook)
    if data.url is not msgspec.UNSET and data.url != before.url:
        await _check_url(services, data.url)
    now = datetime.now(UTC)
    wanted = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET}
    async with services.database.transaction() as connection:
        if await database.row(connection, "lock_webhook", id=before.id) is None:
            raise _missing(webhook_id)
        current = await database.row(connection, "account_webhook", id=before.id, account_id=request.user.account_id)
        changed = as_webhook({**(current or {}), **wanted})
        row = await database.row(
            connection,
            "change_webhook",
            id=changed.id,
            url=changed.url,
            description=changed.description,
            events=sorted(set(changed.events)),
            enabled=changed.enabled,
            now=now,
        )
        if not changed.enabled:  # what is left after so many is given up by the sender
            await database.rows(connection, "give_up_webhook_deliveries", webhook_id=changed.id, now=now, most=MOST_AT_ONCE)
        await audit.record_by(connection, request.user, Action.WEBHOOK_CHANGED, visitor(request.scope), detail=str(changed.id))
    return as_webhook(row or {})


@delete("/webhooks/{webhook_id:str}", status_code=204, guards=[requires(Scope.WEBHOOKS_WRITE)], responses=problems(NoSuchWebhook))
async def delete_webhook(request: Authenticated, services: Injected, webhook_id: FromPath[str]) -> None:
    """Delete a webhook with its deliveries: its receiver is told nothing more."""
    found = await find(services.database, request.user.account_id, webhook_id)
    async with services.database.transaction() as connection:
        if not await database.rows(connection, "delete_webhook", id=found.id, account_id=request.user.account_id):
            raise _missing(webhook_id)
        await audit.record_by(connection, request.user, Action.WEBHOOK_DELETED, visitor(request.scope), detail=str(found.id))


@post("/webhooks/{webhook_id:str}/secret", status_code=200, guards=[requires(Scope.WEBHOOKS_WRITE)], responses=problems(NoSuchWebhook))
async def rotate_secret(request: Authenticated, services: Injected, webhook_id: FromPath[str]) -> WebhookWithSecret:
    """Give a webhook a new secret, shown this once. For 24 hours both sign, so that the receiver never meets a message it cannot check;
    of two changes within that time the second ends the first secret at once."""
    found = await find(services.database, request.user.account_id, webhook_id)
    secret = secrets.token_bytes(SECRET_BYTES)
    async with services.database.transaction() as connection:
        row = await database.row(
            connection, "rotate_webhook_secret", id=found.id, account_id=request.user.account_id, secret=secret, overlap=OVERLAP
        )
        if row is None:
            raise _missing(webhook_id)
        await audit.record_by(connection, request.user, Action.WEBHOOK_ROTATED, visitor(request.scope), detail=str(found.id))
    return _with_secret(row, secret)


async def find(db: Database, account_id: UUID, text: str) -> Webhook:
    """The account's webhook with this id; NoSuchWebhook for every other text."""
    parsed = canonical(text)
    found = await db.rows("account_webhook", id=parsed, account_id=account_id) if parsed is not None else []
    if not found:
        raise _missing(text)
    return as_webhook(found[0])


def as_webhook(row: Mapping[str, Any]) -> Webhook:
    """A row as it is shown; a secret that signs no more is not told of."""
    until = row["previous_until"]
    return msgspec.convert({**row, "previous_until": until if until and until > datetime.now(UTC) else None}, Webhook)


async def _check_url(services: Services, url: str) -> None:
    try:
        async with asyncio.timeout(_RESOLVE_SECONDS):
            await services.destinations.check(url)
            return
    except RefusedDestination as error:
        why = str(error)
    except TimeoutError:
        why = "no name server has answered for its name"
    expected = "an https address on the public internet, on port 443 or from 1024 on"
    raise InvalidRequest(f"no message may go to {url[:200]!r}: {why}; expected {expected}", errors=[field_at("url", url, expected)])


def _with_secret(row: Mapping[str, Any], secret: bytes) -> WebhookWithSecret:
    return WebhookWithSecret(**msgspec.structs.asdict(as_webhook(row)), secret=as_text(secret))


def _missing(webhook_id: str) -> NoSuchWebhook:
    return NoSuchWebhook(f"this account has no webhook {webhook_id[:100]!r}: `GET /v1/webhooks` lists them")
