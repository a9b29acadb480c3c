"""Kills that land on work: who is killed when and how, and what was in flight at that moment."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from local.child import ChildStatus
from local.supervisor import Supervisor

_SIGNALS = (signal.SIGKILL, signal.SIGTERM)
#: Fewer videos in flight than this, and a kill proves nothing.
LEAST_IN_FLIGHT = 10
_POLL_SECONDS = 0.02
#: How long to wait for the work that was asked for before more is asked for.
_NO_WORK_SECONDS = 1.5
#: A process that is not back by then will not come back.
_BACK_SECONDS = 90.0


class Blow(NamedTuple):
    """A signal for a process of ours, or, without one, a restart of a server."""

    child: str
    signal: signal.Signals | None


class Struck(NamedTuple):
    """A blow that was struck: what was in flight, and how long the process took to end."""

    blow: Blow
    in_flight: int
    seconds_to_end: float


def plan(children: Sequence[str], servers: Sequence[str], times: int, dice: random.Random) -> list[Blow]:
    """Each child `times` times, by SIGKILL and by SIGTERM where it is more than once, and each server once; in random order."""
    blows = []
    for number, child in enumerate(children):
        by_turns = [_SIGNALS[(number + time) % 2] for time in range(min(times, 2))]
        blows += [Blow(child, chosen) for chosen in (*by_turns, *dice.choices(_SIGNALS, k=times - len(by_turns)))]
    dice.shuffle(blows)
    for server in servers:
        blows.insert(dice.randrange(len(blows) + 1), Blow(server, None))
    return blows


class Killer:
    """Strikes the blows of a plan, each when at least LEAST_IN_FLIGHT videos are in flight.

    `in_flight` counts the videos that the chain has and that have no analysis yet, None while nobody can say; `more_work` asks the load
    for a burst.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        in_flight: Callable[[], Awaitable[int | None]],
        more_work: Callable[[], None],
        report: Callable[[str], None],
    ) -> None:
        self._supervisor = supervisor
        self._in_flight = in_flight
        self._more_work = more_work
        self._report = report
        self.struck: list[Struck] = []

    async def run(self, blows: Sequence[Blow], pause: Callable[[], float]) -> None:
        """Strike one after another with pauses between; returns when all processes are back."""
        for blow in blows:
            await asyncio.sleep(pause())
            self.struck.append(await self._strike(blow))
        await asyncio.wait_for(self._supervisor.until_ready(), _BACK_SECONDS)

    async def _strike(self, blow: Blow) -> Struck:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_BACK_SECONDS):
            in_flight = await self._until_work()
            while not self._ready(blow.child):
                await asyncio.sleep(_POLL_SECONDS)
                in_flight = await self._until_work()
            pid, started = self._status(blow.child).pid, loop.time()
            if blow.signal is None:
                await self._supervisor.restart(blow.child)
            else:
                self._supervisor.kill(blow.child, blow.signal)
                while self._status(blow.child).pid == pid:  # noqa: ASYNC110 - it is another process that ends
                    await asyncio.sleep(_POLL_SECONDS)
        struck = Struck(blow, in_flight, loop.time() - started)
        how = blow.signal.name if blow.signal else "restarted"
        self._report(f"{len(self.struck) + 1:4} {blow.child:18} {how:10} {in_flight:4} in flight {struck.seconds_to_end:6.2f} s")
        return struck

    def _ready(self, child: str) -> bool:
        return self._status(child).state == "ready"

    async def _until_work(self) -> int:
        clock = asyncio.get_running_loop().time
        asked: float | None = None
        while True:
            count = await self._in_flight()
            if count is not None and count >= LEAST_IN_FLIGHT:
                return count
            if count is not None and (asked is None or clock() - asked > _NO_WORK_SECONDS):
                self._more_work()
                asked = clock()
            await asyncio.sleep(_POLL_SECONDS)

    def _status(self, child: str) -> ChildStatus:
        return next(status for status in self._supervisor.status() if status.name == child)
