"""What InferenceEndpoint promises, of the in-memory twin and of boto3 before the endpoint's stand-in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.errors import DependencyUnavailable, InvalidInvocation
from runtime.inference import InferenceEndpoint, SageMakerEndpoint
from runtime.settings import Inference
from runtime.storage import locate
from runtime.testing import MemoryEndpoint
from tests.sagemaker_standin import running_standin

JOB = "s3://valence/jobs/a/1.json"


def signed(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture(params=["twin", "stand-in"])
async def endpoint(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InferenceEndpoint]:
    if request.param == "twin":
        yield MemoryEndpoint()
        return
    async with running_standin(tmp_path) as standin:
        signed(monkeypatch, standin.url)
        yield SageMakerEndpoint(Inference())


async def test_an_accepted_job_learns_where_its_answer_or_its_error_will_lie(endpoint: InferenceEndpoint) -> None:
    locations = await endpoint.invoke(JOB, "upload.1")
    assert locations.failure is not None
    assert locate(locations.output) != locate(locations.failure)


async def test_the_same_job_twice_is_two_jobs(endpoint: InferenceEndpoint) -> None:
    assert await endpoint.invoke(JOB, "upload.1") != await endpoint.invoke(JOB, "upload.1")


async def test_an_inference_id_of_64_characters_is_accepted_and_of_65_refused(endpoint: InferenceEndpoint) -> None:
    await endpoint.invoke(JOB, "x" * 64)
    with pytest.raises(InvalidInvocation):
        await endpoint.invoke(JOB, "x" * 65)


@pytest.mark.parametrize("location", ["jobs/a/1.json", "ftp://valence/jobs/a/1.json"])
async def test_an_input_location_that_is_no_s3_or_https_address_is_refused(endpoint: InferenceEndpoint, location: str) -> None:
    with pytest.raises(InvalidInvocation):
        await endpoint.invoke(location, "upload.1")


@pytest.fixture(params=["twin", "nobody listens", "no such endpoint"])
async def away(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InferenceEndpoint]:
    if request.param == "twin":
        twin = MemoryEndpoint()
        twin.away = True
        yield twin
    elif request.param == "nobody listens":
        signed(monkeypatch, "http://127.0.0.1:1")
        yield SageMakerEndpoint(Inference())
    else:
        async with running_standin(tmp_path) as standin:
            signed(monkeypatch, standin.url)
            yield SageMakerEndpoint(Inference(endpoint_name="not-there"))


async def test_an_endpoint_that_is_away_or_not_there_is_a_dependency_to_wait_for(away: InferenceEndpoint) -> None:
    with pytest.raises(DependencyUnavailable):
        await away.invoke(JOB, "upload.1")
