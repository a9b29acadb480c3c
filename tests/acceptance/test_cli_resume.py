"""`valence analyse` that is killed in the middle of a file goes on with it, against the real API and real S3."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from api import accounts
from runtime.database import Database
from runtime.parts import S3Parts
from runtime.settings import Settings
from schemas.jobs import source_key
from tests.api_process import ApiProcess, free_port, running
from tests.chain import select
from tests.command_line import environment, valence
from tests.slow_line import SlowLine
from tests.waiting import until

MIB = 1024**2
PART = 8 * MIB
CONTENT = os.urandom(8 * PART + 1)


@pytest.fixture
def api(server_environment: dict[str, str]) -> Iterator[ApiProcess]:
    port = free_port()
    with running("api", {**server_environment, "VALENCE_API_PORT": str(port)}, f"http://127.0.0.1:{port}", page="/healthz") as process:
        yield process


async def test_a_command_that_is_killed_in_the_middle_of_a_file_sends_only_the_rest_when_it_is_run_again(
    api: ApiProcess, database: Database, settings: Settings, tmp_path: Path
) -> None:
    name = f"test-{uuid4()}"
    account = await accounts.create_account(database, name)
    key = (await accounts.create_key(database, name)).text
    video = tmp_path / "talk.mp4"
    video.write_bytes(CONTENT)

    async with SlowLine(urlsplit(api.url).port or 0) as line:
        known = {"VALENCE_API_URL": line.url, "VALENCE_API_KEY": key}
        line.stop_after(5 * PART)  # of which four may be parts that are not whole
        command = [sys.executable, "-m", "cli", "analyse", str(video)]
        process = subprocess.Popen(command, env=environment(tmp_path, **known), stderr=subprocess.DEVNULL)  # noqa: ASYNC220
        try:

            async def parts() -> list[int]:
                begun = await select(database, "select id, multipart_id from uploads where account_id = %s", account)
                return [
                    number
                    for row in begun
                    if row["multipart_id"]
                    for number in {
                        part.number for part in await S3Parts().stored(settings.storage.bucket, source_key(row["id"]), row["multipart_id"])
                    }
                ]

            arrived = await until(parts, "some parts are in S3 and the line stands still", holds=lambda found: bool(found) and line.stands)
        finally:
            process.kill()
            process.wait()
        assert 0 < len(arrived) < 6
        line.go()
        before = line.carried
        # The analysis is not waited for: nothing but the API and its servers runs here.
        again = await asyncio.to_thread(valence, tmp_path, "analyse", "--timeout", "20", str(video), **known)
        rest = line.carried - before
    assert "talk.mp4: received" in again.stderr
    assert rest < len(CONTENT) - len(arrived) * PART + MIB
    rows = await select(database, "select status, declared_bytes from uploads where account_id = %s", account)
    assert [(row["status"], row["declared_bytes"]) for row in rows] == [("received", len(CONTENT))]
