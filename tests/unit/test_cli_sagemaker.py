"""`valence sagemaker deploy`, `undeploy`, `status` and `costs` on moto's account: what they print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import pytest
from botocore.exceptions import ClientError

from cli.exits import Exit
from cli.main import run
from deployment import package
from tests.aws_account import REGION, account

_IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/valence-model:1"
_MAY_NOT = "User: x is not authorized to perform: {} on resource: y"
_ROLE = "arn:aws:iam::123456789012:role/valence-endpoint"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("weights")
    (folder / "weights.txt").write_text("few")
    return str(package.build(folder / "model.tar.gz", folder=folder).path)


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with account(monkeypatch):
        boto3.client("s3").create_bucket(Bucket="valence", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        boto3.client("sqs").create_queue(QueueName="sagemaker-notices")
        yield


def deploying(archive: str, *more: str) -> list[str]:
    return ["sagemaker", "deploy", archive, "--role", _ROLE, "--image", _IMAGE, *more]


def test_a_dry_run_prints_the_plan_and_writes_nothing(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(deploying(archive, "--dry-run")) == Exit.COMPLETED
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 13
    assert "create  endpoint valence: configuration valence-" in out
    assert "13 changes; nothing was written" in err
    assert boto3.client("sagemaker").list_models()["Models"] == []
    assert boto3.client("sns").list_topics()["Topics"] == []


def test_deploying_twice_and_undeploying_twice_ends_well_each_time(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(deploying(archive)) == Exit.COMPLETED
    assert boto3.client("sagemaker").describe_endpoint(EndpointName="valence")["EndpointStatus"] == "InService"
    capsys.readouterr()
    assert run(deploying(archive)) == Exit.COMPLETED
    assert capsys.readouterr().out == "everything is as it should be\n"
    assert run(["sagemaker", "undeploy", "--dry-run"]) == Exit.COMPLETED
    assert "delete  endpoint valence: what waits in its queue is lost" in capsys.readouterr().out
    assert run(["sagemaker", "undeploy", "--yes"]) == Exit.COMPLETED
    capsys.readouterr()
    assert run(["sagemaker", "undeploy"]) == Exit.COMPLETED
    assert capsys.readouterr().out == "nothing of it is there\n"


REFUSED: list[tuple[str, str, str, str]] = [
    (
        "CreateModel",
        "AccessDeniedException",
        _MAY_NOT.format("sagemaker:CreateModel"),
        "sagemaker:CreateModel",
    ),
    ("CreateModel", "AccessDeniedException", _MAY_NOT.format("iam:PassRole"), "iam:PassRole"),
    ("HeadObject", "403", "Forbidden", "s3:GetObject"),
    ("CreateTopic", "AuthorizationError", "no", "sns:CreateTopic"),
    ("PutMetricAlarm", "AccessDenied", "no", "cloudwatch:PutMetricAlarm"),
]


def failing(monkeypatch: pytest.MonkeyPatch, operation: str, code: str, message: str) -> None:
    """One operation is refused by AWS."""
    client: Any = botocore.client.BaseClient
    ask = client._make_api_call
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}

    def asked(self: Any, name: str, parameters: Any) -> Any:
        if name == operation:
            raise ClientError(answer, name)
        return ask(self, name, parameters)

    monkeypatch.setattr(client, "_make_api_call", asked)


@pytest.mark.parametrize(("operation", "code", "message", "action"), REFUSED, ids=[row[3] for row in REFUSED])
def test_a_missing_permission_is_named(
    archive: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], operation: str, code: str, message: str, action: str
) -> None:
    failing(monkeypatch, operation, code, message)
    assert run(deploying(archive)) == Exit.NOT_COMPLETED
    assert f"AWS refuses {action}: " in capsys.readouterr().err


def test_what_aws_does_not_accept_is_said_in_its_words(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(deploying(archive, "--instance-type", "ml.none.large")) == Exit.NOT_COMPLETED
    err = capsys.readouterr().err
    assert "sagemaker:CreateEndpointConfig is refused" in err
    assert "ml.none.large" in err


def test_a_role_that_is_none_is_refused_before_it_is_sent(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sagemaker", "deploy", archive, "--role", "me", "--image", _IMAGE]) == Exit.NOT_COMPLETED
    assert "ExecutionRoleArn" in capsys.readouterr().err


def test_throttling_is_a_service_that_cannot_be_reached(
    archive: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, "CreateModel", "ThrottlingException", "Rate exceeded")
    assert run(deploying(archive)) == Exit.UNREACHABLE
    assert "aws is unavailable" in capsys.readouterr().err


def test_without_credentials_it_says_so(archive: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert run(["sagemaker", "status"]) == Exit.UNREACHABLE
    assert "credentials" in capsys.readouterr().err.lower()


def test_without_a_region_it_says_which_variable(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    assert run(["sagemaker", "status"]) == Exit.USAGE
    assert "set AWS_REGION" in capsys.readouterr().err


MISUSED = [
    (["--role", _ROLE], "say which image"),
    (["--role", _ROLE, "--image", _IMAGE, "--ready-made"], "say which image"),
    (["--role", _ROLE, "--image", _IMAGE, "--environment", "LOUD"], "NAME=VALUE"),
    (["--role", _ROLE, "--image", _IMAGE, "--most-instances", "0"], "--most-instances"),
    (["--image", _IMAGE], "--role"),
]


@pytest.mark.parametrize(("options", "said"), MISUSED)
def test_a_misuse_is_said_before_aws_is_asked(archive: str, capsys: pytest.CaptureFixture[str], options: list[str], said: str) -> None:
    assert run(["sagemaker", "deploy", archive, *options]) == Exit.USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "under_score", "-", "e" * 51, "ends-"])
def test_a_name_that_no_endpoint_can_have_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("VALENCE_INFERENCE_ENDPOINT_NAME", name)
    assert run(["sagemaker", "status"]) == Exit.USAGE
    assert "VALENCE_INFERENCE_ENDPOINT_NAME" in capsys.readouterr().err


def test_status_without_an_endpoint_says_how_to_make_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sagemaker", "status"]) == Exit.NOT_COMPLETED
    assert "`valence sagemaker deploy` makes it" in capsys.readouterr().err


def test_a_training_whose_bucket_is_not_there_does_not_make_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("VALENCE_STORAGE_BUCKET", "other")
    assert run(["sagemaker", "train", "s3://videos/meld", "--role", _ROLE]) == Exit.NOT_COMPLETED
    assert "there is no bucket other" in capsys.readouterr().err
    assert [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]] == ["valence"]


def test_costs_are_given_with_their_price_its_date_and_what_they_leave_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = {"source": "an invoice", "date": "2026-11-22", "region": REGION, "currency": "EUR", "per_hour": {"ml.c5.2xlarge": 0.36}}
    (tmp_path / "prices.json").write_text(json.dumps(table))
    options = ["--prices", str(tmp_path / "prices.json"), "--compute-seconds", "20", "--media-seconds", "120"]
    assert run(["sagemaker", "costs", *options]) == Exit.COMPLETED
    out = capsys.readouterr().out
    assert "an analysis  0.001000 to 0.002000 EUR" in out
    assert "1 h of video 0.030000 to 0.060000 EUR" in out
    assert "0.36 EUR an hour in eu-west-1 on 2026-11-22 by an invoice" in out
    assert "instances that wait" in out
