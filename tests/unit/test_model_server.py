"""The container's HTTP with a fake model: who waits, who is refused, and with what."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from model.errors import Abandoned, BadRequest, ModelError, ObjectReplaced, StorageUnavailable, WeightsUnreadable
from model.pipeline import Analyser, Video
from model.server import Server
from model.settings import Settings
from schemas.analysis import Analysis

_ANALYSIS = Analysis(profile="bundled", media_seconds=1.0, compute_seconds=0.1, models=(), modalities=())
_VIDEO = {"content-type": "video/mp4"}


class FakeModel:
    """An analyser that notes what it was given, and holds every video until it is let go."""

    def __init__(self) -> None:
        self.given: list[bytes] = []
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.error: Exception | None = None
        self.closed = False

    def analyse(self, video: Video) -> Analysis:
        self.given.append(video.source.read_range(0, video.source.size))
        self.begun.release()
        assert self.let_go.wait(30)
        if self.error is not None:
            raise self.error
        return _ANALYSIS

    def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def _running(
    load: Callable[[], Analyser], failed: Callable[[], None] = lambda: None, **settings: Any
) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """The application as a server runs it: startup before, shutdown after."""
    app = Server(Settings(profile="bundled", **settings), load, failed)
    received: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    sent: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan"}, received.get, sent.put))
    await received.put({"type": "lifespan.startup"})
    assert (await sent.get())["type"] == "lifespan.startup.complete"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://container") as client:
        yield app, client
    await received.put({"type": "lifespan.shutdown"})
    assert (await sent.get())["type"] == "lifespan.shutdown.complete"
    await life


async def _loaded(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(30):
        for _ in itertools.count():
            if (await client.get("/ping")).status_code == 200:
                return
            await asyncio.sleep(0.005)


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


async def test_ping_answers_503_until_the_models_are_loaded(model: FakeModel) -> None:
    may_load = threading.Event()

    def load() -> FakeModel:
        assert may_load.wait(30)
        return model

    async with _running(load) as (_, client):
        assert (await client.get("/ping")).status_code == 503
        early = await client.post("/invocations", content=b"{}", headers={"content-type": "application/json"})
        assert (early.status_code, early.json()["code"], early.json()["retryable"]) == (503, "loading", True)
        may_load.set()
        await _loaded(client)
    assert model.closed


async def test_ping_answers_while_videos_are_analysed_and_more_of_them_wait(model: FakeModel) -> None:
    async with _running(lambda: model, concurrent_videos=2) as (_, client):
        await _loaded(client)
        posts = [asyncio.create_task(client.post("/invocations", content=b"x%d" % n, headers=_VIDEO)) for n in range(3)]
        for _ in range(2):
            assert await asyncio.to_thread(model.begun.acquire, timeout=30)
        assert (await client.get("/ping")).status_code == 200
        assert len(model.given) == 2
        model.let_go.set()
        assert [(await post).status_code for post in posts] == [200, 200, 200]
    assert sorted(model.given) == [b"x0", b"x1", b"x2"]


async def test_a_video_that_waits_its_turn_is_not_taken_in_before(model: FakeModel) -> None:
    taken = threading.Event()

    async def body() -> AsyncIterator[bytes]:
        taken.set()
        yield b"second"

    async with _running(lambda: model, concurrent_videos=1) as (_, client):
        await _loaded(client)
        first = asyncio.create_task(client.post("/invocations", content=b"first", headers=_VIDEO))
        assert await asyncio.to_thread(model.begun.acquire, timeout=30)
        second = asyncio.create_task(client.post("/invocations", content=body(), headers=_VIDEO))
        for _ in range(200):  # it gets as far as it can
            await asyncio.sleep(0)
        assert not taken.is_set()
        model.let_go.set()
        assert (await first).status_code == (await second).status_code == 200
    assert model.given == [b"first", b"second"]


async def test_more_videos_than_may_wait_are_refused_and_those_that_wait_are_not(model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.server.MOST_INVOCATIONS", 2)
    async with _running(lambda: model, concurrent_videos=1) as (_, client):
        await _loaded(client)
        worked_on = asyncio.create_task(client.post("/invocations", content=b"first", headers=_VIDEO))
        assert await asyncio.to_thread(model.begun.acquire, timeout=30)
        waiting = asyncio.create_task(client.post("/invocations", content=b"second", headers=_VIDEO))
        await asyncio.sleep(0)  # it takes its place before the next one asks
        refused = await asyncio.wait_for(client.post("/invocations", content=b"third", headers=_VIDEO), 30)
        model.let_go.set()
        assert [(await post).status_code for post in (worked_on, waiting)] == [200, 200]
        assert (await client.post("/invocations", content=b"fourth", headers=_VIDEO)).status_code == 200
    assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (503, "busy", True)
    assert model.given == [b"first", b"second", b"fourth"]


async def test_ping_answers_while_a_request_is_being_understood(model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first job makes the client of S3, which takes a moment."""
    begun, may_end = threading.Event(), threading.Event()

    def understand(body: bytes, content_type: str) -> Video:
        begun.set()
        assert may_end.wait(30)
        raise BadRequest("it is no job")

    monkeypatch.setattr("model.handler.input_fn", understand)
    async with _running(lambda: model) as (_, client):
        await _loaded(client)
        job = asyncio.create_task(client.post("/invocations", content=b"{}", headers={"content-type": "application/json"}))
        assert await asyncio.to_thread(begun.wait, 30)
        assert (await client.get("/ping")).status_code == 200
        may_end.set()
        assert (await job).status_code == 400


async def test_work_for_a_client_that_has_left_is_given_up() -> None:
    begun, given_up = threading.Event(), threading.Event()

    class Patient(FakeModel):
        def analyse(self, video: Video) -> Analysis:
            begun.set()
            assert video.gone.wait(30), "nobody said that the client is gone"
            given_up.set()
            raise Abandoned

    scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": [(b"content-type", b"video/mp4")]}
    async with _running(Patient, concurrent_videos=1) as (app, client):
        await _loaded(client)
        incoming: asyncio.Queue[Any] = asyncio.Queue()
        await incoming.put({"type": "http.request", "body": b"video", "more_body": False})
        request = asyncio.create_task(app(scope, incoming.get, lambda _: asyncio.sleep(0)))
        assert await asyncio.to_thread(begun.wait, 30)
        await incoming.put({"type": "http.disconnect"})
        await asyncio.wait_for(request, 30)
    assert given_up.is_set()


async def test_models_that_cannot_be_loaded_stop_the_server() -> None:
    stopped = asyncio.Event()

    def load() -> FakeModel:
        raise WeightsUnreadable(Path("text.npz"), "gone")

    async with _running(load, stopped.set) as (app, client):
        await asyncio.wait_for(stopped.wait(), 30)
        assert (await client.get("/ping")).status_code == 503
    assert isinstance(app.load_error, WeightsUnreadable)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_refused_whether_or_not_it_says_its_length(model: FakeModel, chunked: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"1"

    async with _running(lambda: model, body_bytes=10) as (_, client):
        await _loaded(client)
        answer = await client.post("/invocations", content=parts() if chunked else b"1" * 11, headers=_VIDEO)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert model.given == []


async def test_a_body_at_the_limit_reaches_the_model_whole(model: FakeModel) -> None:
    model.let_go.set()
    body = bytes(range(256)) * 12_000  # more than is written to the file at once
    async with _running(lambda: model, body_bytes=len(body)) as (_, client):
        await _loaded(client)
        answer = await client.post("/invocations", content=body, headers={"content-type": "application/octet-stream"})
    assert answer.status_code == 200
    assert model.given == [body]


@pytest.mark.parametrize(
    ("content_type", "body", "accept", "status", "code"),
    [
        ("application/json", b"{nonsense", "*/*", 400, "bad_request"),
        ("application/json", b'{"upload_id": "1"}', "*/*", 400, "bad_request"),
        ("application/json", b" " * 70_000, "*/*", 413, "body_too_large"),
        ("video/mp4", b"", "*/*", 400, "bad_request"),
        ("text/plain", b"hello", "*/*", 415, "unsupported_content_type"),
        ("video/mp4", b"video", "text/csv", 406, "not_acceptable"),
    ],
)
async def test_a_request_that_is_wrong_is_told_what_is_wrong(
    model: FakeModel, content_type: str, body: bytes, accept: str, status: int, code: str
) -> None:
    model.let_go.set()
    async with _running(lambda: model) as (_, client):
        await _loaded(client)
        answer = await client.post("/invocations", content=body, headers={"content-type": content_type, "accept": accept})
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (status, code, False)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("error", "status", "code", "retryable"),
    [
        (ObjectReplaced("it changed"), 409, "object_replaced", False),
        (StorageUnavailable("s3 is away"), 503, "storage_unavailable", True),
        (ZeroDivisionError("a fault of ours"), 500, "inference_error", True),
    ],
)
async def test_an_error_of_the_analysis_says_whose_fault_it_is(
    model: FakeModel, error: Exception, status: int, code: str, retryable: bool
) -> None:
    model.error = error
    model.let_go.set()
    async with _running(lambda: model) as (_, client):
        await _loaded(client)
        answer = await client.post("/invocations", content=b"video", headers=_VIDEO)
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (status, code, retryable)
    assert ("a fault of ours" in answer.text) is False
    assert isinstance(error, ModelError) is (str(error) in answer.text)


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


def _more_than_there_is() -> Exception:
    try:
        bytearray(1 << 62)
    except MemoryError as error:
        return error
    raise AssertionError("nobody has so much")


@pytest.mark.parametrize(
    "error",
    [
        _more_than_there_is(),
        OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 68719476736 bytes"),
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer of size 68719476736"),
    ],
    ids=["Python", "torch on a GPU", "torch", "ONNX Runtime"],
)
async def test_a_video_that_needs_too_much_memory_fails_alone(model: FakeModel, error: Exception) -> None:
    model.let_go.set()
    async with _running(lambda: model) as (_, client):
        await _loaded(client)
        model.error = error
        failed = await client.post("/invocations", content=b"vast", headers=_VIDEO)
        model.error = None
        assert (await client.get("/ping")).status_code == 200
        assert (await client.post("/invocations", content=b"small", headers=_VIDEO)).status_code == 200
    assert (failed.status_code, failed.json()["code"], failed.json()["retryable"]) == (500, "out_of_memory", True)


async def test_an_analysis_is_answered_as_json(model: FakeModel) -> None:
    model.let_go.set()
    async with _running(lambda: model) as (_, client):
        await _loaded(client)
        answer = await client.post("/invocations", content=b"video", headers=_VIDEO)
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content)["profile"] == "bundled"


async def test_what_does_not_exist_is_not_found(model: FakeModel) -> None:
    async with _running(lambda: model) as (_, client):
        assert (await client.get("/invocations")).json()["code"] == "not_found"
        assert (await client.get("/models")).status_code == 404
