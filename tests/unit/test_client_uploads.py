"""Uploads of the Python client against an API in memory: what is sent, what is not sent again, and what is asked again."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from schemas.jobs import AnalysisOptions
from schemas.resources import PROBLEM_TYPES, CompleteUpload, CreateUpload, PartList, PartUrl, PartUrls, StoredPart, Upload
from schemas.status import Status
from valence import AsyncClient, Client, Control, FileChanged, StorageRefused, UploadCancelled

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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(CONTENT)
    return path


def client(api: Api) -> AsyncClient:
    return AsyncClient("http://api", "val_live_x", transport=api, patience_seconds=30)


@pytest.mark.parametrize("straight", [False, True])
async def test_a_file_is_sent_in_parts_several_at_a_time_and_its_progress_told(file: Path, straight: bool) -> None:
    api, told = Api(), list[int]()
    async with client(api) as sending:
        upload = await sending.upload_file(file, progress=told.append, straight_to_storage=straight)
    assert (upload.status, api.content, sum(told)) == (Status.RECEIVED, CONTENT, len(CONTENT))
    assert 1 < api.most_at_once <= 4


async def test_our_key_is_never_shown_to_the_storage(file: Path) -> None:
    shown: dict[str, set[str | None]] = {}

    def note(request: httpx.Request) -> None:
        shown.setdefault(request.url.host, set()).add(request.headers.get("authorization"))

    async with client(Api(note)) as sending:
        await sending.upload_file(file, straight_to_storage=True)
    assert shown == {"api": {"Bearer val_live_x"}, "s3": {None}}


async def test_an_interrupted_upload_sends_only_the_parts_that_are_missing_or_not_alike(file: Path) -> None:
    api = Api()
    api.parts = {1: CONTENT[:PART], 2: b"?" * PART, 6: CONTENT[5 * PART :]}
    told: list[int] = []
    async with client(api) as sending:
        await sending.upload_file(file, resume=api.upload.id, progress=told.append)
    assert (dict(api.sent), api.content, sum(told)) == ({2: 1, 3: 1, 4: 1, 5: 1}, CONTENT, len(CONTENT))


async def test_what_passes_is_asked_again_and_told_progress_taken_back(file: Path) -> None:
    disturbances = [
        problem(503, "busy", Retry_After="0"),
        problem(429, "too-many-contents", Retry_After="0"),
        httpx.Response(502, text="bad gateway", headers={"Retry-After": "0"}),
    ]
    told: list[int] = []

    def disturb(request: httpx.Request) -> httpx.Response | None:
        return disturbances.pop() if disturbances and request.method == "PUT" else None

    api = Api(disturb)
    async with client(api) as sending:
        assert (await sending.upload_file(file, progress=told.append)).status is Status.RECEIVED
    assert api.content == CONTENT
    assert disturbances == []


async def test_a_lost_answer_of_a_request_that_makes_something_is_asked_for_under_the_same_name(file: Path) -> None:
    names: list[str] = []

    def disturb(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/v1/uploads":
            names.append(request.headers["idempotency-key"])
            if len(names) == 2:
                return problem(409, "request-in-progress", Retry_After="0")
            if len(names) == 3:
                raise httpx.ReadError("reset")
        return None

    async with client(Api(disturb)) as sending:
        await sending.create_upload("a")
        await sending.create_upload("b")
    assert len(names) == 4
    assert (names[0] == names[1], len(set(names[1:]))) == (False, 1)


async def test_parts_that_vanish_at_s3_are_sent_again(file: Path) -> None:
    api = Api()
    dropped: list[int] = []

    def disturb(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/complete") and not dropped:
            dropped.append(3)
            del api.parts[3]
        return None

    api.disturb = disturb
    async with client(api) as sending:
        assert (await sending.upload_file(file)).status is Status.RECEIVED
    assert (api.sent[3], sum(api.sent.values()), api.content) == (2, 7, CONTENT)


async def test_an_upload_that_is_complete_already_is_returned_as_it_is(file: Path) -> None:
    api = Api()
    api.upload = msgspec.structs.replace(api.upload, status=Status.VALIDATED)
    async with client(api) as sending:
        assert (await sending.upload_file(file, resume=api.upload.id)).status is Status.VALIDATED
    assert not api.sent


async def test_another_file_than_the_one_that_was_begun_is_refused(file: Path) -> None:
    api = Api()
    async with client(api) as sending:
        await asyncio.to_thread(file.write_bytes, CONTENT + b"more")
        with pytest.raises(FileChanged, match="511 bytes"):
            await sending.upload_file(file, resume=api.upload.id)

        def disturb(request: httpx.Request) -> None:
            if request.url.path.endswith("/parts/2"):
                file.write_bytes(CONTENT)

        api.disturb = disturb
        with pytest.raises(FileChanged, match="was changed"):
            await sending.upload_file(file)
    assert api.upload.status is Status.CREATED


async def test_an_address_that_s3_does_not_take_is_told_without_its_signature(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("valence.transfer._STORAGE_TRIES", 1)
    api = Api(lambda request: httpx.Response(403, text="SignatureDoesNotMatch") if request.url.host == "s3" else None)
    async with client(api) as sending:
        with pytest.raises(StorageRefused, match=r"403, .*SignatureDoesNotMatch") as refused:
            await sending.upload_file(file, straight_to_storage=True)
    assert "signed" not in str(refused.value)


async def test_a_part_that_arrives_at_s3_with_other_bytes_is_sent_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("valence.transfer._FIRST_PAUSE_SECONDS", 0)
    broken = [httpx.Response(200, headers={"ETag": '"00000000000000000000000000000000"'})]
    api = Api(lambda request: broken.pop() if broken and request.url.host == "s3" else None)
    told: list[int] = []
    async with client(api) as sending:
        await sending.upload_file(file, straight_to_storage=True, progress=told.append)
    assert (api.content, sum(told), broken) == (CONTENT, len(CONTENT), [])


def test_an_upload_can_be_paused_gone_on_with_and_cancelled_from_another_thread(file: Path) -> None:
    control, first, api = Control(), threading.Event(), Api()

    def pause(request: httpx.Request) -> None:
        if request.method == "PUT" and not first.is_set():
            control.pause()
            first.set()

    api.disturb = pause
    outcomes: list[object] = []

    def send() -> None:
        with Client("http://api", "k", transport=api) as sending:
            try:
                outcomes.append(sending.upload_file(file, control=control, resume=api.upload.id).status)
            except UploadCancelled as error:
                outcomes.append(type(error))

    for end, expected in ((control.cancel, UploadCancelled), (control.resume, Status.RECEIVED)):
        thread = threading.Thread(target=send)
        thread.start()
        assert first.wait(10)
        end()
        thread.join(10)
        assert outcomes.pop() == expected
        control = Control()
        first.clear()


def test_a_client_that_is_closed_leaves_no_thread_behind_even_with_an_iteration_open() -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'event: snapshot\ndata: {"uploads": [], "truncated": false}\n\n'
        await asyncio.Event().wait()

    before = set(threading.enumerate())
    with Client("http://api", "k", transport=Api(lambda request: httpx.Response(200, content=endless()))) as reading:
        events = reading.all_events()
        next(events)
    assert set(threading.enumerate()) <= before
    reading.close()
    del events


def test_the_id_of_an_upload_is_known_before_its_first_part_is_sent(file: Path) -> None:
    api, known = Api(), list[tuple[UUID, int]]()
    with Client("http://api", "k", transport=api) as sending:
        sending.upload_file(file, announced=lambda upload: known.append((upload.id, sum(api.sent.values()))))
    assert known == [(api.upload.id, 0)]
