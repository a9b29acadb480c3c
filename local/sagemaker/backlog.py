"""The stand-in's memory: accepted invocations and unsent notices in SQLite, durable before anybody is told of them.

Writes that arrive while the disk is busy share the next commit, so that many invocations cost one.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from local.sagemaker.requests import Invocation

T = TypeVar("T")

_SCHEMA = """
create table if not exists invocations (id text primary key, invocation blob not null, notice text);
create table if not exists counts (inference_id text primary key, accepted integer not null);
"""
_COUNT = "insert into counts values (?, 1) on conflict do update set accepted = accepted + 1"
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Invocation)


class Unfinished(NamedTuple):
    """What an earlier life of the process left behind: invocations to work on, and notices (by invocation id) to send."""

    invocations: list[Invocation]
    notices: list[tuple[str, str]]


class _Write(NamedTuple):
    statements: list[tuple[str, tuple[object, ...]]]
    committed: asyncio.Future[None]


class Backlog:
    """Invocations from their acceptance until their notice is sent. Every method returns when the disk has it."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="backlog")
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = full")
        self._connection.executescript(_SCHEMA)
        self._writes: list[_Write] = []
        self._flushing: asyncio.Task[None] | None = None

    async def unfinished(self) -> Unfinished:
        """Everything that is not done, oldest first."""
        rows = await self._read("select id, invocation, notice from invocations order by rowid")
        return Unfinished(
            [_decoder.decode(invocation) for _, invocation, notice in rows if notice is None],
            [(id, notice) for id, _, notice in rows if notice is not None],
        )

    async def counts(self) -> dict[str, int]:
        """How often each inference id was accepted, ever."""
        return dict(await self._read("select inference_id, accepted from counts"))

    async def accept(self, invocation: Invocation) -> None:
        """Take an invocation on."""
        insert = "insert into invocations (id, invocation) values (?, ?)"
        await self._write((insert, (invocation.id, _encoder.encode(invocation))), (_COUNT, (invocation.inference_id,)))

    async def answered(self, id: str, notice: str) -> None:
        """The invocation's files are in S3: only its notice is left to send."""
        await self._write(("update invocations set notice = ? where id = ?", (notice, id)))

    async def done(self, ids: Iterable[str]) -> None:
        """Forget invocations."""
        await self._write(*(("delete from invocations where id = ?", (id,)) for id in ids))

    def close(self) -> None:
        """Let go of the file, after the commit that is under way."""
        self._executor.shutdown()
        self._connection.close()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    async def _read(self, query: str) -> list[Any]:
        return await self._in_thread(lambda: self._connection.execute(query).fetchall())

    async def _write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        write = _Write(list(statements), asyncio.get_running_loop().create_future())
        self._writes.append(write)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        await write.committed

    async def _flush(self) -> None:
        while self._writes:
            writes, self._writes = self._writes, []
            failure: Exception | None = None
            try:
                await self._in_thread(partial(self._commit, writes))
            except Exception as error:
                failure = error  # raised where the write was asked for
            for write in writes:
                if write.committed.done():  # whoever waited was cancelled
                    continue
                if failure is None:
                    write.committed.set_result(None)
                else:
                    write.committed.set_exception(failure)
        self._flushing = None

    def _commit(self, writes: list[_Write]) -> None:
        with self._connection:
            self._connection.execute("begin immediate")
            for write in writes:
                for statement, values in write.statements:
                    self._connection.execute(statement, values)
