"""Keeps one child alive: starts it, waits until it serves, reports its death, restarts it, stops it."""

import asyncio
import os
import shutil
import signal
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import IO

from local.child import Child, ChildStatus, State, launcher
from local.errors import StackFailed
from local.log_files import last_lines, open_log

#: A child that dies this often within a minute stops the stack.
DEATHS_THAT_STOP = 5
#: A server that dies with less than this left on its disk has died of that, as PostgreSQL does where the next 16 MiB of its journal do not
#: fit: it is started again until somebody has made room, since what was accepted lies there and the rest of the stack can wait for it.
ROOM_BYTES = 32 << 20
FULL_DISK_PAUSE = 5.0
_MINUTE = 60.0
#: Doubled at each death within the minute.
_FIRST_BACKOFF = 0.25
_READY_POLL = 0.05
_ENDING = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT)


class Keeper:
    """One child and its life.

    `report` takes a line for people. `announce` takes "+PID" when a process group lives and "-PID" when it has ended. `failed` is given
    the exception that ends the stack. All methods belong to the supervisor's event loop.
    """

    def __init__(
        self,
        child: Child,
        logs: Path,
        report: Callable[[str], None],
        announce: Callable[[str], None],
        failed: "asyncio.Future[None]",
    ) -> None:
        self.child = child
        self._log_path = logs / f"{child.name}.log"
        self._report = report
        self._announce = announce
        self._failed = failed
        self._process: asyncio.subprocess.Process | None = None
        self._state: State = "stopped"
        self._ready = asyncio.Event()
        self._deaths: deque[float] = deque(maxlen=DEATHS_THAT_STOP)
        self._restarts = 0
        self._disk_told = False
        self._stopping = False
        self._asked = False
        self._task: asyncio.Task[None] | None = None

    @property
    def status(self) -> ChildStatus:
        """How the child fares now."""
        return ChildStatus(self.child.name, self._state, self._process.pid if self._process else None, self.child.address, self._restarts)

    def start(self) -> None:
        """Begin to keep the child alive."""
        self._task = asyncio.create_task(self._or_fail(self._keep()), name=f"keep {self.child.name}")

    async def until_ready(self) -> None:
        """Wait until the child serves. Raises StackFailed if that takes longer than the child says it may."""
        try:
            await asyncio.wait_for(self._ready.wait(), self.child.ready_within)
        except TimeoutError:
            raise StackFailed(f"{self.child.name} was not ready after {self.child.ready_within:g} s{self._log_tail()}") from None

    def kill(self, number: signal.Signals) -> None:
        """Send the child a signal; if the signal is one that ends it, it is started again and that does not count as a death."""
        if self._process is None:
            return
        if number in _ENDING:
            self._asked = True
            self._state = "restarting"
            self._ready.clear()
        _signal(self._process, number)

    async def restart(self) -> None:
        """Stop the child with its grace, and return when it serves again."""
        self._ready.clear()
        if self._process is not None:
            self._asked = True
            await self._end(self._process)
        await self.until_ready()

    async def stop(self) -> None:
        """Stop the child for good, at the latest by SIGKILL after its grace."""
        self._stopping = True
        if self._process is not None and await self._end(self._process):
            self.child.stopped_cleanly()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._state = "stopped"

    async def _or_fail(self, work: Coroutine[None, None, None]) -> None:
        """Do something in the background; a fault of ours ends the stack instead of going unseen."""
        try:
            await work
        except Exception as error:
            if not self._failed.done():
                self._failed.set_exception(error)

    async def _keep(self) -> None:
        while not self._stopping:
            self._state = "starting" if not self._restarts else "restarting"
            code = await self._live_once()
            if self._stopping:
                return
            self._restarts += 1
            self._state = "restarting"
            if self._asked:
                self._asked = False
                self._report(f"{self.child.name} was ended as asked ({_how(code)}); starting it again")
                continue
            delay = self._after_death(code)
            if delay is None:
                return
            await asyncio.sleep(delay)

    def _after_death(self, code: int) -> float | None:
        """Report a death and answer how long to wait before the restart, or None if the stack must stop."""
        if self.child.server and (free := shutil.disk_usage(self.child.folder).free) < ROOM_BYTES:
            self._report_full_disk(code, free)
            return FULL_DISK_PAUSE
        self._deaths.append(monotonic())
        recent = [when for when in self._deaths if when > self._deaths[-1] - _MINUTE]
        tail = self._log_tail()
        if len(recent) >= DEATHS_THAT_STOP:
            if not self._failed.done():
                died = f"{self.child.name} died {len(recent)} times within a minute, last {_how(code)}"
                self._failed.set_exception(StackFailed(died + tail))
            return None
        delay = _FIRST_BACKOFF * 2.0 ** (len(recent) - 1)
        self._report(f"{self.child.name} died ({_how(code)}), restarting it in {delay:g} s{tail}")
        return delay

    def _report_full_disk(self, code: int, free: int) -> None:
        """Say once, until it serves again, what the operator is to do."""
        if self._disk_told:
            return
        self._disk_told = True
        left = f"the disk under {self.child.folder} is full, {free / (1 << 20):.1f} MiB are left"
        advice = f"Make room: until then it is started again every {FULL_DISK_PAUSE:g} s, and what was accepted waits"
        self._report(f"{self.child.name} died ({_how(code)}): {left}. {advice}{self._log_tail()}")

    async def _live_once(self) -> int:
        started = monotonic()
        with open_log(self._log_path) as log:
            process = await self._spawn(log)
        self._announce(f"+{process.pid}")
        self._process = process
        watching = asyncio.create_task(self._or_fail(self._watch_ready(started)))
        try:
            return await process.wait()
        finally:
            watching.cancel()
            self._ready.clear()
            self._process = None
            _kill_group(process.pid)  # what it started must not outlive it: the next one needs the ports and files
            self._announce(f"-{process.pid}")

    async def _spawn(self, log: IO[bytes]) -> asyncio.subprocess.Process:
        child = self.child
        # A session of its own: Ctrl-C in the terminal must reach the supervisor alone, which stops things in order.
        return await asyncio.create_subprocess_exec(
            *launcher(child.user, passage=child.passage),
            *child.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(child.environment),
            cwd=child.folder,
            start_new_session=True,
        )

    async def _watch_ready(self, started: float) -> None:
        while not await self.child.ready():  # noqa: ASYNC110 - it is another process that becomes ready
            await asyncio.sleep(_READY_POLL)
        self._state = "ready"
        self._disk_told = False
        self._ready.set()
        self._report(f"{self.child.name} is ready on {self.child.address} ({monotonic() - started:.1f} s)")

    async def _end(self, process: asyncio.subprocess.Process) -> bool:
        """Signal, wait, kill. Answers whether the process left by itself."""
        _signal(process, self.child.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self.child.grace)
        except TimeoutError:
            _kill_group(process.pid)
            await process.wait()
            return False
        return True

    def _log_tail(self) -> str:
        lines = last_lines(self._log_path)
        return f"; the last lines of {self._log_path}:\n" + "\n".join(f"    {line}" for line in lines) if lines else "; its log is empty"


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    # Not process.send_signal: in Python 3.11 it may reap the child itself, and asyncio then never learns the exit code.
    if process.returncode is None:
        with suppress(ProcessLookupError):  # dead, and about to be noticed
            os.kill(process.pid, number)


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):  # the usual case: nothing of the group is left
        os.killpg(leader, signal.SIGKILL)
