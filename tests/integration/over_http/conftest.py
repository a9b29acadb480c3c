"""The API as a real process before the shared servers, and keys for it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import pytest

from api import accounts
from runtime.database import Database
from valence import Client

#: Small, so that a test can exceed it.
UPLOAD_LIMIT = 32 * 1024**2


@dataclass
class ApiProcess:
    """A running API: where it is, and its process."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


@contextmanager
def running(module: str, environment: dict[str, str], url: str, *, page: str) -> Iterator[ApiProcess]:
    """A process of ours until the end of the body, from the moment that its page is there."""
    process = subprocess.Popen([sys.executable, "-m", module], env={**os.environ, **environment})
    try:
        wait_until(lambda: process.poll() is not None or _answers(url + page), 60)
        assert process.poll() is None, f"{module} has ended with code {process.returncode}"
        yield ApiProcess(url, process)
    finally:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Return as soon as a condition holds; fail if it never does."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError(f"not so after {seconds} s")


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


Starter = Callable[..., AbstractContextManager[ApiProcess]]


@pytest.fixture(scope="session")
def start_api(servers: dict[str, str]) -> Starter:
    """Starts an API with settings of the test's own, and waits until it is ready, or only alive."""

    def start(environment: dict[str, str] | None = None, page: str = "/readyz") -> AbstractContextManager[ApiProcess]:
        settings = {"VALENCE_API_PORT": str(free_port()), "VALENCE_LIMITS_UPLOAD_BYTES": str(UPLOAD_LIMIT), **(environment or {})}
        return running("api", {**servers, **settings}, f"http://127.0.0.1:{settings['VALENCE_API_PORT']}", page=page)

    return start


@pytest.fixture(scope="module")
def api(start_api: Starter) -> Iterator[ApiProcess]:
    """An API that a module's tests share."""
    with start_api() as process:
        yield process


@pytest.fixture(scope="module")
def relay(servers: dict[str, str]) -> Iterator[None]:
    """The outbox relay, which carries statuses to the topic that the API reads."""
    port = free_port()
    with running("producers.outbox_relay", {**servers, "VALENCE_METRICS_PORT": str(port)}, f"http://127.0.0.1:{port}", page="/readyz"):
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
