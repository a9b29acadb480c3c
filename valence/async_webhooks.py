"""The account's webhooks, asynchronous: one method a route."""

from __future__ import annotations

import builtins
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import httpx
import msgspec

from schemas.webhooks import (
    ENDINGS,
    ChangeWebhook,
    Delivery,
    DeliveryPage,
    DeliveryState,
    NewWebhook,
    Replayed,
    ReplayFailures,
    Webhook,
    WebhookEvent,
    WebhookList,
    WebhookWithSecret,
)

T = TypeVar("T")

Send = Callable[..., Awaitable[httpx.Response]]


class AsyncWebhooks:
    """What `client.webhooks` is; errors are those of the client. What would be done twice by a repeat is asked for once only."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def create(
        self, url: str, *, events: Iterable[WebhookEvent] = ENDINGS, description: str | None = None, enabled: bool = True
    ) -> WebhookWithSecret:
        """Have an https address told of these events; `secret`, by which its messages are checked, is shown this once."""
        wanted = NewWebhook(url=url, events=[*events], description=description, enabled=enabled)
        return await self._ask(WebhookWithSecret, "POST", "", body=wanted, again=False)

    async def list(self) -> builtins.list[Webhook]:
        """The account's webhooks, the oldest first."""
        return (await self._ask(WebhookList, "GET", "")).data

    async def get(self, webhook_id: UUID) -> Webhook:
        """A webhook as it stands."""
        return await self._ask(Webhook, "GET", f"/{webhook_id}")

    async def change(self, webhook_id: UUID, change: ChangeWebhook) -> Webhook:
        """Change what `change` names, and leave the rest: `ChangeWebhook(enabled=True)`."""
        return await self._ask(Webhook, "PATCH", f"/{webhook_id}", body=change)

    async def delete(self, webhook_id: UUID) -> None:
        """Delete a webhook with its deliveries."""
        await self._send("DELETE", f"/v1/webhooks/{webhook_id}", again=False)

    async def rotate_secret(self, webhook_id: UUID) -> WebhookWithSecret:
        """Give a webhook a new secret, shown this once; until `previous_until` the one before signs too."""
        return await self._ask(WebhookWithSecret, "POST", f"/{webhook_id}/secret", again=False)

    async def test(self, webhook_id: UUID) -> Delivery:
        """Send a message of the type `webhook.test`; `delivery` tells later what came of it."""
        return await self._ask(Delivery, "POST", f"/{webhook_id}/test", again=False)

    async def deliveries(
        self, webhook_id: UUID, *, limit: int = 20, after: str | None = None, states: Iterable[DeliveryState] = ()
    ) -> DeliveryPage:
        """A page of deliveries, newest first; `after` is the `next_cursor` of the page before."""
        parameters: builtins.list[tuple[str, str | int]] = [("limit", limit), *(("state", state.value) for state in states)]
        parameters += [("after", after)] if after else []
        return await self._ask(DeliveryPage, "GET", f"/{webhook_id}/deliveries", params=parameters)

    async def delivery(self, webhook_id: UUID, delivery_id: UUID) -> Delivery:
        """A delivery as it stands, with its newest tries."""
        return await self._ask(Delivery, "GET", f"/{webhook_id}/deliveries/{delivery_id}")

    async def replay(self, webhook_id: UUID, delivery_id: UUID) -> Delivery:
        """Send a delivery again under the same `webhook-id`, however it has ended."""
        return await self._ask(Delivery, "POST", f"/{webhook_id}/deliveries/{delivery_id}/replay", again=False)

    async def replay_failures(self, webhook_id: UUID, since: datetime) -> int:
        """Send again all that has failed since a time, which must have a zone; returns how many that are."""
        return (await self._ask(Replayed, "POST", f"/{webhook_id}/replay", body=ReplayFailures(since=since), again=False)).replayed

    async def _ask(self, kind: type[T], method: str, path: str, **request: Any) -> T:
        return msgspec.json.decode((await self._send(method, f"/v1/webhooks{path}", **request)).content, type=kind)
