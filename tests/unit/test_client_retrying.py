"""How long the Python client asks again, and when it does not."""

from __future__ import annotations

import httpx
import pytest

from schemas.resources import PROBLEM_TYPES
from valence import ApiError, ServiceUnreachable
from valence.retrying import Persistence


def away(**headers: str) -> httpx.Response:
    body = {"type": PROBLEM_TYPES + "dependency-unavailable", "title": "t", "status": 503, "detail": "s3 is away"}
    return httpx.Response(503, json=body, headers=headers)


async def test_no_pause_is_longer_than_the_patience_and_a_wrong_address_is_told_at_once() -> None:
    now, pauses = 0.0, list[float]()

    async def sleep(seconds: float) -> None:
        nonlocal now
        pauses.append(seconds)
        now += seconds

    def persistence() -> Persistence:
        return Persistence("http://api", 60, sleep=sleep, clock=lambda: now)

    async def away_for_a_while() -> httpx.Response:
        return away()

    async def away_for_an_hour() -> httpx.Response:
        return away(**{"Retry-After": "3600"})

    async def nothing_there() -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(ApiError):
        await persistence().ask(away_for_a_while)
    assert 5 < len(pauses) < 20
    assert (30 < sum(pauses) <= 60, max(pauses) <= 20) == (True, True)
    asked = len(pauses)
    with pytest.raises(ApiError):
        await persistence().ask(away_for_an_hour)
    with pytest.raises(ServiceUnreachable):
        await persistence().ask(nothing_there)
    with pytest.raises(ApiError):
        await persistence().ask(away_for_a_while, again=False)
    assert len(pauses) == asked
    known = persistence()
    with pytest.raises(ApiError):
        await known.ask(away_for_a_while, again=False)
    with pytest.raises(ServiceUnreachable):
        await known.ask(nothing_there)
    assert len(pauses) > asked
