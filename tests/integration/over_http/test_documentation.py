"""The examples of the documentation do what it says."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from runtime import uploads
from runtime.database import Database
from runtime.settings import Settings
from runtime.storage import S3Storage
from runtime.uploads import NewUpload
from schemas.events import Source
from schemas.jobs import source_key
from schemas.status import Status
from tests.api_process import UPLOAD_LIMIT, ApiProcess
from tests.chain import SOURCE, select
from tests.documentation import run
from tests.integration.over_http.people import PASSWORD

MIB = 1024**2
CONTENT = os.urandom(9 * MIB)


@pytest.mark.parametrize(("language", "sent"), [("sh", 2), ("python", 2), ("js", 1)])
async def test_the_examples_of_sending_videos_send_them(
    api: ApiProcess,
    key: str,
    account: UUID,
    database: Database,
    storage: S3Storage,
    settings: Settings,
    tmp_path: Path,
    language: str,
    sent: int,
) -> None:
    await asyncio.to_thread((tmp_path / "talk.mp4").write_bytes, CONTENT)
    said = await asyncio.to_thread(run, "uploads.md", language, tmp_path, VALENCE_API_URL=api.url, VALENCE_API_KEY=key)
    assert said.count("received") == sent
    rows = await select(database, "select id, status from uploads where account_id = %s", account)
    assert [row["status"] for row in rows] == ["received"] * sent
    for row in rows:
        assert await storage.get(settings.storage.bucket, source_key(row["id"]), UPLOAD_LIMIT) == CONTENT


@pytest.mark.parametrize("language", ["sh", "python", "js"])
async def test_the_examples_about_accounts_make_one_with_a_key_that_works(
    api: ApiProcess, database: Database, tmp_path: Path, language: str
) -> None:
    who = {"EMAIL": f"{uuid4()}@example.org", "PASSWORD": PASSWORD}
    said = await asyncio.to_thread(run, "accounts.md", language, tmp_path, VALENCE_API_URL=api.url, **who)
    assert "free" in said
    (account,) = await database.rows("account_by_email", email=who["EMAIL"], address=None)
    (key,) = await database.rows("account_keys", account_id=account["id"])
    assert (key["name"], key["last_used_at"] is None) == ("nightly script", False)
    assert await select(database, "select 1 from sessions where account_id = %s", account["id"]) == []


@pytest.mark.parametrize("language", ["sh", "python", "js"])
async def test_the_examples_of_live_status_follow_an_upload_to_its_end(
    api: ApiProcess, key: str, account: UUID, database: Database, tmp_path: Path, language: str
) -> None:
    upload = NewUpload(id=uuid4(), account_id=account, source=Source(bucket="valence", key="ingest/clip.mp4"))
    async with database.transaction() as connection:
        await uploads.insert(connection, upload, Status.RECEIVED, SOURCE)
        for status in (Status.VALIDATED, Status.ANALYSING, Status.COMPLETED):
            await uploads.apply_status(connection, upload.id, 1, status, SOURCE)
    named = {"VALENCE_API_URL": api.url, "VALENCE_API_KEY": key, "UPLOAD_ID": str(upload.id)}
    said = await asyncio.to_thread(run, "live-status.md", language, tmp_path, **named)
    places = [said.index(status) for status in ("received", "validated", "analysing", "completed")]
    assert places == sorted(places)
