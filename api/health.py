"""What the API says of itself: to everybody `/healthz` (it runs); to the operator, on a port of its own as every process has one, also
`/readyz` (it can work, or what it waits for) and `/metrics`, which would tell strangers what stands behind it and how busy that is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

import msgspec
from litestar import get

from api.services import Services
from runtime import health
from runtime.errors import DependencyUnavailable, ObjectMissing

log = logging.getLogger(__name__)

#: How long a server may take to show that it is there.
PROBE_SECONDS = 2.0


class Health(msgspec.Struct, frozen=True):
    """What stands in the way of a process; of `/healthz` nothing ever does."""

    obstacles: list[str]


@get("/healthz", tags=["server"], summary="Ask whether the server runs")
async def healthz() -> Health:
    """The process runs. Whether it can work, and its metrics, are on the operator's own port."""
    return Health(obstacles=[])


def serve(services: Services) -> int:
    """Serve the operator's pages for as long as the process runs, from within its event loop; returns the port."""
    loop, chosen = asyncio.get_running_loop(), services.settings.metrics

    def ask() -> list[str]:
        asked = asyncio.run_coroutine_threadsafe(obstacles(services), loop)
        try:
            return asked.result(2 * PROBE_SECONDS)
        except TimeoutError:
            return ["the event loop does not answer"]

    port = health.serve(ask, chosen.host, chosen.port)
    log.info("serving health and metrics", extra={"host": chosen.host, "port": port})
    return port


async def obstacles(services: Services) -> list[str]:
    """What the process waits for, in words; nothing where it can work."""
    probes = await asyncio.gather(
        _obstacle("postgresql", services.database.rows("reachable")),
        _obstacle("s3", _look_into_bucket(services)),
    )
    return [obstacle for obstacle in (*probes, services.feed.obstacle) if obstacle is not None]


async def _obstacle(server: str, probe: Awaitable[object]) -> str | None:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe
    except (DependencyUnavailable, TimeoutError):
        return f"waiting for {server}"
    return None


async def _look_into_bucket(services: Services) -> None:
    try:
        await services.storage.head(services.settings.storage.bucket, "readyz")
    except ObjectMissing:
        pass  # a clear answer, which is what was asked for
