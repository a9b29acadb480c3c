"""How often an account may ask, counted in real PostgreSQL."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from api.problems import TooManyRequests
from api.rate_limits import WINDOW_SECONDS, RateLimits
from runtime.database import Database
from runtime.errors import DependencyUnavailable
from tests.chain import select


class Clock:
    """The replicas' time, and with it that of the bucket in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    async def pass_by(self, seconds: int) -> None:
        self.now += seconds
        await select(self._database, "update request_rates set empty_at = empty_at - make_interval(secs => %s)", seconds)


async def asked(limits: RateLimits, account_id: UUID, most: int) -> int:
    """How many of so many requests are let through."""
    for count in range(most):
        try:
            await limits.take(account_id)
        except TooManyRequests:
            return count
    return most


async def test_an_account_may_ask_so_often_at_once_and_again_as_time_passes(database: Database) -> None:
    account_id, clock = uuid4(), Clock(database)
    limits = RateLimits(database, 4, clock)
    for left in range(3, -1, -1):
        policy, state = await limits.take(account_id)
        assert policy == (b"ratelimit-policy", b'"account";q=4;w=60')
        assert state[1].startswith(b'"account";r=%d;t=' % left)
    with pytest.raises(TooManyRequests) as refused:
        await limits.take(account_id)
    again = int(refused.value.headers.pop("Retry-After"))
    assert 1 <= again <= 15
    assert refused.value.headers == {"ratelimit-policy": '"account";q=4;w=60', "ratelimit": '"account";r=0;t=60'}
    assert await asked(limits, uuid4(), 1) == 1, "another account is not concerned"
    await clock.pass_by(15)
    assert await asked(limits, account_id, 3) == 1
    await clock.pass_by(60)
    assert await asked(limits, account_id, 10) == 4


async def postgresql_time(database: Database) -> float:
    (row,) = await select(database, "select extract(epoch from clock_timestamp())::float8 as now")
    return float(row["now"])


async def test_what_an_account_may_ask_is_the_same_however_many_replicas_there_are(database: Database) -> None:
    """All of a minute's requests at once, and beyond them not one more than what has leaked meanwhile by PostgreSQL's clock."""
    account_id, clock, most = uuid4(), Clock(database), 500
    replicas = [RateLimits(database, most, clock) for _ in range(3)]
    began = await postgresql_time(database)
    counts = await asyncio.gather(*(asked(replica, account_id, most) for replica in replicas))
    leaked = (await postgresql_time(database) - began) * most / WINDOW_SECONDS
    assert most <= sum(counts) <= most + leaked


async def test_whoever_asks_often_costs_a_write_only_now_and_then_and_seldom_asking_wastes_nothing(database: Database) -> None:
    writes: list[int] = []

    class Counting:
        async def rows(self, query: str, **parameters: object) -> object:
            writes.append(int(str(parameters["asked"])))
            return await database.rows(query, **parameters)

    clock = Clock(database)
    limits = RateLimits(Counting(), 3_000, clock)  # type: ignore[arg-type]  # all that it asks of a database
    await asyncio.gather(*(limits.take(account_id) for account_id in [uuid4()] * 183))
    assert writes == [1, 2, 4, 8, 16, 32, 60, 60]
    writes.clear()
    seldom = uuid4()
    for _ in range(3):
        await limits.take(seldom)
        await clock.pass_by(2)
    assert writes == [1, 1, 1]


async def test_whoever_is_refused_costs_no_write_until_there_is_room_again(database: Database) -> None:
    account_id, clock = uuid4(), Clock(database)
    limits = RateLimits(database, 4, clock)
    await asked(limits, account_id, 10)
    await select(database, "delete from request_rates where account_id = %s", account_id)  # had it looked, there would be room
    assert await asked(limits, account_id, 1) == 0
    await clock.pass_by(15)
    assert await asked(limits, account_id, 1) == 1


async def test_those_that_wait_while_postgresql_hangs_are_refused_together_and_the_next_ask_again(database: Database) -> None:
    tries = 0

    class Hanging:
        async def rows(self, query: str, **parameters: object) -> object:
            nonlocal tries
            tries += 1
            if tries > 1:
                return await database.rows(query, **parameters)
            await asyncio.sleep(0)  # the others come to wait meanwhile
            raise DependencyUnavailable("postgresql", "no answer")

    account_id, clock = uuid4(), Clock(database)
    limits = RateLimits(Hanging(), 4, clock)  # type: ignore[arg-type]  # all that it asks of a database
    outcomes = await asyncio.gather(*(limits.take(account_id) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DependencyUnavailable] * 5
    assert tries == 1
    await clock.pass_by(2)
    assert await asked(limits, account_id, 10) == 4
