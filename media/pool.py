"""A pool of child processes that open strangers' files, so that a file can break, hang or bloat only the child that has it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType

from media.children import Child
from media.limits import MediaLimits, Rejected
from media.ranges import Ranges
from media.visit import Visit
from media.wire import MOST_THUMBNAIL_BYTES, Tag, Task
from schemas.media import MediaInfo

#: Files that a child opens before it is replaced, so that what FFmpeg leaks stays small.
FILES_PER_CHILD = 500


class PoolClosed(Exception):
    """The pool was closed before or while a file was open; the file was not judged."""


class MediaPool:
    """Opens files in children: `await probe(source)` says what a file is, `await thumbnail(source)` gives a small picture of it;
    `media.decoding` streams its sound.

    `size` files at a time; more wait their turn. A child that crashes, hangs past the limit or outgrows its memory is the file's
    rejection as unsafe_media, never a retry, and the next file gets a new child. A source's own error comes back as it is. A fault of
    ours raises ChildFault. Thread-safe; `probe` does not block the event loop.
    """

    def __init__(self, limits: MediaLimits, *, size: int = 2) -> None:
        self.limits = limits
        self._size = size
        self._turns = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._closed = False
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="media")

    def __enter__(self) -> MediaPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the children that there are now."""
        with self._lock:
            return tuple(child.pid for child in (*self._idle, *self._busy))

    def start(self) -> None:
        """Start every child now and wait until each is ready, instead of with the first files. Raises ChildFault."""
        self.begin()
        self.wait_ready()

    def begin(self) -> None:
        """Start every child now, and let them get ready while the caller does something else."""
        children = [Child(self.limits) for _ in range(self._size)]
        with self._lock:
            self._idle.extend(children)

    def wait_ready(self) -> None:
        """Wait until every child that was begun is ready; call it before the first file. Raises ChildFault."""
        with self._lock:
            starting = [child for child in self._idle if not child.ready]
        for child in starting:
            child.wait_ready()

    async def probe(self, source: Ranges) -> MediaInfo:
        """Say what a file is. The source is read in a thread. Raises Rejected, ChildFault, PoolClosed and what the source raises."""
        if self._closed:
            raise PoolClosed("the media pool is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.probe_blocking, source)

    def probe_blocking(self, source: Ranges) -> MediaInfo:
        """The same for a caller that has a thread of its own."""
        with self.visit(source, Task(size=source.size, limits=self.limits), self.limits.probe_seconds) as visit:
            _, data = visit.next()
            return visit.parsed(data, MediaInfo)

    async def thumbnail(self, source: Ranges) -> bytes | None:
        """A small picture of a file as JPEG, None where it has no pictures; as for `probe` otherwise."""
        if self._closed:
            raise PoolClosed("the media pool is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._thumbnail, source)

    def _thumbnail(self, source: Ranges) -> bytes | None:
        task = Task(size=source.size, limits=self.limits, thumbnail=True)
        with self.visit(source, task, self.limits.probe_seconds) as visit:
            tag, data = visit.next()
            if tag is not Tag.THUMBNAIL or len(data) > MOST_THUMBNAIL_BYTES or (data and not data.startswith(b"\xff\xd8")):
                visit.healthy = False
                raise visit.broken("it sent a picture that is none")
            return bytes(data) or None

    @contextmanager
    def visit(self, source: Ranges, task: Task, seconds: float) -> Iterator[Visit]:
        """Give a child one file, when it is its turn; a child that did not come through it well is ended."""
        with self._turns:
            child = self._borrow()
            healthy = False
            try:
                visit = Visit(child, source, task, seconds)
                try:
                    yield visit
                finally:
                    healthy = visit.healthy
            except Rejected as rejected:
                # Our own closing must not pass for the fault of the file.
                if self._closed and not healthy:
                    raise PoolClosed("the media pool was closed while a file was open: try the file again") from rejected
                raise
            finally:
                self._give_back(child, healthy)

    def close(self) -> None:
        """End every child. Files that are open raise PoolClosed."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for child in self._busy:
                child.interrupt()
        for child in idle:
            child.kill()
        self._threads.shutdown(wait=True)

    def _borrow(self) -> Child:
        with self._lock:
            if self._closed:
                raise PoolClosed("the media pool is closed")
            dead = [child for child in self._idle if not child.alive]
            self._idle = [child for child in self._idle if child not in dead]
            child = self._idle.pop() if self._idle else Child(self.limits)
            self._busy.add(child)
        for gone in dead:
            gone.kill()  # Ended by somebody while it was idle: no file's fault.
        if not child.ready:
            try:
                child.wait_ready()
            except BaseException:
                with self._lock:
                    self._busy.discard(child)
                raise
        return child

    def _give_back(self, child: Child, healthy: bool) -> None:
        child.files += 1
        with self._lock:
            self._busy.discard(child)
            keep = healthy and not self._closed and child.files < FILES_PER_CHILD
            if keep:
                self._idle.append(child)
        if not keep:
            child.kill()
