"""PostgreSQL: a pool, transactions, the named queries and the migrations."""

from __future__ import annotations

import asyncio
import os
import re
import select
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import resources
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_dumps
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from runtime.errors import DependencyUnavailable

Answer = TypeVar("Answer")

Connection = psycopg.AsyncConnection[DictRow]

#: How long to wait for a connection before PostgreSQL counts as away.
CONNECT_SECONDS = 5
#: A network that swallows packets breaks no connection, and Linux alone would wait for hours: after this it counts as lost.
SILENCE_SECONDS = 10
#: Nor does a server that hangs break a connection, and its kernel goes on acknowledging what it is sent: a statement that has no answer by
#: then is given up. It is less than a stage's attempt has, or the server's fault would look like the record's.
ANSWER_SECONDS = 10.0
#: Before that the server ends the statement itself, or it would go on beside the next try of it.
STATEMENT_SECONDS = 8.0
#: How soon a wait may be interrupted, as psycopg has it.
_INTERRUPTIBLE_SECONDS = 0.1
#: Any number that no other program takes: one process migrates, the others wait for it.
_MIGRATION_LOCK = 0x56414C31
#: How often it is looked whether the other process has finished.
_MIGRATING_SECONDS = 0.5
#: How a migration begins of which each statement commits by itself.
_EACH_BY_ITSELF = b"-- each statement by itself"

_DATABASE = resources.files("schemas") / "database"

#: What every connection is opened with. A single statement is its own transaction: two round trips fewer than with an explicit one.
_CONNECTING: dict[str, Any] = {
    "row_factory": dict_row,
    "autocommit": True,
    "connect_timeout": CONNECT_SECONDS,
    "tcp_user_timeout": SILENCE_SECONDS * 1_000,  # for a statement on its way
    "keepalives_idle": 4,  # and for a connection that only waits, as the relay's does for notifications
    "keepalives_interval": 2,
    "keepalives_count": 3,
}

set_json_dumps(msgspec.json.encode)


def _named_queries() -> dict[str, bytes]:
    queries: dict[str, bytes] = {}
    for file in (_DATABASE / "queries").iterdir():
        parts = re.split(r"^-- name: (\w+)\n", file.read_text(), flags=re.MULTILINE)[1:]
        for name, statement in zip(parts[::2], parts[1::2], strict=True):
            if name in queries:
                raise ValueError(f"two queries are named {name}, one of them in {file.name}: a name stands for one statement")
            queries[name] = statement.strip().encode()
    return queries


#: The statements of schemas/database/queries/, by name.
QUERIES = _named_queries()


@contextmanager
def availability() -> Iterator[None]:
    """Turn psycopg's errors that are the server's fault into DependencyUnavailable; errors about the statement pass."""
    try:
        yield
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.errors.ReadOnlySqlTransaction,
        PoolTimeout,
    ) as error:
        raise DependencyUnavailable("postgresql", str(error).strip() or type(error).__name__) from error


class _ImpatientConnection(psycopg.AsyncConnection[DictRow]):
    """A connection that is lost when a statement has had no answer for `ANSWER_SECONDS`. What the server has read of it may still happen,
    as with every connection that breaks."""

    async def wait(self, gen: PQGen[Answer], interval: float = _INTERRUPTIBLE_SECONDS, timeout: float | None = None) -> Answer:
        try:
            return await super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise  # it is the answer, or the connection has broken by itself
            await self.close()
            raise psycopg.OperationalError(f"no answer to a statement within {ANSWER_SECONDS:g} s") from error


def _limits(url: str, *, patient: bool) -> str:
    """The server's own limit for a statement, beside the options that the URL or else the environment has."""
    given = conninfo_to_dict(url).get("options") or os.environ.get("PGOPTIONS", "")
    return f"{given} -c statement_timeout={0 if patient else STATEMENT_SECONDS * 1_000:.0f}".strip()


async def _not_closed(connection: Connection) -> None:
    """Raise OperationalError where the server has closed a connection while it lay in the pool, as one that was restarted has closed all of
    them: the socket knows, and the server need not be asked each time."""
    readable = select.poll()
    readable.register(connection.fileno(), select.POLLIN)
    while readable.poll(0):
        connection.pgconn.consume_input()  # the server's last words first, and then their end, which raises


class Database:
    """A pool of connections; every method raises DependencyUnavailable while PostgreSQL is away, or too busy for a statement.

    With `patient`, a statement may take as long as it likes, and a server that hangs is waited for without a word.
    """

    def __init__(self, url: str, connections: int = 8, *, patient: bool = False) -> None:
        self._url = url
        self._kind: type[Connection] = psycopg.AsyncConnection if patient else _ImpatientConnection
        self._connecting = {**_CONNECTING, "options": _limits(url, patient=patient)}
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            connection_class=self._kind,
            check=_not_closed,
            kwargs=self._connecting,
            min_size=1,
            max_size=connections,
            timeout=CONNECT_SECONDS,
            reconnect_timeout=30,
            open=False,
        )
        self._opened = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection within a transaction that commits at the end of the body, or rolls back if it raises."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection on which each statement is a transaction of its own."""
        if not self._opened:
            await self._pool.open()
            self._opened = True
        with availability():
            async with self._pool.connection() as connection:
                yield connection

    async def dedicated(self) -> Connection:
        """A connection outside the pool, in autocommit, for advisory locks and notifications."""
        with availability():
            return await self._kind.connect(self._url, **self._connecting)

    async def rows(self, query: str, **parameters: Any) -> list[DictRow]:
        """The rows of a named query in a transaction of its own."""
        async with self.connection() as connection:
            return await rows(connection, query, **parameters)

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()


async def rows(connection: Connection, query: str, **parameters: Any) -> list[DictRow]:
    """The rows of a named query; an empty list for a statement that returns none."""
    cursor = await connection.execute(QUERIES[query], parameters)
    return await cursor.fetchall() if cursor.description else []


async def row(connection: Connection, query: str, **parameters: Any) -> DictRow | None:
    """The first row of a named query, None where there is none."""
    found = await rows(connection, query, **parameters)
    return found[0] if found else None


async def migrate(url: str) -> list[str]:
    """Apply the migrations that are not applied yet, and return their names: each in a transaction, unless it says that each of its
    statements is to be one by itself, as an index must be that is built beside the work."""
    database = Database(url, patient=True)  # an index may take its time
    connection = await database.dedicated()
    applied = []
    with availability():
        async with connection:
            await _migrate_alone(connection)
            await connection.execute("create table if not exists migrations (name text primary key, applied_at timestamptz default now())")
            applying = "insert into migrations (name) values (%s)"
            done = {found["name"] for found in await (await connection.execute("select name from migrations")).fetchall()}
            for file in sorted((_DATABASE / "migrations").iterdir(), key=lambda entry: entry.name):
                if file.name in done or not file.name.endswith(".sql"):
                    continue
                script = file.read_bytes()
                if script.startswith(_EACH_BY_ITSELF):
                    for statement in filter(bytes.strip, script.split(b";\n")):
                        await connection.execute(statement)
                    await connection.execute(applying, [file.name])
                else:
                    async with connection.transaction():
                        await connection.execute(script)
                        await connection.execute(applying, [file.name])
                applied.append(file.name)
    return applied


async def _migrate_alone(connection: Connection) -> None:
    """Until the connection closes no other process migrates. Not by waiting for the lock: an index that is built beside the work waits for
    all statements that are under way, and one that waits for the lock would be among them."""
    while True:
        (tried,) = await (await connection.execute("select pg_try_advisory_lock(%s) as locked", [_MIGRATION_LOCK])).fetchall()
        if tried["locked"]:
            return
        await asyncio.sleep(_MIGRATING_SECONDS)
