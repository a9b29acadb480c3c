"""How often an account may ask."""

from __future__ import annotations

from uuid import uuid4

import pytest

from api.problems import TooManyRequests
from api.rate_limits import RateLimits

ACCOUNT = uuid4()


def test_an_account_may_ask_so_often_at_once_and_again_as_time_passes() -> None:
    now = 1_000.0
    limits = RateLimits(60, clock=lambda: now)
    for left in range(59, -1, -1):
        assert (b"ratelimit", b'"account";r=%d;t=%d' % (left, 60 - left)) in limits.take(ACCOUNT)
    with pytest.raises(TooManyRequests) as refused:
        limits.take(ACCOUNT)
    assert refused.value.headers == {"ratelimit-policy": '"account";q=60;w=60', "ratelimit": '"account";r=0;t=60', "Retry-After": "1"}
    limits.take(uuid4())
    now += 1
    limits.take(ACCOUNT)
    with pytest.raises(TooManyRequests):
        limits.take(ACCOUNT)
    now += 60
    for _ in range(60):
        limits.take(ACCOUNT)
