"""What a process says of itself: `/healthz` (it runs), `/readyz` (it can work, or what it waits for), `/metrics`."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, TypeVar
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from runtime import metrics
from runtime.errors import DependencyUnavailable
from runtime.retries import backoff

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

T = TypeVar("T")

log = logging.getLogger(__name__)

#: The longest pause between two tries of a server that is away.
LONGEST_WAIT_SECONDS = 5.0


class Readiness:
    """Whether this process can work now: started, not stopping, and waiting for no server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()
        self.started = False

    @property
    def obstacles(self) -> list[str]:
        """What stands in the way, in words; empty when ready."""
        with self._lock:
            waiting = sorted(+self._waiting)
        return [*([] if self.started else ["starting"]), *(f"waiting for {name}" for name in waiting)]

    @contextmanager
    def waiting_for(self, dependency: str) -> Iterator[None]:
        """Not ready while the body runs."""
        metrics.DEPENDENCY_WAITS.labels(dependency).inc()
        with self._lock:
            self._waiting[dependency] += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting[dependency] -= 1

    async def insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """The result of `work`, tried again for as long as a server that it needs is away; other errors pass.

        Not ready until a try has succeeded, and not only between two tries: of a server that hangs each takes long.
        """
        attempt = 0
        with ExitStack() as waiting:
            while True:
                try:
                    return await work()
                except DependencyUnavailable as error:
                    attempt += 1
                    log.warning("waiting: %s", error)
                    with waiting.pop_all():
                        waiting.enter_context(self.waiting_for(error.dependency))
                    await asyncio.sleep(backoff(attempt, cap=LONGEST_WAIT_SECONDS))


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Probes come every few seconds and are no news."""


def serve(obstacles: Callable[[], list[str]], host: str, port: int) -> int:
    """Serve the three pages from threads of their own and return the port; `obstacles` says what the process waits for, in any thread."""
    exposition = make_wsgi_app()

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            pages: Iterable[bytes] = exposition(environ, start_response)
            return pages
        found = obstacles() if path == "/readyz" else []
        known = path in ("/healthz", "/readyz")
        status = "404 Not Found" if not known else "503 Service Unavailable" if found else "200 OK"
        start_response(status, [("content-type", "application/json")])
        return [json.dumps({"obstacles": found}).encode()]

    server = make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server.server_port
