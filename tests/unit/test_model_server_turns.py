"""Who is answered while videos are worked on, who waits, who is sent away, and what becomes of those that leave."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from model.errors import Abandoned, BadRequest
from model.pipeline import Video
from schemas.analysis import Analysis
from tests.model_application import VIDEO, FakeModel, loaded, running


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


async def test_ping_answers_503_until_the_models_are_loaded(model: FakeModel) -> None:
    may_load = threading.Event()

    def load() -> FakeModel:
        assert may_load.wait(30)
        return model

    async with running(load) as (_, client):
        assert (await client.get("/ping")).status_code == 503
        early = await client.post("/invocations", content=b"{}", headers={"content-type": "application/json"})
        assert (early.status_code, early.json()["code"], early.json()["retryable"]) == (503, "loading", True)
        may_load.set()
        await loaded(client)
    assert model.closed


async def test_ping_answers_while_videos_are_analysed_and_more_of_them_wait(model: FakeModel) -> None:
    async with running(lambda: model, concurrent_videos=2) as (_, client):
        await loaded(client)
        posts = [asyncio.create_task(client.post("/invocations", content=b"x%d" % n, headers=VIDEO)) for n in range(3)]
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

    async with running(lambda: model, concurrent_videos=1) as (_, client):
        await loaded(client)
        first = asyncio.create_task(client.post("/invocations", content=b"first", headers=VIDEO))
        assert await asyncio.to_thread(model.begun.acquire, timeout=30)
        second = asyncio.create_task(client.post("/invocations", content=body(), headers=VIDEO))
        for _ in range(200):  # it gets as far as it can
            await asyncio.sleep(0)
        assert not taken.is_set()
        model.let_go.set()
        assert (await first).status_code == (await second).status_code == 200
    assert model.given == [b"first", b"second"]


async def test_more_videos_than_may_wait_are_refused_and_those_that_wait_are_not(model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.server.MOST_INVOCATIONS", 2)
    async with running(lambda: model, concurrent_videos=1) as (_, client):
        await loaded(client)
        worked_on = asyncio.create_task(client.post("/invocations", content=b"first", headers=VIDEO))
        assert await asyncio.to_thread(model.begun.acquire, timeout=30)
        waiting = asyncio.create_task(client.post("/invocations", content=b"second", headers=VIDEO))
        await asyncio.sleep(0)  # it takes its place before the next one asks
        refused = await asyncio.wait_for(client.post("/invocations", content=b"third", headers=VIDEO), 30)
        model.let_go.set()
        assert [(await post).status_code for post in (worked_on, waiting)] == [200, 200]
        assert (await client.post("/invocations", content=b"fourth", headers=VIDEO)).status_code == 200
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
    async with running(lambda: model) as (_, client):
        await loaded(client)
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
    async with running(Patient, concurrent_videos=1) as (app, client):
        await loaded(client)
        incoming: asyncio.Queue[Any] = asyncio.Queue()
        await incoming.put({"type": "http.request", "body": b"video", "more_body": False})
        request = asyncio.create_task(app(scope, incoming.get, lambda _: asyncio.sleep(0)))
        assert await asyncio.to_thread(begun.wait, 30)
        await incoming.put({"type": "http.disconnect"})
        await asyncio.wait_for(request, 30)
    assert given_up.is_set()
