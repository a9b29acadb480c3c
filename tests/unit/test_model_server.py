"""The container's HTTP with a fake model: who is refused, and with what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from model.errors import ModelError, ObjectReplaced, StorageUnavailable, WeightsUnreadable
from tests.model_application import VIDEO, FakeModel, loaded, running


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


async def test_models_that_cannot_be_loaded_stop_the_server() -> None:
    stopped = asyncio.Event()

    def load() -> FakeModel:
        raise WeightsUnreadable(Path("text.npz"), "gone")

    async with running(load, stopped.set) as (app, client):
        await asyncio.wait_for(stopped.wait(), 30)
        assert (await client.get("/ping")).status_code == 503
    assert isinstance(app.load_error, WeightsUnreadable)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_refused_whether_or_not_it_says_its_length(model: FakeModel, chunked: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"1"

    async with running(lambda: model, body_bytes=10) as (_, client):
        await loaded(client)
        answer = await client.post("/invocations", content=parts() if chunked else b"1" * 11, headers=VIDEO)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert model.given == []


async def test_a_body_at_the_limit_reaches_the_model_whole(model: FakeModel) -> None:
    model.let_go.set()
    body = bytes(range(256)) * 12_000  # more than is written to the file at once
    async with running(lambda: model, body_bytes=len(body)) as (_, client):
        await loaded(client)
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
    async with running(lambda: model) as (_, client):
        await loaded(client)
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
    async with running(lambda: model) as (_, client):
        await loaded(client)
        answer = await client.post("/invocations", content=b"video", headers=VIDEO)
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
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned [...] Status Message: std::bad_alloc"),
        RuntimeError("can't start new thread"),
    ],
    ids=["Python", "torch on a GPU", "torch", "ONNX Runtime", "a kernel of ONNX Runtime", "a thread"],
)
async def test_a_video_that_needs_too_much_memory_fails_alone(model: FakeModel, error: Exception) -> None:
    model.let_go.set()
    async with running(lambda: model) as (_, client):
        await loaded(client)
        model.error = error
        failed = await client.post("/invocations", content=b"vast", headers=VIDEO)
        model.error = None
        assert (await client.get("/ping")).status_code == 200
        assert (await client.post("/invocations", content=b"small", headers=VIDEO)).status_code == 200
    assert (failed.status_code, failed.json()["code"], failed.json()["retryable"]) == (500, "out_of_memory", True)


async def test_an_analysis_is_answered_as_json(model: FakeModel) -> None:
    model.let_go.set()
    async with running(lambda: model) as (_, client):
        await loaded(client)
        answer = await client.post("/invocations", content=b"video", headers=VIDEO)
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content)["profile"] == "bundled"


async def test_what_does_not_exist_is_not_found(model: FakeModel) -> None:
    async with running(lambda: model) as (_, client):
        assert (await client.get("/invocations")).json()["code"] == "not_found"
        assert (await client.get("/models")).status_code == 404
