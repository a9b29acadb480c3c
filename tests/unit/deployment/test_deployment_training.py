"""A training job by the real SDK, on moto's account, in a process of its own: the SDK takes seconds to import and warns as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployment import training
from model.training.fusion.metrics import NAMES
from tests.aws_account import violations

_ROOT = Path(__file__).parents[3]
_START = """
import json, os, sys
import boto3, botocore.client
from moto import mock_aws

went_outside = []
sys.addaudithook(lambda event, arguments: went_outside.append(str(arguments[0])) if event == "socket.getaddrinfo" else None)
calls, ask = [], botocore.client.BaseClient._make_api_call
def asked(client, name, parameters):
    calls.append([client.meta.service_model.service_name, name, parameters])
    return ask(client, name, parameters)
with mock_aws():
    boto3.client("s3").create_bucket(Bucket="videos", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    botocore.client.BaseClient._make_api_call = asked
    from cli.main import run
    code = run(json.loads(sys.argv[1]))
    listed = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket="videos")
    keys = [entry["Key"] for page in listed for entry in page.get("Contents", [])]
    script = next((key for key in keys if key.endswith("/sm_train.sh")), None)
    text = boto3.client("s3").get_object(Bucket="videos", Key=script)["Body"].read().decode() if script else ""
print(json.dumps({"code": code, "calls": calls, "keys": keys, "script": text, "outside": went_outside}, default=str))
"""
_ROLE = "arn:aws:iam::123456789012:role/training"


def started(*arguments: str) -> dict[str, Any]:
    """What `valence sagemaker train` did."""
    foreign = ("AWS_", "VALENCE_", "SAGEMAKER_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    command = [sys.executable, "-c", _START, json.dumps(["sagemaker", "train", *arguments])]
    done = subprocess.run(
        command, env={**environment, **own, "VALENCE_STORAGE_BUCKET": "videos"}, cwd=_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "said": done.stdout, "complained": done.stderr}


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    return started("s3://videos/meld", "--role", _ROLE, "--", "--face-weights", "none")


def test_a_training_runs_on_spot_instances_and_goes_on_from_its_checkpoints(job: dict[str, Any]) -> None:
    assert job["code"] == 0, job["complained"]
    (request,) = [parameters for _, name, parameters in job["calls"] if name == "CreateTrainingJob"]
    assert violations("sagemaker", "create_training_job", request) == []
    assert request["EnableManagedSpotTraining"] is True
    assert request["StoppingCondition"]["MaxWaitTimeInSeconds"] > request["StoppingCondition"]["MaxRuntimeInSeconds"]
    assert request["CheckpointConfig"] == {"S3Uri": "s3://videos/training/valence-training/checkpoints", "LocalPath": training.CHECKPOINTS}
    assert request["OutputDataConfig"]["S3OutputPath"] == "s3://videos/training"
    assert request["RoleArn"] == _ROLE
    assert {channel["ChannelName"] for channel in request["InputDataConfig"]} == {"dataset", "code", "sm_drivers"}


def test_every_figure_that_training_prints_is_a_metric(job: dict[str, Any]) -> None:
    (request,) = [parameters for _, name, parameters in job["calls"] if name == "CreateTrainingJob"]
    definitions = request["AlgorithmSpecification"]["MetricDefinitions"]
    assert [one["Name"] for one in definitions] == list(NAMES)
    assert "validation:emotion_weighted_f1" in NAMES


def test_the_container_runs_the_command_of_the_command_line_with_all_its_code(job: dict[str, Any]) -> None:
    assert (
        "python -m cli model train /opt/ml/input/data/dataset --output /opt/ml/model --work /opt/ml/checkpoints --face-weights none"
        in (job["script"])
    )
    code = {key.partition("/input/code/")[2] for key in job["keys"] if "/input/code/" in key}
    assert {"cli/model_train.py", "model/training/fusion/training.py", "schemas/analysis.py", "requirements.txt"} <= code
    assert not {name for name in code if "__pycache__" in name or name.startswith("tests/")}


def test_nobody_is_told_that_the_sdk_is_used_and_the_command_needs_no_more_rights_than_its_policy(job: dict[str, Any]) -> None:
    assert job["outside"] == []
    policy = json.loads((_ROOT / "deploy" / "iam" / "trainer.json").read_text())["Statement"]
    allowed = {action for one in policy for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])}
    parts = ("s3:CreateMultipartUpload", "s3:UploadPart", "s3:CompleteMultipartUpload")  # allowed by the action of a whole object
    named = {"s3:ListBuckets": "s3:ListAllMyBuckets", "s3:HeadBucket": "s3:ListBucket", **dict.fromkeys(parts, "s3:PutObject")}
    needed = {named.get(f"{service}:{name}", f"{service}:{name}") for service, name, _ in job["calls"]}
    # The SDK asks whether the role may write; where it may not ask, it goes on without an answer.
    assert needed - {"iam:SimulatePrincipalPolicy", "s3:ListObjectsV2", "s3:GetObject"} <= allowed


def test_torch_is_the_images_own() -> None:
    names = {line.partition("==")[0] for line in training.requirements()}
    assert not names & {"torch", "torchvision"}
    assert {"safetensors", "tensorboard", "click", "av"} <= names
