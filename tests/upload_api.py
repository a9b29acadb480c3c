"""An API in memory that takes uploads in parts, for tests of what the Python client sends."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import msgspec

from schemas.jobs import AnalysisOptions
from schemas.resources import PROBLEM_TYPES, CompleteUpload, CreateUpload, PartList, PartUrl, PartUrls, StoredPart, Upload
from schemas.status import Status
from valence import AsyncClient

PART = 100
CONTENT = os.urandom(5 * PART + 7)


def problem(status: int, name: str, **headers: str) -> httpx.Response:
    body = {"type": PROBLEM_TYPES + name, "title": name, "status": status, "detail": name}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


class Api(httpx.AsyncBaseTransport):
    """One upload, its parts and its addresses; `disturb` may answer in the place of any request."""

    def __init__(self, disturb: Callable[[httpx.Request], httpx.Response | None] = lambda request: None) -> None:
        self.disturb = disturb
        self.parts: dict[int, bytes] = {}
        self.sent: Counter[int] = Counter()
        self.asked: Counter[str] = Counter()
        self.most_at_once = self._at_once = 0
        self.upload = Upload(
            id=uuid4(),
            filename="clip.mp4",
            content_type="video/mp4",
            bytes=len(CONTENT),
            source="s3://b/k",
            options=AnalysisOptions(),
            media=None,
            attempt=1,
            status=Status.CREATED,
            sequence=1,
            failure=None,
            created_at=datetime.now(UTC),
            updated_at=datetime.now(UTC),
            part_size=PART,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            body = await request.aread()
            await asyncio.sleep(0)
            self.asked[request.url.path.removeprefix(f"/v1/uploads/{self.upload.id}").removeprefix("/b/k")] += 1
            return self.disturb(request) or self._answer(request, body)
        finally:
            self._at_once -= 1

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        path = request.url.path.removeprefix(f"/v1/uploads/{self.upload.id}")
        match request.method, path:
            case "POST", "/v1/uploads":
                self.upload = msgspec.structs.replace(self.upload, bytes=msgspec.json.decode(body, type=CreateUpload).bytes)
            case "PUT", _:
                number = int(path.rpartition("/")[2])
                assert request.headers["content-length"] == str(len(body))
                self.sent[number] += 1
                self.parts[number] = body
                etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
                stored = StoredPart(number=number, bytes=len(body), etag=etag)
                return httpx.Response(200, content=msgspec.json.encode(stored), headers={"ETag": f'"{etag}"'})
            case "GET", "/parts":
                found = [
                    StoredPart(number=number, bytes=len(part), etag=hashlib.md5(part, usedforsecurity=False).hexdigest())
                    for number, part in sorted(self.parts.items())
                ]
                return httpx.Response(200, content=msgspec.json.encode(PartList(part_size=PART, parts=found)))
            case "POST", "/part-urls":
                (number,) = msgspec.json.decode(body)["numbers"]
                url = PartUrl(number=number, url=f"http://s3/b/k/{number}?signed", expires_at=datetime.now(UTC))
                return httpx.Response(200, content=msgspec.json.encode(PartUrls(urls=[url])))
            case "POST", "/complete":
                named = msgspec.json.decode(body, type=CompleteUpload).parts or []
                if {part.number for part in named} - self.parts.keys():
                    return problem(409, "parts-differ")
                self.upload = msgspec.structs.replace(self.upload, status=Status.RECEIVED)
        return httpx.Response(200, content=msgspec.json.encode(self.upload))

    @property
    def content(self) -> bytes:
        return b"".join(self.parts[number] for number in sorted(self.parts))


def client(api: Api) -> AsyncClient:
    return AsyncClient("http://api", "val_live_x", transport=api, patience_seconds=30)
