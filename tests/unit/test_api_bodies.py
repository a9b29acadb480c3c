"""JSON bodies that cannot be read, without a server."""

from __future__ import annotations

import pytest
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
