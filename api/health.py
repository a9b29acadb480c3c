"""What the API says of itself: `/healthz` (it runs), `/readyz` (it can work, or what it waits for), `/metrics`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.services import Injected, Services
from runtime.errors import DependencyUnavailable, ObjectMissing

#: How long a server may take to show that it is there.
PROBE_SECONDS = 2.0


@get("/healthz", include_in_schema=True)
async def healthz() -> dict[str, list[str]]:
    """The process runs."""
    return {"obstacles": []}


@get("/readyz")
async def readyz(services: Injected) -> Response[dict[str, list[str]]]:
    """The process can work; 503, and what it waits for, while it cannot."""
    probes = await asyncio.gather(
        _obstacle("postgresql", services.database.rows("reachable")),
        _obstacle("s3", _look_into_bucket(services)),
    )
    obstacles = [obstacle for obstacle in (*probes, services.feed.obstacle) if obstacle is not None]
    return Response({"obstacles": obstacles}, status_code=503 if obstacles else 200)


@get("/metrics", media_type=CONTENT_TYPE_LATEST)
async def exposition() -> Response[bytes]:
    """Every metric of this process, as Prometheus reads them."""
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


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
