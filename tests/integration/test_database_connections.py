"""The connections to PostgreSQL: what they do about a network that falls silent, and about a server that hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from runtime import database as databases
from runtime.database import SILENCE_SECONDS, Connection, Database
from runtime.errors import DependencyUnavailable
from runtime.settings import Settings, Stage
from tests.chain import select


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


def test_a_server_that_hangs_is_found_out_within_a_stages_attempt() -> None:
    assert Stage().timeout_seconds > databases.ANSWER_SECONDS, "or the server's fault would look like the record's"
