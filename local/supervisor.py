"""Keeps all children of a stack: starts them side by side, stops them in the right order, leaves nothing behind."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from local.child import Child, ChildStatus
from local.errors import ChildUnknown, StackFailed
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
        self._watchdog: subprocess.Popen[str] | None = None
        self._failed: asyncio.Future[StackFailed] | None = None

    async def __aenter__(self) -> Self:
        self._failed = asyncio.get_running_loop().create_future()
        self._watchdog = subprocess.Popen([sys.executable, "-I", "-S", _WATCHDOG], stdin=subprocess.PIPE, text=True, start_new_session=True)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for servers in (False, True):
            await asyncio.gather(*(keeper.stop() for keeper in self._keepers if keeper.child.server == servers))
        watchdog = self._watchdog
        assert watchdog is not None and watchdog.stdin is not None
        watchdog.stdin.close()
        await asyncio.to_thread(watchdog.wait)

    async def start(self, children: Sequence[Child]) -> None:
        """Start children side by side and return when all serve.

        Raises StackFailed if one does not come up in time or keeps dying.
        """
        assert self._failed is not None
        batch = [Keeper(child, self._logs, self._report, self._announce, self._failed) for child in children]
        self._keepers += batch
        for keeper in batch:
            keeper.start()
        ready = asyncio.gather(*(keeper.until_ready() for keeper in batch))
        await asyncio.wait({ready, self._failed}, return_when=asyncio.FIRST_COMPLETED)
        if self._failed.done():
            ready.cancel()
            await asyncio.gather(ready, return_exceptions=True)
            raise self._failed.result()
        await ready

    async def until_failed(self) -> StackFailed:
        """Wait until a child has died too often, and answer the reason."""
        assert self._failed is not None
        return await asyncio.shield(self._failed)

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
        assert self._watchdog is not None and self._watchdog.stdin is not None
        self._watchdog.stdin.write(line + "\n")
        self._watchdog.stdin.flush()
