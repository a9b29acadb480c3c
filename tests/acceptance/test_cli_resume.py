"""Commands that are killed in the middle go on there when they are run again: on the real API, real S3 and a real broker."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from api import accounts
from runtime.database import Database
from runtime.parts import S3Parts
from runtime.settings import Settings
from runtime.storage import S3Storage
from schemas.jobs import source_key
from schemas.topics import UPLOADS_RECEIVED
from tests.api_process import ApiProcess, free_port, running
from tests.chain import select
from tests.command_line import environment, valence
from tests.slow_line import SlowLine
from tests.topic_records import on_topic
from tests.waiting import until

MIB = 1024**2
PART = 8 * MIB
#: What S3 lists in one answer.
LISTED_AT_A_TIME = 1_000
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


async def test_an_ingestion_that_is_killed_in_the_middle_announces_each_file_of_a_folder_once(
    servers: dict[str, str], settings: Settings, account: UUID, tmp_path: Path
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (folder / name).write_bytes(os.urandom(MIB))
    ingesting = ("ingest", str(folder), "--account", str(account))
    async with SlowLine(urlsplit(servers["AWS_ENDPOINT_URL_S3"]).port or 0) as line:
        known = {**servers, "AWS_ENDPOINT_URL_S3": line.url}
        line.stop_after(3 * MIB // 2)
        await killed_where_it_stands(line, tmp_path, *ingesting, **known)
        line.go()
        again = await asyncio.to_thread(valence, tmp_path, *ingesting, **known)
    assert again.stdout.startswith("2 announced, 1 were announced before"), again.stderr
    announced = on_topic(settings, UPLOADS_RECEIVED, str(account).encode())
    assert len(announced) == len({record.key for record in announced}) == 3


async def test_an_ingestion_that_is_killed_in_the_middle_announces_each_object_of_a_prefix_once(
    servers: dict[str, str], settings: Settings, storage: S3Storage, account: UUID, tmp_path: Path
) -> None:
    prefix, bucket = f"ingest/{account}/", settings.storage.bucket
    await asyncio.gather(*(storage.put(bucket, f"{prefix}{number}.mp4", b"x", "video/mp4") for number in range(LISTED_AT_A_TIME + 1)))
    ingesting = ("ingest", f"s3://{bucket}/{prefix}", "--account", str(account))
    async with SlowLine(urlsplit(servers["AWS_ENDPOINT_URL_S3"]).port or 0) as line:
        known = {**servers, "AWS_ENDPOINT_URL_S3": line.url}
        line.stop_at(b"continuation-token", times=2)  # first they are counted; what the second page holds is not announced yet
        await killed_where_it_stands(line, tmp_path, *ingesting, **known)
        line.go()
        again = await asyncio.to_thread(valence, tmp_path, *ingesting, **known)
    assert again.stdout.startswith(f"1 announced, {LISTED_AT_A_TIME} were announced before"), again.stderr
    announced = on_topic(settings, UPLOADS_RECEIVED, str(account).encode())
    assert len(announced) == len({record.key for record in announced}) == LISTED_AT_A_TIME + 1


async def killed_where_it_stands(line: SlowLine, tmp_path: Path, *arguments: str, **variables: str) -> None:
    """Run a command until the line stands still, and kill it."""
    command = [sys.executable, "-m", "cli", *arguments]
    process = subprocess.Popen(command, env=environment(tmp_path, **variables), stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        await until(lambda: line.stands, "the line stands still")
    finally:
        process.kill()
        process.wait()
