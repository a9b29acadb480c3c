"""The API as a real process before the shared servers, and keys for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from uuid import UUID, uuid4

import httpx
import pytest

from api import accounts
from runtime.database import Database
from tests.api_process import UPLOAD_LIMIT, ApiProcess, Starter, free_port, running
from valence import Client


@pytest.fixture(scope="session")
def start_api(server_environment: dict[str, str]) -> Starter:
    """Starts an API with settings of the test's own, and waits until it is ready, or only alive."""

    def start(environment: dict[str, str] | None = None, page: str = "/readyz") -> AbstractContextManager[ApiProcess]:
        settings = {
            "VALENCE_API_PORT": str(free_port()),
            "VALENCE_API_PROXIES": "127.0.0.1",  # tests come from many addresses by X-Forwarded-For
            "VALENCE_LIMITS_UPLOAD_BYTES": str(UPLOAD_LIMIT),
            "VALENCE_ACCOUNTS_SIGN_UPS_PER_HOUR": "1000000",
            **(environment or {}),
        }
        return running("api", {**server_environment, **settings}, f"http://127.0.0.1:{settings['VALENCE_API_PORT']}", page=page)

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
