"""One request through the whole data plane by an unmodified boto3 client, down to what the container reads and what lies in S3."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from local.sagemaker.answers import ModelContainer
from local.sagemaker.faults import Fault, FaultRule
from runtime.storage import locate
from runtime.testing import MemoryStorage
from tests.sagemaker_standin import running_standin


class Container:
    """A container that answers what it was sent, and keeps the requests."""

    def __init__(self, status: int = 200) -> None:
        self.requests: list[httpx.Request] = []
        self._status = status

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self._status, content=b"felt: " + request.content, headers={"content-type": "text/felt"})

    def behind(self, storage: MemoryStorage) -> ModelContainer:
        """The stand-in's way to it."""
        return ModelContainer(httpx.AsyncClient(base_url="http://model", transport=httpx.MockTransport(self)), storage)


EVERYTHING: dict[str, Any] = {
    "ContentType": "application/json",
    "Accept": "text/felt",
    "CustomAttributes": "traceparent=00-1-2-03",
    "InferenceId": "mine",
    "RequestTTLSeconds": 60,
    "InvocationTimeoutSeconds": 3_600,
}


async def test_an_inline_body_and_every_header_reach_the_container_and_the_answer_lies_where_it_was_asked_for(tmp_path: Path) -> None:
    storage, container = MemoryStorage(), Container()
    async with running_standin(tmp_path, answers=container.behind(storage), storage=storage) as standin:
        accepted = await standin.invoke(**EVERYTHING, Body=b'{"job": 1}', S3OutputPathExtension="team/a", Filename="mine.json")
        (notice,) = await standin.notices(1)
    (request,) = container.requests
    assert request.content == b'{"job": 1}'
    assert (request.headers["content-type"], request.headers["accept"]) == ("application/json", "text/felt")
    assert request.headers["x-amzn-sagemaker-custom-attributes"] == "traceparent=00-1-2-03"
    assert request.headers["x-amzn-sagemaker-inference-id"] == "mine"
    assert accepted["OutputLocation"].endswith("/team/a/mine.json")
    assert storage.objects[locate(accepted["OutputLocation"])][:2] == (b'felt: {"job": 1}', "text/felt")
    assert notice["requestParameters"].get("inputLocation") is None
    assert notice["responseParameters"]["outputLocation"] == accepted["OutputLocation"]


async def test_an_error_of_the_container_lies_at_the_failure_location_verbatim_and_nothing_at_the_other(tmp_path: Path) -> None:
    storage, container = MemoryStorage(), Container(status=422)
    async with running_standin(tmp_path, answers=container.behind(storage), storage=storage) as standin:
        accepted = await standin.invoke(**EVERYTHING, Body=b"{}")
        (notice,) = await standin.notices(1)
    assert {location: found.body for location, found in storage.objects.items()} == {locate(accepted["FailureLocation"]): b"felt: {}"}
    assert (notice["invocationStatus"], notice["inferenceId"]) == ("Failed", "mine")
    assert "(422)" in notice["failureReason"]


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.INTERNAL, Fault.THROTTLED])
async def test_what_passes_is_tried_again_by_boto3_as_it_comes(tmp_path: Path, fault: Fault) -> None:
    async with running_standin(tmp_path, faults=[FaultRule(fault=fault, times=1)]) as standin:
        keys: dict[str, Any] = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
        client = boto3.client("sagemaker-runtime", endpoint_url=standin.url, region_name="us-east-1", **keys)
        parameters: Any = {"EndpointName": "valence", "InputLocation": "s3://valence/jobs/a.json"}
        answer = await asyncio.to_thread(lambda: client.invoke_endpoint_async(**parameters))
        assert answer["ResponseMetadata"]["RetryAttempts"] == 1
        await standin.notices(1)
