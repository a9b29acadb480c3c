"""The connections to PostgreSQL: what they do about a network that falls silent, and about a server that hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from runtime import database as databases
from runtime.database import SILENCE_SECONDS, Connection, Database
from runtime.errors import DependencyUnavailable
from runtime.settings import Settings, Stage
from tests.chain import select
from tests.waiting import until


def seconds_until_silence_is_noticed(connection: Connection) -> tuple[float, float]:
    """For a connection with data on its way, and for one that only waits, as the kernel of Linux will count."""
    with socket.socket(fileno=os.dup(connection.fileno())) as ours:
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, interval, probes = (
            ours.getsockopt(socket.IPPROTO_TCP, option) for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        return ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) / 1_000, idle + interval * probes


async def test_every_connection_notices_within_ten_seconds_that_the_network_is_silent(database: Database) -> None:
    async with await database.dedicated() as dedicated, database.transaction() as pooled:
        for connection in (dedicated, pooled):
            assert seconds_until_silence_is_noticed(connection) == (SILENCE_SECONDS, SILENCE_SECONDS)
    assert SILENCE_SECONDS == 10


@asynccontextmanager
async def hanging(connection: Connection) -> AsyncIterator[None]:
    """Stop the process of PostgreSQL that answers on this connection: the kernel goes on acknowledging what it is sent."""
    pid = connection.info.backend_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(20):  # for a statement that nobody gives up
            yield
    finally:
        os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def opened(settings: Settings, connections: int, *, patient: bool = False) -> AsyncIterator[Database]:
    """A pool of so many connections."""
    database = Database(settings.database_url, connections, patient=patient)
    try:
        yield database
    finally:
        await database.close()


async def test_a_server_that_hangs_is_away_and_the_next_statement_has_another_connection(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "ANSWER_SECONDS", 0.2)
    async with opened(settings, 1) as database:
        async with database.connection() as pooled:
            pass
        async with hanging(pooled):
            with pytest.raises(DependencyUnavailable, match=r"postgresql is unavailable: no answer to a statement within 0\.2 s"):
                await database.rows("reachable")
            assert await database.rows("reachable")


async def test_a_server_that_hangs_in_a_transaction_or_on_a_connection_of_ones_own_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "ANSWER_SECONDS", 0.2)
    with pytest.raises(DependencyUnavailable, match="no answer"):
        async with database.transaction() as within, hanging(within):
            await databases.rows(within, "reachable")
    dedicated = await database.dedicated()
    async with hanging(dedicated):
        with pytest.raises(DependencyUnavailable, match="no answer"), databases.availability():
            await dedicated.execute("select 1")
    assert dedicated.closed


@pytest.mark.parametrize("condition", ["disk_full", "io_error", "out_of_memory"])
async def test_a_server_that_lacks_room_is_away(database: Database, condition: str) -> None:
    with pytest.raises(DependencyUnavailable, match="no more of it"):
        await select(database, f"do $$ begin raise exception using errcode = '{condition}', message = 'no more of it'; end $$")


async def test_what_the_server_has_closed_is_handed_to_nobody(settings: Settings, database: Database) -> None:
    """After a restart of PostgreSQL every connection of a pool is such a one, and each would be a failed request."""
    async with opened(settings, 2) as pool:
        async with pool.connection() as first, pool.connection() as second:
            pids = [connection.info.backend_pid for connection in (first, second)]
        for pid in pids:
            await select(database, "select pg_terminate_backend(%s, 10000)", pid)
        assert await pool.rows("reachable")


async def test_only_a_patient_database_gives_a_statement_all_the_time_it_takes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "ANSWER_SECONDS", 0.2)
    async with opened(settings, 1, patient=True) as patient, opened(settings, 1) as other:
        await select(patient, "select pg_sleep(0.4)")
        with pytest.raises(DependencyUnavailable, match="no answer"):
            await select(other, "select pg_sleep(0.4)")


@pytest.mark.parametrize("patient_client", [False, True], ids=["the client has given up", "the client waits"])
async def test_the_server_ends_a_statement_that_takes_too_long_whoever_gives_up_first(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, patient_client: bool
) -> None:
    monkeypatch.setattr(databases, "STATEMENT_SECONDS", 0.4)
    monkeypatch.setattr(databases, "ANSWER_SECONDS", 20.0 if patient_client else 0.1)
    told = "canceling statement due to statement timeout" if patient_client else "no answer"
    marker = uuid4().hex
    async with opened(settings, 1) as slow:
        with pytest.raises(DependencyUnavailable, match=told):
            await select(slow, f"select pg_sleep(30) as s{marker}")

    async def running() -> list[dict[str, object]]:
        like = f"select pg_sleep(30) as s{marker}"
        return await select(database, "select pid from pg_stat_activity where query = %s and state = 'active'", like)

    await until(running, "the server goes on with the statement", holds=lambda found: not found, seconds=10)


@pytest.mark.parametrize("of_the_address", [False, True], ids=["the environment", "the address"])
async def test_the_limit_of_statements_stands_beside_the_options_of(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, of_the_address: bool
) -> None:
    monkeypatch.setenv("PGOPTIONS", f"-c application_name={'theirs' if of_the_address else 'mine'}")
    database = Database(settings.database_url + ("?options=-c%20application_name%3Dmine" if of_the_address else ""), 1)
    shown = "select current_setting('application_name') as name, current_setting('statement_timeout') as statement"
    try:
        assert await select(database, shown) == [{"name": "mine", "statement": "8s"}]
    finally:
        await database.close()


def test_a_server_ends_a_statement_before_its_client_gives_it_up() -> None:
    assert databases.STATEMENT_SECONDS < databases.ANSWER_SECONDS


def test_a_server_that_hangs_is_found_out_within_a_stages_attempt() -> None:
    assert Stage().timeout_seconds > databases.ANSWER_SECONDS, "or the server's fault would look like the record's"
