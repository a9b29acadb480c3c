"""Bodies that stall, trickle or break off, and digests that were announced for them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from api.incoming import SLOWEST_BYTES_A_SECOND, STALLED_SECONDS, Digest, announced_digest, pieces
from api.problems import ContentStalled, DigestMismatch, IncompleteContent, InvalidRequest


def body(*parts: bytes) -> Any:
    """What an ASGI server gives of a body in these parts."""
    messages = iter([*({"type": "http.request", "body": part, "more_body": True} for part in parts), {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    return receive


async def test_a_body_that_breaks_off_is_told_from_one_that_ends() -> None:
    with pytest.raises(IncompleteContent):
        _ = [piece async for piece in pieces(body(b"a"))]


async def test_a_sender_that_trickles_is_sent_away_and_a_slow_one_is_not() -> None:
    def clock(step: float) -> Iterator[float]:
        now = 0.0
        while True:
            yield now
            now += step

    slow, trickling = clock(1.0), clock(STALLED_SECONDS)
    with pytest.raises(IncompleteContent):  # it was heard to its end
        _ = [piece async for piece in pieces(body(*[bytes(SLOWEST_BYTES_A_SECOND)] * 600), clock=lambda: next(slow))]
    with pytest.raises(ContentStalled, match="fewer at once"):
        _ = [piece async for piece in pieces(body(*[b"x"] * 600), clock=lambda: next(trickling))]


def test_a_digest_is_read_from_its_header_and_other_algorithms_are_passed_over() -> None:
    digest = hashlib.sha256(b"video").digest()
    value = base64.b64encode(digest).decode()
    assert announced_digest(f"sha-512=:AAAA:, sha-256=:{value}:") == digest
    assert announced_digest("sha-512=:AAAA:") is None
    assert announced_digest(None) is None
    for wrong in ("", "sha-256", f"sha-256={value}", "sha-256=:AAAA:", "sha-256=:A:", f"sha-256=:{value}:;", ":::"):
        with pytest.raises(InvalidRequest):
            announced_digest(wrong)


def test_every_digest_that_was_announced_must_fit() -> None:
    right, wrong = hashlib.sha256(b"video").digest(), bytes(32)
    for announced, fits in (((right, right), True), ((None, None), True), ((right, wrong), False), ((None, wrong), False)):
        digest = Digest(*announced)
        digest.update(b"vid")
        digest.update(b"eo")
        if fits:
            digest.check()
        else:
            with pytest.raises(DigestMismatch, match=right.hex()):
                digest.check()
