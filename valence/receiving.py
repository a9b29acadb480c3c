"""For receivers of webhooks: whether what has come is a message of ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from schemas.codec import UNREADABLE
from schemas.webhook_signatures import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, as_bytes, is_signed
from valence.errors import WebhookRefused

#: How old a message may be: one that somebody has overheard and sends again later is refused.
TOLERANCE_SECONDS = 300
#: Of a time in seconds; with hundreds no clock's number can be compared to it.
_MOST_DIGITS = 15


def verify_webhook(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """The message in a request to a webhook: `type`, `timestamp` and `data`; WebhookRefused where the secret has not signed it.

    `body` must be the bytes as they came. The header `webhook-id` is the same for every repeat of a message.
    """
    given = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER) if name not in given]
    if missing:
        raise WebhookRefused(f"the request has no header {missing[0]}: it is no message of Valence")
    sent = given[TIMESTAMP_HEADER]
    if not (sent.isascii() and sent.isdigit() and len(sent) <= _MOST_DIGITS) or abs(clock() - int(sent)) > tolerance_seconds:
        raise WebhookRefused(
            f"{TIMESTAMP_HEADER} is {sent[:20]!r}: more than {tolerance_seconds:.0f} s from now; is this machine's clock right?"
        )
    if not is_signed(as_bytes(secret), given[ID_HEADER], int(sent), body, given[SIGNATURE_HEADER]):
        raise WebhookRefused("the signature is not by this secret: is it this webhook's, and is the body as it came, byte for byte?")
    try:
        message: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except UNREADABLE as error:
        raise WebhookRefused(f"the body is no message: {error}") from error
    return message
