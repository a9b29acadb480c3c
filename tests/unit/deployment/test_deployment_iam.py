"""The policies in deploy/iam: nobody may do more than the code does, and everything that it does."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from deployment import deploy
from deployment.plan import carry_out
from deployment.status import status
from deployment.wanted import Wanted
from schemas.jobs import FAILURE_PREFIX, OUTPUT_PREFIX
from tests.aws_account import Recorded
from tests.deployments import PLACE, Waiting, deployed

_FOLDER = Path(__file__).parents[3] / "deploy" / "iam"
_POLICIES = sorted(_FOLDER.glob("*.json"))
#: Actions for which AWS knows no resource, by the service authorization reference, so that a policy has to say `*`.
_WITHOUT_RESOURCE = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingActivities",
    "application-autoscaling:DescribeScalingPolicies",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "s3:ListAllMyBuckets",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListModels",
    "sns:Unsubscribe",
}
#: What no call of ours says and AWS asks of the caller all the same.
_ASKED_BESIDES = {"iam:PassRole", "iam:CreateServiceLinkedRole", "sagemaker:UpdateEndpointWeightsAndCapacities"}
#: Operations that need an action of another name, or none at all.
_ACTIONS = {"s3:HeadObject": "s3:GetObject", "s3:HeadBucket": "s3:ListBucket", "sts:GetCallerIdentity": None}


def statements(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((_FOLDER / f"{name}.json").read_text())["Statement"]
    return found


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def actions(name: str) -> set[str]:
    return {action for statement in statements(name) for action in listed(statement["Action"])}


@pytest.mark.parametrize("file", _POLICIES, ids=lambda file: file.stem)
def test_every_statement_allows_named_actions_on_named_resources(file: Path) -> None:
    policy = json.loads(file.read_text())
    assert policy["Version"] == "2012-10-17"
    assert len({statement["Sid"] for statement in policy["Statement"]}) == len(policy["Statement"])
    for statement in policy["Statement"]:
        assert re.fullmatch("[A-Za-z0-9]+", statement["Sid"])
        assert statement["Effect"] == "Allow"
        assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", action) for action in listed(statement["Action"])), statement
        if statement.get("Resource") == "*":
            assert set(listed(statement["Action"])) <= _WITHOUT_RESOURCE, statement["Sid"]
        elif file.stem != "trust":
            assert all(resource.startswith("arn:aws:") for resource in listed(statement["Resource"]))
            assert not set(listed(statement["Action"])) & _WITHOUT_RESOURCE, statement["Sid"]


def test_whoever_deploys_may_do_exactly_what_the_commands_do(aws: Recorded, wanted: Wanted) -> None:
    deployed(aws, wanted)
    deployed(aws, dataclasses.replace(wanted, instance_type="ml.m5.xlarge"))
    status(aws, PLACE)
    assert aws.account
    carry_out(deploy.removal(aws, PLACE, Waiting().patience), print)
    called = {_ACTIONS.get(operation, operation) for operation in aws.actions} - {None}
    assert actions("deployer") == called | _ASKED_BESIDES


def test_the_endpoint_writes_where_it_is_configured_to_and_nowhere_else(wanted: Wanted) -> None:
    resources = [resource for one in statements("endpoint") if one["Action"] == "s3:PutObject" for resource in one["Resource"]]
    assert resources == [f"arn:aws:s3:::BUCKET/{prefix}/*" for prefix in (OUTPUT_PREFIX, FAILURE_PREFIX)]
    output = wanted.endpoint_config()["AsyncInferenceConfig"]["OutputConfig"]
    assert [output["S3OutputPath"], output["S3FailurePath"]] == [
        f"s3://{PLACE.bucket}/{prefix}" for prefix in (OUTPUT_PREFIX, FAILURE_PREFIX)
    ]
    reads = [resource for one in statements("endpoint") if one["Action"] == "s3:GetObject" for resource in one["Resource"]]
    assert f"arn:aws:s3:::BUCKET/{wanted.archive_key.partition('/')[0]}/*" in reads


def test_the_endpoint_and_the_training_can_neither_list_nor_invoke_nor_administer() -> None:
    for name in ("endpoint", "training"):
        assert not {action for action in actions(name) if action.startswith(("sagemaker:", "iam:", "sqs:"))}
    assert "s3:ListBucket" not in actions("endpoint")


def test_whoever_invokes_may_invoke_one_endpoint_and_not_read_videos() -> None:
    invoking = [one["Resource"] for one in statements("invoker") if "sagemaker:InvokeEndpointAsync" in listed(one["Action"])]
    assert invoking == ["arn:aws:sagemaker:REGION:ACCOUNT:endpoint/ENDPOINT"]
    assert not [one for one in statements("invoker") if any("uploads" in resource for resource in listed(one["Resource"]))]


def test_only_sagemaker_of_the_same_account_may_take_the_roles_on() -> None:
    (statement,) = statements("trust")
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "ACCOUNT"}}
