"""The life of a process: settings, logs, health pages, work until SIGTERM, and a way out that never hangs."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

from runtime import health, settings, telemetry
from runtime.errors import SettingsError
from runtime.health import Readiness
from runtime.settings import Settings

log = logging.getLogger(__name__)

#: How long work in hand may go on after SIGTERM; then the process leaves, and what was not committed comes again.
GRACE_SECONDS = 10.0
#: How long a new process only works, for which videos may wait.
_WATCH_AFTER_SECONDS = 5.0


class Process:
    """What a running process knows: its settings, whether it is ready, and whether it should stop."""

    def __init__(self, name: str, configuration: Settings) -> None:
        self.name = name
        self.settings = configuration
        self.readiness = Readiness()
        self.stopping = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait, but not longer than until the process should stop."""
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            pass  # nobody asked to stop: the time is over

    @property
    def source(self) -> str:
        """This process in the envelope of its events, like `/producers/outbox-relay`."""
        return "/" + self.name.replace(".", "/")


def start(name: str) -> Process:
    """Read the settings, set up logs and serve the health pages; leaves with code 2 and a plain message if a setting is wrong."""
    try:
        configuration = settings.load()
    except SettingsError as error:
        print(f"valence {name}: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    telemetry.configure(name)
    process = Process(name, configuration)
    port = health.serve(lambda: process.readiness.obstacles, configuration.metrics.host, configuration.metrics.port)
    log.info("started", extra={"port": port})
    return process


async def _watch_the_broker(process: Process) -> None:
    """Whatever the process does, /readyz tells when there is no broker; what that needs is imported when the work is under way."""
    await asyncio.sleep(_WATCH_AFTER_SECONDS)
    broker_watch = await asyncio.to_thread(importlib.import_module, "runtime.broker_watch")
    await broker_watch.watch(process.settings.kafka_bootstrap_servers, process.readiness)


def leave_after(seconds: float) -> threading.Timer:
    """End this process the hard way unless it has ended, or the timer was cancelled, by then; uncommitted offsets are kept."""

    def leave() -> None:
        log.critical("not finished within %.0f s: leaving; unfinished work will be done again", seconds)
        os._exit(1)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
    return timer


def run(name: str, work: Callable[[Process], Awaitable[None]]) -> None:
    """Do `work` until it returns or the process is told to stop; an unexpected error is logged and ends the process with code 1."""
    process = start(name)

    async def supervised() -> None:
        def stop() -> None:
            process.stopping.set()
            leave_after(GRACE_SECONDS)

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        watching = asyncio.create_task(_watch_the_broker(process))
        working = asyncio.ensure_future(work(process))
        await asyncio.wait({watching, working}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        await working

    try:
        asyncio.run(supervised())
    except Exception:
        log.critical("crashed on purpose: this error was not expected, and work that is not committed will be done again", exc_info=True)
        os._exit(1)  # without waiting for threads that may be stuck in a call
    telemetry.flush()
    os._exit(0)
