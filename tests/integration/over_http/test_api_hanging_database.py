"""The API before a PostgreSQL that hangs: it says so, and when to come back, and nothing is half done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import psutil
import pytest

from api import accounts
from local.background import running_servers
from runtime import database as databases
from runtime import object_claims
from runtime.database import Connection, Database
from runtime.object_claims import Claim
from runtime.settings import Settings
from runtime.testing import MemoryParts, MemoryStorage
from tests.chain import select, statuses
from tests.integration.over_http.in_process import speaking
from tests.upload_calls import announce, problem
from tests.waiting import DEADLINE_SECONDS, until


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL of this module's own: others must not hang with it."""
    with running_servers(tmp_path_factory.mktemp("postgres"), ["postgres"], report=lambda line: None) as environment:
        asyncio.run(databases.migrate(environment["DATABASE_URL"]))
        yield environment["DATABASE_URL"]


@pytest.fixture
async def impatient(address: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A pool of an API that does not wait long for a connection."""
    monkeypatch.setattr(databases, "CONNECT_SECONDS", 2.0)
    opened = Database(address)
    yield opened
    await opened.close()


class Server:
    """All processes of PostgreSQL, which hang together: the kernel goes on taking connections and acknowledging what they are sent."""

    def __init__(self, connection: Connection) -> None:
        postmaster = psutil.Process(connection.info.backend_pid).parent()
        assert postmaster is not None
        self._postmaster = postmaster

    def hang(self) -> None:
        self._postmaster.suspend()
        for process in self._postmaster.children():
            process.suspend()

    def go_on(self) -> None:
        for process in self._postmaster.children():
            process.resume()
        self._postmaster.resume()


async def test_while_postgresql_hangs_all_is_refused_and_what_was_being_done_is_not_half_done(
    settings: Settings, impatient: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with impatient.connection() as connection:
        server = Server(connection)
    release, patience = object_claims.release, databases.ANSWER_SECONDS

    async def hanging(connection: Connection, claim: Claim) -> None:
        """The last statement of the transaction that submits an upload: its status and its event are written, and not yet for good."""
        monkeypatch.setattr(object_claims, "release", release)
        monkeypatch.setattr(databases, "ANSWER_SECONDS", 0.3)
        server.hang()
        await release(connection, claim)

    monkeypatch.setattr(object_claims, "release", hanging)
    await accounts.create_account(impatient, "somebody")
    key = (await accounts.create_key(impatient, "somebody")).text
    objects = MemoryStorage()
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        speaking(settings, impatient, key, storage=objects, parts=MemoryParts(objects)) as http,
    ):
        upload_id = await announce(http, bytes=5)
        assert (await http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"video")).status_code == 200
        try:
            refused = [
                await http.post(f"/v1/uploads/{upload_id}/complete"),
                await http.post("/v1/uploads", json={"filename": "another.mp4"}),
                await http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"other"),
                await http.get("/v1/uploads"),
            ]
        finally:
            server.go_on()
            monkeypatch.setattr(databases, "ANSWER_SECONDS", patience)
        assert {(problem(answer), answer.headers["retry-after"]) for answer in refused} == {((503, "dependency-unavailable"), "5")}

        async def found() -> list[dict[str, str]]:
            answer = await http.get("/v1/uploads")
            return answer.json()["data"] if answer.is_success else []

        (upload,) = await until(found, "PostgreSQL is there again")
        assert (upload["id"], upload["status"]) == (upload_id, "uploading")
        assert await select(impatient, "select type from outbox where type like 'upload.received%%'") == []
        await select(impatient, "update uploads set writing_until = now() where id = %s", upload_id)  # the claim of who gave up has lapsed
        assert (await http.post(f"/v1/uploads/{upload_id}/complete")).json()["status"] == "received"
        assert [status for _, _, status in await statuses(impatient, UUID(upload_id))] == ["created", "uploading", "received"]
        assert len(await select(impatient, "select type from outbox where type like 'upload.received%%'")) == 1
