"""Keeps all children of a stack: starts them side by side, stops them in the right order, leaves nothing behind."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from local.child import Child, ChildStatus
from local.errors import ChildUnknown
from local.keeper import Keeper

_WATCHDOG = str(Path(__file__).with_name("watchdog.py"))


class Supervisor:
    """The children of one stack.

    Use it as `async with`, from one event loop in a thread that lives as long as the children: on Linux they are killed when that thread
    ends. At the end our own processes are stopped first, all side by side, and the servers that they need after them.
    """

    def __init__(self, logs: Path, report: Callable[[str], None]) -> None:
        self._logs = logs
        self._report = report
        self._keepers: list[Keeper] = []
        self._watchdog: asyncio.subprocess.Process
        self._pipe: IO[str]
        self._failed: asyncio.Future[None]

    async def __aenter__(self) -> Self:
        self._failed = asyncio.get_running_loop().create_future()
        reading, writing = os.pipe()
        self._pipe = os.fdopen(writing, "w", buffering=1)
        self._watchdog = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", _WATCHDOG), stdin=reading, start_new_session=True
        )
        os.close(reading)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for servers in (False, True):
            await asyncio.gather(*(keeper.stop() for keeper in self._keepers if keeper.child.server == servers))
        self._pipe.close()
        await self._watchdog.wait()

    async def start(self, children: Sequence[Child]) -> None:
        """Start children side by side and return when all serve.

        Raises StackFailed if one does not come up in time or keeps dying.
        """
        batch = [Keeper(child, self._logs, self._report, self._announce, self._failed) for child in children]
        self._keepers += batch
        for keeper in batch:
            keeper.start()
        ready = asyncio.create_task(_all_ready(batch))
        failed = asyncio.create_task(self.until_failed())
        try:
            await asyncio.wait({ready, failed}, return_when=asyncio.FIRST_COMPLETED)
            await (failed if failed.done() else ready)
        finally:
            ready.cancel()
            failed.cancel()
            await asyncio.gather(ready, failed, return_exceptions=True)

    async def until_failed(self) -> None:
        """Wait until something has failed for good, and raise it: StackFailed if a child has died too often."""
        await asyncio.shield(self._failed)

    async def until_ready(self) -> None:
        """Wait until every child serves. Raises StackFailed if one takes longer than it may."""
        await _all_ready(self._keepers)

    def status(self) -> list[ChildStatus]:
        """How every child fares."""
        return [keeper.status for keeper in self._keepers]

    def kill(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a child, or to all replicas of a stage. Raises ChildUnknown."""
        for keeper in self._named(name):
            keeper.kill(number)

    async def restart(self, name: str) -> None:
        """Stop a child, or all replicas of a stage, and return when they serve again. Raises ChildUnknown, StackFailed."""
        await asyncio.gather(*(keeper.restart() for keeper in self._named(name)))

    def _named(self, name: str) -> list[Keeper]:
        found = [keeper for keeper in self._keepers if name in (keeper.child.name, keeper.child.group)]
        if not found:
            raise ChildUnknown(name, [keeper.child.name for keeper in self._keepers])
        return found

    def _announce(self, line: str) -> None:
        self._pipe.write(f"{line}\n")


async def _all_ready(keepers: Sequence[Keeper]) -> None:
    await asyncio.gather(*(keeper.until_ready() for keeper in keepers))
