"""`python -m api`: the API as a process, one worker."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from types import FrameType

import uvicorn

from api import app
from api.connections import Connection
from api.services import Services
from runtime import settings, telemetry
from runtime.errors import SettingsError
from runtime.process import GRACE_SECONDS, leave_after

log = logging.getLogger(__name__)

#: A peer that takes nothing for so long is gone: without this the kernel would keep what was sent to it for a quarter of an hour.
UNACKNOWLEDGED_MILLISECONDS = 20_000


class Server(uvicorn.Server):
    """uvicorn, which would wait for open streams until their end: they are ended first."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self._services = services

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT: end the streams, let requests in hand finish, and leave with code 0."""
        self._services.feed.stop()
        asyncio.get_running_loop().call_soon_threadsafe(self._services.hub.stop)
        self.should_exit = True
        leave_after(GRACE_SECONDS + 1)


def listen(host: str, port: int) -> socket.socket:
    """The socket that the API listens on; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Of this protocol by name, or asyncio leaves Nagle's algorithm on, and each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MILLISECONDS)
    listener.bind((host, port))
    return listener


def serve(services: Services) -> None:
    """Answer until SIGTERM."""
    chosen = services.settings.api
    listener = listen(chosen.host, chosen.port)
    config = uvicorn.Config(
        app.create_app(services),
        http=Connection,
        loop="asyncio",  # whose transports `Connection` knows
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(chosen.proxies),
        forwarded_allow_ips=[address.strip() for address in chosen.proxies.split(",")],
        lifespan="on",
        backlog=2_048,
        timeout_graceful_shutdown=int(GRACE_SECONDS),
    )
    log.info("started", extra={"host": chosen.host, "port": listener.getsockname()[1]})
    Server(config, services).run(sockets=[listener])


def main() -> None:
    """Read the settings and serve; leaves with code 2 and a plain message if a setting is wrong."""
    try:
        configuration = settings.load()
    except SettingsError as error:
        print(f"valence api: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    telemetry.configure("api")
    serve(app.connect(configuration))


if __name__ == "__main__":
    main()
