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
#: So many of them must be in the hands of a stage's worker that is killed.
LEAST_IN_HAND = 3
_POLL_SECONDS = 0.02
#: How long to wait for the work that was asked for before more is asked for.
_NO_WORK_SECONDS = 3.0
#: A process that is not back by then will not come back.
_BACK_SECONDS = 90.0


class Blow(NamedTuple):
    """A signal for a process of ours, or, without one, a restart of a server."""

    child: str
    signal: signal.Signals | None


class Struck(NamedTuple):
    """A blow that was struck: what was in flight, what of it the process itself had in hand, and how long it took to end."""

    blow: Blow
    in_flight: int
    in_hand: int | None
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


class Work(NamedTuple):
    """How a killer finds work, and has more made.

    `in_flight` counts the videos that the chain has and that have no analysis yet, None while nobody can say. `in_hand` counts the events
    that a stage's worker is working on, None for whoever is none. `more` asks the load for a burst.
    """

    in_flight: Callable[[], Awaitable[int | None]]
    in_hand: Callable[[ChildStatus], Awaitable[int | None]]
    more: Callable[[], None]


class Killer:
    """Strikes the blows of a plan, each when the work is there that it must land on."""

    def __init__(self, supervisor: Supervisor, work: Work, report: Callable[[str], None]) -> None:
        self._supervisor = supervisor
        self._work = work
        self._report = report
        self.struck: list[Struck] = []
        #: Seconds from each blow until the process was ready again: on a busy machine, most of what a video waits.
        self.seconds_to_return: list[float] = []

    async def run(self, blows: Sequence[Blow], pause: Callable[[], float]) -> None:
        """Strike one after another with pauses between; returns when all processes are back. Raises TimeoutError if one is not."""
        returning = []
        for blow in blows:
            await asyncio.sleep(pause())
            async with asyncio.timeout(_BACK_SECONDS):
                struck = await self._strike(blow)
            returning.append(asyncio.create_task(self._until_back(struck)))
            self.struck.append(struck)
            how = blow.signal.name if blow.signal else "restarted"
            hand = "" if struck.in_hand is None else f"({struck.in_hand} in hand)"
            ended = f"{struck.seconds_to_end:6.2f} s"
            self._report(f"{len(self.struck):4} {blow.child:18} {how:10} {struck.in_flight:4} in flight {hand:13} {ended}")
        await asyncio.wait_for(self._supervisor.until_ready(), _BACK_SECONDS)
        await asyncio.gather(*returning)

    async def _until_back(self, struck: Struck) -> None:
        ended = asyncio.get_running_loop().time()
        while self._status(struck.blow.child).state != "ready":  # noqa: ASYNC110 - another process becomes ready
            await asyncio.sleep(_POLL_SECONDS)
        self.seconds_to_return.append(struck.seconds_to_end + asyncio.get_running_loop().time() - ended)

    async def _strike(self, blow: Blow) -> Struck:
        in_flight, in_hand = await self._until_work(blow.child)
        started = asyncio.get_running_loop().time()
        if blow.signal is None:
            await self._supervisor.restart(blow.child)
        else:
            pid = self._status(blow.child).pid
            self._supervisor.kill(blow.child, blow.signal)
            while self._status(blow.child).pid == pid:  # noqa: ASYNC110 - it is another process that ends
                await asyncio.sleep(_POLL_SECONDS)
        return Struck(blow, in_flight, in_hand, asyncio.get_running_loop().time() - started)

    async def _until_work(self, child: str) -> tuple[int, int | None]:
        """Wait until the child is ready and has what it is to be killed over."""
        clock = asyncio.get_running_loop().time
        asked: float | None = None
        while True:
            if self._status(child).state == "ready":
                in_hand = await self._work.in_hand(self._status(child))
                in_flight = await self._work.in_flight()
                enough = in_flight is not None and in_flight >= LEAST_IN_FLIGHT and (in_hand is None or in_hand >= LEAST_IN_HAND)
                if in_flight is not None and enough and self._status(child).state == "ready":
                    return in_flight, in_hand
                if in_flight is not None and (asked is None or clock() - asked > _NO_WORK_SECONDS):
                    self._work.more()
                    asked = clock()
            await asyncio.sleep(_POLL_SECONDS)

    def _status(self, child: str) -> ChildStatus:
        return next(status for status in self._supervisor.status() if status.name == child)
