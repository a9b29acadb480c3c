"""The servers that the tests share: one of each, real, started when a test first asks, on a data folder that is gone afterwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import pytest

from local.background import running_servers
from runtime import database as databases
from runtime import provisioning
from runtime import settings as configuration
from runtime.database import Database
from runtime.kafka import KafkaPublisher
from runtime.settings import Settings
from runtime.storage import S3Storage

for _measure in ("COLUMNS", "LINES"):  # a worker of pytest-xdist has them of no terminal, and commands would break their lines there
    os.environ.pop(_measure, None)

#: What takes longest begins first, so that no worker is left alone with it at the end.
_LONGEST_FIRST = ("tests/acceptance", "tests/web", "tests/integration", "tests/conformance", "tests/unit")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers take whole files, which share their servers; all tests of the page are for one worker, since they share a stack."""
    items.sort(key=lambda item: next(place for place, folder in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(folder)))
    for item in items:
        file = item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group("tests/web" if file.startswith("tests/web/") else file))


@pytest.fixture(scope="session")
def server_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Kafka, PostgreSQL, S3 and SQS with topics, tables, bucket and queue, and the variables by which programs find them."""
    with running_servers(tmp_path_factory.mktemp("servers")) as environment:
        with pytest.MonkeyPatch.context() as patch:
            _set(patch, environment)
            loaded = configuration.load()
            provisioning.create_topics(loaded)
            provisioning.create_storage(loaded)
        asyncio.run(databases.migrate(loaded.database_url))
        yield environment


@pytest.fixture
def servers(server_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The shared servers; while the test runs the environment names them, for boto3 and for subprocesses."""
    _set(monkeypatch, server_environment)
    return server_environment


def _set(patch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        patch.setenv(name, value)


@pytest.fixture
def settings(servers: dict[str, str]) -> Settings:
    """The settings of a process that works with the shared servers."""
    return configuration.load(servers)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """A pool on the shared PostgreSQL."""
    opened = Database(settings.database_url)
    yield opened
    await opened.close()


@pytest.fixture
def storage(servers: dict[str, str]) -> S3Storage:
    """The shared S3."""
    return S3Storage()


@pytest.fixture
async def publisher(settings: Settings) -> AsyncIterator[KafkaPublisher]:
    """A publisher on the shared Kafka."""
    opened = KafkaPublisher(settings.kafka_bootstrap_servers)
    yield opened
    await opened.close()


@pytest.fixture
async def account(database: Database) -> UUID:
    """A new account of the test's own."""
    account_id = uuid4()
    await database.rows("insert_account", id=account_id, name=f"test-{account_id}")
    return account_id
