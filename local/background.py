"""A stack in the background of an ordinary program: for tests, benchmarks and scripts that are not asynchronous."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from local.servers import SERVERS
from local.stack import Stack


@contextmanager
def running_stack(stack: Stack) -> Iterator[Stack]:
    """Run a stack while the `with` lasts.

    It lives in a thread of its own, which starts the children and outlives them (the parent-death signal of Linux goes by thread).
    Raises LocalStackError if it cannot come up, and at the end if it failed meanwhile. Ctrl-C while it comes up takes it down again.
    """
    begun: Future[tuple[asyncio.AbstractEventLoop, Callable[[], object]]] = Future()
    up: Future[None] = Future()
    ended: Future[None] = Future()
    stop = asyncio.Event()

    async def live() -> None:
        task = asyncio.current_task()
        assert task is not None
        begun.set_result((asyncio.get_running_loop(), task.cancel))
        async with stack:
            up.set_result(None)
            stopping = asyncio.create_task(stop.wait())
            failing = asyncio.create_task(stack.supervisor.until_failed())
            await asyncio.wait({stopping, failing}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if failing.done():
                await failing
            failing.cancel()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # handed to the thread that waits
            (ended if up.done() else up).set_exception(error)
        else:
            ended.set_result(None)

    thread = threading.Thread(target=run, name="local stack", daemon=True)
    thread.start()
    loop, cancel = begun.result()
    try:
        up.result()
    except BaseException:
        if not up.done():
            loop.call_soon_threadsafe(cancel)
        thread.join()
        raise
    try:
        yield stack
    finally:
        if not ended.done():
            loop.call_soon_threadsafe(stop.set)
        ended.result()


@contextmanager
def running_servers(data: Path, names: Sequence[str] = SERVERS, report: Callable[[str], None] = print) -> Iterator[dict[str, str]]:
    """Run only the servers named ("kafka", "postgres", "storage", "queue") and yield the variables by which programs find them."""
    with running_stack(Stack(data, processes=(), servers=names, report=report)) as stack:
        yield stack.environment()
