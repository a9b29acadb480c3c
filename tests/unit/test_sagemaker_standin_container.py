"""How the stand-in asks the model's container, and what it makes of its answers."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from local.sagemaker.answers import DEATHS, Answer, ModelContainer
from local.sagemaker.requests import Invocation
from runtime.errors import DependencyUnavailable
from runtime.testing import MemoryStorage

Handler = Callable[[httpx.Request], Coroutine[Any, Any, httpx.Response]]


def invocation(**parameters: Any) -> Invocation:
    given: dict[str, Any] = {
        "id": "1",
        "inference_id": "mine",
        "endpoint_name": "valence",
        "output_location": "s3://valence/out",
        "failure_location": "s3://valence/err",
        "received_at": datetime.now(UTC),
        "ttl_seconds": 60,
        "timeout_seconds": 60,
        **({} if "body" in parameters else {"input_location": "s3://valence/jobs/1.json"}),
    }
    return Invocation(**{**given, **parameters})


async def container(handler: Handler) -> ModelContainer:
    storage = MemoryStorage()
    await storage.put("valence", "jobs/1.json", b"job", "application/json")
    return ModelContainer(httpx.AsyncClient(base_url="http://model", transport=httpx.MockTransport(handler)), storage)


def answering(status: int, body: bytes = b"felt", ping: int = 200) -> Handler:
    async def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/ping":
            return httpx.Response(ping)
        return httpx.Response(status, content=body, headers={"content-type": "text/plain"})

    return handler


async def test_the_container_gets_the_payload_from_s3_and_the_callers_headers() -> None:
    seen: list[httpx.Request] = []

    async def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=b"felt", headers={"content-type": "text/plain"})

    answer = await (await container(handler)).answer(
        invocation(content_type="application/json", accept="text/plain", custom_attributes="a=1")
    )
    assert answer == Answer(b"felt", "text/plain")
    (request,) = seen
    assert (request.method, request.url.path, request.content) == ("POST", "/invocations", b"job")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "text/plain"
    assert request.headers["x-amzn-sagemaker-custom-attributes"] == "a=1"
    assert request.headers["x-amzn-sagemaker-inference-id"] == "mine"


async def test_an_inline_body_is_handed_on_as_it_is() -> None:
    async def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=request.content)

    assert (await (await container(echo)).answer(invocation(body=b"\x00inline"))).body == b"\x00inline"


@pytest.mark.parametrize(("status", "side"), [(400, "client"), (413, "client"), (500, "server"), (503, "server")])
async def test_an_error_of_the_container_is_the_answer(status: int, side: str) -> None:
    answer = await (await container(answering(status, b"it hurts"))).answer(invocation())
    assert answer == Answer(b"it hurts", "text/plain", f'Received {side} error ({status}) from model with message "it hurts".')


async def test_a_container_that_is_not_in_service_is_waited_for() -> None:
    with pytest.raises(DependencyUnavailable):
        await (await container(answering(503, ping=503))).answer(invocation())


async def test_a_container_that_is_not_there_is_waited_for_however_often() -> None:
    async def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    model = await container(nobody)
    for _ in range(DEATHS + 1):
        with pytest.raises(DependencyUnavailable):
            await model.answer(invocation())


async def test_a_request_over_which_the_container_keeps_dying_fails_at_last() -> None:
    async def dies(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("peer closed connection")

    model = await container(dies)
    for _ in range(DEATHS - 1):
        with pytest.raises(DependencyUnavailable):
            await model.answer(invocation())
    assert f"died {DEATHS} times" in str((await model.answer(invocation())).failure)


async def test_an_answer_that_takes_longer_than_the_invocation_timeout_is_a_failure() -> None:
    async def hangs(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")

    async with asyncio.timeout(30):
        answer = await (await container(hangs)).answer(invocation(timeout_seconds=0))
    assert answer.failure == "The model did not answer within InvocationTimeoutSeconds, 0 seconds."


@pytest.mark.parametrize("location", ["s3://valence/jobs/none.json", "s3://only-a-bucket", "https://host/404"])
async def test_a_payload_that_is_not_there_is_a_failure_that_names_it(location: str) -> None:
    answer = await (await container(answering(404))).answer(invocation(input_location=location))
    assert answer.failure
    assert location in answer.failure


async def test_s3_that_is_away_is_waited_for() -> None:
    storage = MemoryStorage()
    storage.away = True
    model = ModelContainer(httpx.AsyncClient(base_url="http://model", transport=httpx.MockTransport(answering(200))), storage)
    with pytest.raises(DependencyUnavailable):
        await model.answer(invocation())
