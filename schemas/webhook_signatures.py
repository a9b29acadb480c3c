"""How messages to webhooks are signed, by both ends: the Standard Webhooks specification 1.0, symmetric signatures of version 1."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

#: What a secret begins with as its owner sees it; the rest is base64.
SECRET_PREFIX = "whsec_"  # noqa: S105  # the prefix of all secrets is none
#: How many bytes a secret of ours has, and the fewest that the specification takes: with less, whoever guesses it signs.
SECRET_BYTES, FEWEST_SECRET_BYTES = 32, 24
#: The headers of every message.
ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
_VERSION = "v1,"
#: What to do with headers that are no text: some servers hand them over as lone surrogates, and such a signature is just none of ours.
_ODD = "surrogateescape"


def as_text(secret: bytes) -> str:
    """A secret as it is shown to its owner."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def as_bytes(text: str) -> bytes:
    """The bytes of a secret that is written `whsec_...`; ValueError for every other text, and for one that is empty or cut off."""
    try:
        secret = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("the secret is not base64: copy all of it, from `whsec_` to the end") from error
    if len(secret) < FEWEST_SECRET_BYTES:
        raise ValueError(f"the secret has {len(secret)} bytes, fewer than {FEWEST_SECRET_BYTES}: copy all of it, from `whsec_` to the end")
    return secret


def signatures(secrets: Iterable[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature by each secret, with spaces between. `timestamp` in seconds since 1970."""
    signed = f"{message_id}.{timestamp}.".encode(errors=_ODD) + body
    return " ".join(_VERSION + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode() for secret in secrets)


def is_signed(secret: bytes, message_id: str, timestamp: int, body: bytes, header: str) -> bool:
    """Whether one of the signatures in the header is by this secret."""
    expected = signatures([secret], message_id, timestamp, body).encode()
    return any(hmac.compare_digest(expected, given.encode(errors=_ODD)) for given in header.split(" "))
