"""The API as a real process before the shared servers, and keys for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api import accounts
from runtime import uploads
from runtime.database import Database
from runtime.uploads import NewUpload
from schemas.events import Source
from schemas.status import Status
from tests.api_process import UPLOAD_LIMIT, ApiProcess, Starter, free_port, running
from tests.integration.over_http.spoken import Keep, add
from valence import Client


@pytest.fixture(scope="session")
def start_api(server_environment: dict[str, str]) -> Starter:
    """Starts an API with settings of the test's own, and waits until it is ready, or only alive."""

    def start(environment: dict[str, str] | None = None, page: str = "/readyz") -> AbstractContextManager[ApiProcess]:
        settings = {
            "VALENCE_API_PORT": str(free_port()),
            "VALENCE_METRICS_PORT": str(free_port()),
            "VALENCE_API_PROXIES": "127.0.0.1",  # tests come from many addresses by X-Forwarded-For
            "VALENCE_LIMITS_UPLOAD_BYTES": str(UPLOAD_LIMIT),
            "VALENCE_ACCOUNTS_SIGN_UPS_PER_HOUR": "1000000",
            **(environment or {}),
        }
        url, health_url = (f"http://127.0.0.1:{settings[variable]}" for variable in ("VALENCE_API_PORT", "VALENCE_METRICS_PORT"))
        return running("api", {**server_environment, **settings}, url, page=page, health_url=health_url)

    return start


@pytest.fixture(scope="module")
def api(start_api: Starter) -> Iterator[ApiProcess]:
    """An API that a module's tests share."""
    with start_api() as process:
        yield process


@pytest.fixture(scope="module")
def relay(server_environment: dict[str, str]) -> Iterator[None]:
    """The outbox relay, which carries statuses to the topic that the API reads."""
    port = free_port()
    environment = {**server_environment, "VALENCE_METRICS_PORT": str(port)}
    with running("producers.outbox_relay", environment, f"http://127.0.0.1:{port}", page="/readyz"):
        yield


@pytest.fixture
async def key(database: Database, account: UUID) -> str:
    """A key that may do everything for the test's account."""
    return (await accounts.create_key(database, f"test-{account}")).text


@pytest.fixture
async def stranger(database: Database) -> str:
    """A key of another account."""
    name = f"stranger-{uuid4()}"
    await accounts.create_account(database, name)
    return (await accounts.create_key(database, name)).text


@pytest.fixture
async def http(api: ApiProcess, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """Raw HTTP with the account's key."""
    async with httpx.AsyncClient(base_url=api.url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        yield client


@pytest.fixture
def client(api: ApiProcess, key: str) -> Iterator[Client]:
    """Our own client with the account's key."""
    with Client(api.url, key) as client:
        yield client


@pytest.fixture
def keep(database: Database, account: UUID) -> Keep:
    """Stores a completed upload of the test's account, with the analyses of its attempts; returns its id."""

    async def kept(*attempts: dict[str, Any], name: str | None = "clip.mp4", owner: UUID = account) -> str:
        upload_id = uuid4()
        new = NewUpload(id=upload_id, account_id=owner, source=Source(bucket="valence", key="ingest/clip.mp4"), file_name=name)
        async with database.transaction() as connection:
            assert await uploads.insert(connection, new, Status.RECEIVED, "/tests")
            assert await uploads.apply_status(connection, upload_id, 1, Status.COMPLETED, "/tests")
        for number, analysis in enumerate(attempts, 1):
            await add(database, upload_id, number, analysis)
        return str(upload_id)

    return kept
