"""What a webhook was told, and telling it again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, Parameter, QueryParameter

from api import bodies, cursors, throttling
from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.problems import InvalidRequest, NoSuchDelivery, NoSuchWebhook, TooManyTries, UnsupportedMediaType, WebhookDisabled
from api.services import Authenticated, Injected
from api.webhooks import find
from runtime import database
from runtime.database import Connection, Database
from runtime.identifiers import canonical, uuid7
from schemas.webhooks import (
    MOST_AT_ONCE,
    TEST_EVENT,
    Delivery,
    DeliveryPage,
    DeliveryState,
    Replayed,
    ReplayFailures,
    TrialData,
    Webhook,
    WebhookMessage,
)

#: Tries that are listed with a delivery, the newest.
MOST_ATTEMPTS = 20
#: Tests and replays of single deliveries that an account may ask for: its receiver may be a stranger's server.
ASKED = throttling.hourly(120)

Limit = Annotated[int, Parameter(ge=1, le=100, description="How many deliveries a page has.")]
After = Annotated[str | None, Parameter(description="The `next_cursor` of the page before.")]
States = Annotated[
    list[DeliveryState] | None, QueryParameter(name="state", description="Only deliveries that stand so; may be given again.")
]


@get("/webhooks/{webhook_id:str}/deliveries", guards=[requires(Scope.WEBHOOKS_READ)], responses=problems(InvalidRequest, NoSuchWebhook))
async def list_deliveries(
    request: Authenticated,
    services: Injected,
    webhook_id: FromPath[str],
    limit: Limit = 20,
    after: After = None,
    standing: States = None,
) -> DeliveryPage:
    """What a webhook was told, or is still to be told, in the last 30 days, newest first, each with its newest tries."""
    webhook = await find(services.database, request.user.account_id, webhook_id)
    time, delivery_id = cursors.read(after) if after is not None else (None, None)
    found = await _rows(services.database, webhook, states=standing, after=(time, delivery_id), most=limit + 1)
    page = found[:limit]
    cursor = cursors.write(page[-1].created_at, page[-1].id) if len(found) > limit else None
    return DeliveryPage(data=page, next_cursor=cursor)


@get(
    "/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}",
    guards=[requires(Scope.WEBHOOKS_READ)],
    responses=problems(NoSuchWebhook, NoSuchDelivery),
)
async def get_delivery(request: Authenticated, services: Injected, webhook_id: FromPath[str], delivery_id: FromPath[str]) -> Delivery:
    """A delivery as it stands."""
    webhook = await find(services.database, request.user.account_id, webhook_id)
    return await _delivery(services.database, webhook, delivery_id)


@post(
    "/webhooks/{webhook_id:str}/test",
    status_code=202,
    guards=[requires(Scope.WEBHOOKS_WRITE)],
    responses=problems(NoSuchWebhook, WebhookDisabled, TooManyTries),
)
async def try_webhook(request: Authenticated, services: Injected, webhook_id: FromPath[str]) -> Delivery:
    """Send a message of the type `webhook.test`; the delivery tells what came of it."""
    webhook = await find(services.database, request.user.account_id, webhook_id)
    await _take_try(services.database, request.user.account_id)
    message = WebhookMessage(type=TEST_EVENT, timestamp=datetime.now(UTC), data=TrialData(webhook_id=webhook.id))
    delivery_id = uuid7()
    async with services.database.transaction() as connection:
        await _lock_enabled(connection, webhook)
        await database.rows(
            connection,
            "insert_webhook_test",
            id=delivery_id,
            webhook_id=webhook.id,
            message_id=uuid7(),
            type=message.type,
            body=msgspec.json.encode(message).decode(),
        )
    return await _delivery(services.database, webhook, str(delivery_id))


@post(
    "/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}/replay",
    status_code=202,
    guards=[requires(Scope.WEBHOOKS_WRITE)],
    responses=problems(NoSuchWebhook, NoSuchDelivery, WebhookDisabled, TooManyTries),
)
async def replay_delivery(request: Authenticated, services: Injected, webhook_id: FromPath[str], delivery_id: FromPath[str]) -> Delivery:
    """Send a delivery again, however it has ended: the same message under the same `webhook-id`."""
    webhook = await find(services.database, request.user.account_id, webhook_id)
    found = await _delivery(services.database, webhook, delivery_id)
    await _take_try(services.database, request.user.account_id)
    async with services.database.transaction() as connection:
        await _lock_enabled(connection, webhook)
        await database.rows(connection, "replay_webhook_delivery", webhook_id=webhook.id, id=found.id)
    return await _delivery(services.database, webhook, delivery_id)


@post(
    "/webhooks/{webhook_id:str}/replay",
    status_code=202,
    guards=[requires(Scope.WEBHOOKS_WRITE)],
    operation_class=bodies.operation(ReplayFailures),
    responses=problems(InvalidRequest, UnsupportedMediaType, NoSuchWebhook, WebhookDisabled),
)
async def replay_failures(request: Authenticated, services: Injected, webhook_id: FromPath[str]) -> Replayed:
    """Send again everything that has failed since a time, also what happened while the webhook was disabled."""
    webhook = await find(services.database, request.user.account_id, webhook_id)
    data = await bodies.read(request, ReplayFailures)
    replayed, since = 0, data.since
    while True:
        async with services.database.transaction() as connection:
            await _lock_enabled(connection, webhook)
            told = {"webhook_id": webhook.id, "since": since, "most": MOST_AT_ONCE}
            (batch,) = await database.rows(connection, "replay_webhook_failures", **told)
        replayed, since = replayed + batch["replayed"], batch["newest"]
        if batch["replayed"] < MOST_AT_ONCE:
            return Replayed(replayed=replayed)


async def _take_try(db: Database, account_id: UUID) -> None:
    await throttling.take(db, ASKED, f"webhooks of {account_id}")


async def _lock_enabled(connection: Connection, webhook: Webhook) -> None:
    locked = await database.row(connection, "lock_webhook", id=webhook.id)
    if locked is None:
        raise NoSuchWebhook(f"the webhook {webhook.id} was just deleted")
    if not locked["enabled"]:
        raise WebhookDisabled(f"the webhook {webhook.id} is disabled: enable it first, with `PATCH` and `enabled`")


async def _delivery(db: Database, webhook: Webhook, text: str) -> Delivery:
    parsed = canonical(text)
    found = await _rows(db, webhook, delivery_id=parsed) if parsed is not None else []
    if not found:
        raise NoSuchDelivery(f"this webhook has no delivery {text[:100]!r}: `GET /v1/webhooks/{webhook.id}/deliveries` lists them")
    return found[0]


async def _rows(
    db: Database,
    webhook: Webhook,
    *,
    delivery_id: UUID | None = None,
    states: list[DeliveryState] | None = None,
    after: tuple[datetime | None, UUID | None] = (None, None),
    most: int = 1,
) -> list[Delivery]:
    rows = await db.rows(
        "webhook_deliveries",
        webhook_id=webhook.id,
        id=delivery_id,
        states=[state.value for state in states] if states else None,
        after_time=after[0],
        after_id=after[1],
        most=most,
        most_attempts=MOST_ATTEMPTS,
    )
    return [_as_delivery(row) for row in rows]


def _as_delivery(row: Mapping[str, Any]) -> Delivery:
    return msgspec.convert({**row, "message": msgspec.json.decode(row["body"])}, Delivery)
