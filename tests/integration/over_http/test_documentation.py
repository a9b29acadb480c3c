"""The examples of the documentation do what it says."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from uuid import UUID

import pytest

from runtime.database import Database
from runtime.settings import Settings
from runtime.storage import S3Storage
from schemas.jobs import source_key
from tests.api_process import UPLOAD_LIMIT, ApiProcess
from tests.chain import select
from tests.documentation import run

MIB = 1024**2
CONTENT = os.urandom(9 * MIB)


@pytest.mark.parametrize(("language", "uploads"), [("sh", 2), ("python", 2), ("js", 1)])
async def test_the_examples_of_sending_videos_send_them(
    api: ApiProcess,
    key: str,
    account: UUID,
    database: Database,
    storage: S3Storage,
    settings: Settings,
    tmp_path: Path,
    language: str,
    uploads: int,
) -> None:
    await asyncio.to_thread((tmp_path / "talk.mp4").write_bytes, CONTENT)
    said = await asyncio.to_thread(run, "uploads.md", language, tmp_path, VALENCE_API_URL=api.url, VALENCE_API_KEY=key)
    assert said.count("received") == uploads
    rows = await select(database, "select id, status from uploads where account_id = %s", account)
    assert [row["status"] for row in rows] == ["received"] * uploads
    for row in rows:
        assert await storage.get(settings.storage.bucket, source_key(row["id"]), UPLOAD_LIMIT) == CONTENT
