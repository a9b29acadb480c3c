"""What the endpoint's stand-in accepts and refuses, parameter by parameter, as boto3 sees it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from local.sagemaker.requests import HEADER_RULES, INLINE_BYTES, Rule
from tests.sagemaker_standin import StandIn, running_standin


@pytest.fixture
async def standin(tmp_path: Path) -> AsyncIterator[StandIn]:
    async with running_standin(tmp_path) as running:
        yield running


async def refused(standin: StandIn, **parameters: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        await standin.invoke(**parameters)
    return caught.value


def members() -> dict[str, Any]:
    model = botocore.session.get_session().get_service_model("sagemaker-runtime").operation_model("InvokeEndpointAsync")
    shape: Any = model.input_shape
    return dict(shape.members)


def test_every_header_of_the_service_model_has_a_rule() -> None:
    headers = {name: shape.serialization["name"] for name, shape in members().items() if shape.serialization.get("location") == "header"}
    assert {rule.parameter: rule.header for rule in HEADER_RULES} == headers


@pytest.mark.parametrize("rule", HEADER_RULES, ids=lambda rule: rule.parameter)
def test_every_bound_is_the_service_models(rule: Rule) -> None:
    shape = members()[rule.parameter]
    assert (rule.least, rule.most) == (shape.metadata.get("min", 0), shape.metadata["max"])
    assert rule.number == (shape.type_name == "integer")


def test_the_inline_payloads_bound_is_the_service_models() -> None:
    assert members()["Body"].metadata["max"] == INLINE_BYTES


TOO_MUCH = [
    ({"ContentType": "x" * 1025}, "ContentType"),
    ({"Accept": "x" * 1025}, "Accept"),
    ({"CustomAttributes": "x" * 1025}, "CustomAttributes"),
    ({"InferenceId": "x" * 65}, "InferenceId"),
    ({"InputLocation": "s3://bucket/" + "x" * 1013}, "InputLocation"),
    ({"InputLocation": "ftp://bucket/key"}, "InputLocation"),
    ({"S3OutputPathExtension": "x" * 513}, "S3OutputPathExtension"),
    ({"S3OutputPathExtension": "s3:there"}, "S3OutputPathExtension"),
    ({"Filename": "x" * 33}, "Filename"),
    ({"Filename": "two.dots.out"}, "Filename"),
    ({"RequestTTLSeconds": 21_601}, "RequestTTLSeconds"),
    ({"InvocationTimeoutSeconds": 3_601}, "InvocationTimeoutSeconds"),
    ({"EndpointName": "x" * 64}, "EndpointName"),
    ({"EndpointName": "under_score"}, "EndpointName"),
]


@pytest.mark.parametrize(("parameters", "named"), TOO_MUCH, ids=lambda value: value if isinstance(value, str) else "")
async def test_a_value_outside_its_rule_is_a_validation_error_that_names_it(standin: StandIn, parameters: Any, named: str) -> None:
    error = (await refused(standin, **parameters)).response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("ValidationError", 400)
    assert f"at '{named}' failed to satisfy constraint" in error["Error"]["Message"]


AT_THE_BOUND = [
    {"ContentType": "x" * 1024},
    {"Accept": "x" * 1024},
    {"CustomAttributes": "x" * 1024},
    {"InferenceId": "x" * 64},
    {"InputLocation": "s3://bucket/" + "x" * 1012},
    {"InputLocation": "https://bucket.example/key"},
    {"S3OutputPathExtension": "x" * 512},
    {"Filename": "x" * 28 + ".out"},
    {"RequestTTLSeconds": 60},
    {"RequestTTLSeconds": 21_600},
    {"InvocationTimeoutSeconds": 1},
    {"InvocationTimeoutSeconds": 3_600},
    {"Body": b"x" * INLINE_BYTES},
]


@pytest.mark.parametrize("parameters", AT_THE_BOUND, ids=lambda parameters: next(iter(parameters)))
async def test_a_value_at_its_bound_is_accepted_with_202(standin: StandIn, parameters: Any) -> None:
    answer = await standin.invoke(**parameters)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202


SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"}


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("X-Amzn-SageMaker-RequestTTLSeconds", "59"),
        ("X-Amzn-SageMaker-RequestTTLSeconds", "soon"),
        ("X-Amzn-SageMaker-InvocationTimeoutSeconds", "0"),
        ("X-Amzn-SageMaker-Inference-Id", ""),
    ],
)
async def test_what_botocore_would_not_send_is_refused_too(standin: StandIn, header: str, text: str) -> None:
    headers = {**SIGNED, "X-Amzn-SageMaker-InputLocation": "s3://bucket/key", header: text}
    answer = await standin.post("/endpoints/valence/async-invocations", b"", headers)
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (400, "ValidationError")
    assert list(answer.json()) == ["Message"]


async def test_a_request_signed_for_another_service_is_refused(standin: StandIn) -> None:
    headers = {"authorization": SIGNED["authorization"].replace("/sagemaker/", "/s3/"), "X-Amzn-SageMaker-InputLocation": "s3://bucket/key"}
    answer = await standin.post("/endpoints/valence/async-invocations", b"", headers)
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (403, "MissingAuthenticationTokenException")


async def test_both_a_body_and_an_input_location_are_one_too_many(standin: StandIn) -> None:
    error = await refused(standin, Body=b"{}", InputLocation="s3://bucket/key")
    assert error.response["Error"] == {"Code": "ValidationError", "Message": "Provide exactly one of Body and InputLocation"}


async def test_neither_a_body_nor_an_input_location_is_one_too_few(standin: StandIn) -> None:
    answer = await standin.post("/endpoints/valence/async-invocations", b"", SIGNED)
    assert (answer.status_code, answer.json()) == (400, {"Message": "Provide exactly one of Body and InputLocation"})


async def test_a_body_above_128_000_bytes_is_refused(standin: StandIn) -> None:
    error = await refused(standin, Body=b"x" * (INLINE_BYTES + 1))
    assert error.response["Error"]["Code"] == "ValidationError"
    assert "128000 bytes" in error.response["Error"]["Message"]


async def test_an_unknown_endpoint_is_named_as_sagemaker_names_it(standin: StandIn) -> None:
    error = await refused(standin, EndpointName="other")
    assert error.response["Error"] == {"Code": "ValidationError", "Message": "Endpoint other of account 000000000000 not found."}


async def test_an_accepted_request_learns_its_locations_and_its_id(standin: StandIn) -> None:
    answer = await standin.invoke(InferenceId="mine")
    assert answer["InferenceId"] == "mine"
    folder, _, name = answer["OutputLocation"].rpartition("/")
    assert folder == "s3://valence/inference/output"
    assert answer["FailureLocation"] == f"s3://valence/inference/failure/{name.removesuffix('.out')}-error.out"
    assert "mine" not in answer["OutputLocation"]


async def test_a_request_without_an_id_is_given_one(standin: StandIn) -> None:
    first, second = await standin.invoke(), await standin.invoke()
    assert len({first["InferenceId"], second["InferenceId"], ""}) == 3


async def test_extension_and_filename_shape_the_output_location(standin: StandIn) -> None:
    answer = await standin.invoke(S3OutputPathExtension="team/a", Filename="mine.json")
    assert answer["OutputLocation"] == "s3://valence/inference/output/team/a/mine.json"


async def test_the_same_id_twice_is_two_invocations_and_both_are_counted(standin: StandIn) -> None:
    first, second = await standin.invoke(InferenceId="twice"), await standin.invoke(InferenceId="twice")
    assert first["OutputLocation"] != second["OutputLocation"]
    assert [notice["inferenceId"] for notice in await standin.notices(2)] == ["twice", "twice"]
    assert json.loads((await standin.get("/invocations")).content) == {"twice": 2}


async def test_what_is_refused_is_not_counted(standin: StandIn) -> None:
    await refused(standin, EndpointName="other", InferenceId="never")
    assert (await standin.get("/invocations")).json() == {}
