"""The Python client's webhooks, against answers that a test writes, and the check of what a receiver gets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from schemas.webhook_signatures import as_text, signatures
from schemas.webhooks import ChangeWebhook, DeliveryState
from valence import ApiError, Client, WebhookRefused, verify_webhook

ID, OTHER = uuid4(), uuid4()
NOW = datetime(2026, 11, 26, tzinfo=UTC)
WEBHOOK = {
    "id": str(ID),
    "url": "https://example.org/",
    "description": None,
    "events": ["upload.failed"],
    "enabled": True,
    "disabled_reason": None,
    "failing_since": None,
    "previous_until": None,
    "created_at": NOW.isoformat(),
    "updated_at": NOW.isoformat(),
    "secret": "whsec_x",
}
DELIVERY: dict[str, object] = {
    "id": str(OTHER),
    "message_id": str(uuid4()),
    "type": "upload.failed",
    "upload_id": None,
    "state": "failed",
    "attempts": 0,
    "created_at": NOW.isoformat(),
    "next_attempt_at": None,
    "newest_attempts": [],
    "message": {},
}
SECRET, BODY, SENT = b"s" * 32, b'{"type": "upload.failed"}', 1_764_000_000


def test_each_method_asks_for_its_route_and_nothing_that_would_be_done_twice_is_asked_again() -> None:
    asked: list[tuple[str, str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().removeprefix("/v1/webhooks")
        asked.append((request.method, path, msgspec.json.decode(request.content) if request.content else None))
        lists = {"": {"data": [WEBHOOK]}, f"/{ID}/deliveries?limit=5&state=failed&after=x": {"data": [DELIVERY], "next_cursor": None}}
        if request.method == "GET" and path in lists:
            return httpx.Response(200, json=lists[path])
        if path == f"/{ID}/replay":
            return httpx.Response(202, json={"replayed": 7})
        return httpx.Response(200, json=DELIVERY if "deliveries" in path or path.endswith("test") else WEBHOOK)

    with Client("http://api", "val_live_x", transport=httpx.MockTransport(answer)) as client:
        hooks = client.webhooks
        assert hooks.create("https://example.org/").secret == "whsec_x"
        assert [webhook.id for webhook in hooks.list()] == [ID]
        assert hooks.get(ID).events == ["upload.failed"]
        hooks.change(ID, ChangeWebhook(enabled=True))
        assert hooks.rotate_secret(ID).secret == "whsec_x"
        assert hooks.test(ID).state is DeliveryState.FAILED
        assert [one.id for one in hooks.deliveries(ID, limit=5, after="x", states=[DeliveryState.FAILED]).data] == [OTHER]
        assert hooks.delivery(ID, OTHER).id == OTHER
        assert hooks.replay(ID, OTHER).id == OTHER
        assert hooks.replay_failures(ID, NOW) == 7
        hooks.delete(ID)
    assert asked[0][2] == {
        "url": "https://example.org/",
        "events": ["analysis.persisted", "upload.rejected", "upload.failed", "upload.expired", "upload.cancelled"],
        "description": None,
        "enabled": True,
    }
    assert asked[3] == ("PATCH", f"/{ID}", {"enabled": True})
    assert [(method, path) for method, path, _ in asked[-2:]] == [("POST", f"/{ID}/replay"), ("DELETE", f"/{ID}")]


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.webhooks.create("https://example.org/"),
        lambda client: client.webhooks.test(ID),
        lambda client: client.webhooks.rotate_secret(ID),
        lambda client: client.webhooks.replay(ID, OTHER),
    ],
)
def test_a_busy_api_is_not_asked_again_for_what_would_be_done_twice(ask: Callable[[Client], UUID]) -> None:
    asked: list[httpx.Request] = []

    def busy(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503, headers={"Retry-After": "0"}, json={"type": "x", "title": "t", "status": 503, "detail": "busy"})

    with Client("http://api", "val_live_x", transport=httpx.MockTransport(busy)) as client, pytest.raises(ApiError, match="busy"):
        ask(client)
    assert len(asked) == 1


def headers(body: bytes = BODY, sent: int = SENT, *, secret: bytes = SECRET) -> dict[str, str]:
    return {"Webhook-Id": "m", "webhook-timestamp": str(sent), "WEBHOOK-SIGNATURE": signatures([secret], "m", sent, body)}


def test_a_message_that_the_secret_has_signed_is_read_however_its_headers_are_written() -> None:
    assert verify_webhook(as_text(SECRET), headers(), BODY, clock=lambda: SENT + 299) == {"type": "upload.failed"}


@pytest.mark.parametrize(
    ("given", "body", "late", "why"),
    [
        (headers(), BODY + b" ", 0, "signature"),
        (headers(secret=b"o" * 32), BODY, 0, "signature"),
        (headers(), BODY, 301, "timestamp"),
        (headers(), BODY, -301, "timestamp"),
        ({**headers(), "webhook-timestamp": "soon"}, BODY, 0, "timestamp"),
        ({**headers(), "webhook-timestamp": "9" * 5_000}, BODY, 0, "timestamp"),
        ({**headers(), "Webhook-Id": "\udcff"}, BODY, 0, "signature"),
        ({**headers(), "WEBHOOK-SIGNATURE": "v1,\udcff"}, BODY, 0, "signature"),
        ({"webhook-id": "m"}, BODY, 0, "no header webhook-timestamp"),
        (headers(b"[]"), b"[]", 0, "no message"),
    ],
)
def test_what_is_no_message_of_ours_is_refused(given: dict[str, str], body: bytes, late: int, why: str) -> None:
    with pytest.raises(WebhookRefused, match=why):
        verify_webhook(as_text(SECRET), given, body, clock=lambda: SENT + late)
