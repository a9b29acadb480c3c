"""The connections to PostgreSQL: what they do about a network that falls silent."""

from __future__ import annotations

import os
import socket

from runtime.database import SILENCE_SECONDS, Connection, Database


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
