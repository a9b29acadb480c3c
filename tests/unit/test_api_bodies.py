"""JSON bodies that cannot be read, without a server."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import pytest
from litestar import Request
from litestar.testing import RequestFactory

from api import bodies
from api.problems import MalformedRequest
from schemas.resources import CreateUpload


@pytest.mark.parametrize("body", [b"", b"{", b'"\xff"', b"[" * 60_000, b'{"a":' * 10_000], ids=["empty", "open", "bytes", "lists", "maps"])
async def test_a_body_that_is_not_json_or_nested_without_an_end_is_malformed(body: bytes) -> None:
    request = RequestFactory().post("/v1/uploads", headers={"Content-Type": "application/json"})
    request._body = body
    with pytest.raises(MalformedRequest, match="is not JSON"):
        await bodies.read(request, CreateUpload)


async def test_a_body_that_trickles_is_given_up_and_its_connection_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.01)

    async def trickle(_: object) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Request, "body", trickle)
    request = RequestFactory().post("/v1/session", headers={"Content-Type": "application/json"})
    with pytest.raises(MalformedRequest, match="has not come") as refused:
        await bodies.read(request, CreateUpload)
    assert refused.value.headers == {"Connection": "close"}
