"""What tests of uploads over HTTP say again and again: announce one, read a problem, look at what lies in S3."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from runtime.settings import Settings
from runtime.storage import S3Storage
from schemas.jobs import source_key
from tests.api_process import UPLOAD_LIMIT

MIB = 1024**2


async def announce(http: httpx.AsyncClient, **declared: Any) -> str:
    """The id of a new upload."""
    answer = await http.post("/v1/uploads", json={"filename": "clip.mp4", **declared})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/uploads/{answer.json()['id']}"
    return str(answer.json()["id"])


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The status and the name of a problem, which an answer must be."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, document["type"].removeprefix("https://valence.dev/problems/")


async def stored(storage: S3Storage, settings: Settings, upload_id: str) -> bytes:
    """The content of an upload as it lies in S3."""
    return await storage.get(settings.storage.bucket, source_key(UUID(upload_id)), UPLOAD_LIMIT)


async def status_of(http: httpx.AsyncClient, upload_id: str) -> str:
    """Where an upload stands."""
    return str((await http.get(f"/v1/uploads/{upload_id}")).json()["status"])
