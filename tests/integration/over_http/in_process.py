"""The API in the test's own process, with twins in the place of servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import httpx

from api import app
from runtime.database import Database
from runtime.settings import Settings


@asynccontextmanager
async def speaking(settings: Settings, database: Database, key: str, **twins: Any) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP with an API in this process, which has these in the place of real ones."""
    services = replace(app.connect(settings), database=database, **twins)
    transport = httpx.ASGITransport(cast("Any", app.create_app(services)))  # the two name the types of ASGI differently
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers={"Authorization": f"Bearer {key}"}) as http:
        yield http
