"""Uploads of the Python client against an API in memory: what is sent, what is not sent again, and what is asked again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import pytest

from schemas.status import Status
from tests.upload_api import CONTENT, PART, Api, client, problem
from valence import Client, Control, FileChanged, UploadCancelled


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(CONTENT)
    return path


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
    assert (api.content, sum(told)) == (CONTENT, len(CONTENT))
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
