"""Deploying an endpoint: what is made, in which order, and that a second run changes only what differs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from deployment import deploy, package, scaling
from deployment.errors import ResourceMissing
from deployment.plan import Change, carry_out
from deployment.wanted import Wanted
from tests.aws_account import ACCOUNT, REGION, Recorded
from tests.deployments import PLACE, Waiting, deployed, empty_account, verbs, wanting

_QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:sagemaker-notices"


def policy_of_the_queue(aws: Recorded) -> dict[str, Any]:
    url = aws.call("sqs", "get_queue_url", QueueName=PLACE.queue)["QueueUrl"]
    attributes = aws.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
    policy: dict[str, Any] = json.loads(attributes["Policy"]) if attributes.get("Policy") else {}
    return policy


class Made(NamedTuple):
    """An endpoint as it was made: what was wanted and changed, the calls, the archive in the bucket, and the live scaling policies."""

    wanted: Wanted
    changes: list[Change]
    calls: list[tuple[str, str, dict[str, Any]]]
    archive: bytes
    policies: list[dict[str, Any]]

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of each call of an operation."""
        return [parameters for _, called, parameters in self.calls if called == operation]


@pytest.fixture(scope="module")
def made(small_package: package.Package) -> Made:
    """Made once for all that only look at it."""
    wanted = dataclasses.replace(wanting(small_package), environment={"VALENCE_LIMITS_SOUND_SECONDS": "60"})
    with pytest.MonkeyPatch.context() as patch, empty_account(patch) as aws:
        changes, calls = deployed(aws, wanted), list(aws.calls)
        archive = aws.call("s3", "get_object", Bucket=PLACE.bucket, Key=wanted.archive_key)["Body"].read()
        policies = aws.call("application-autoscaling", "describe_scaling_policies", ServiceNamespace="sagemaker")["ScalingPolicies"]
        return Made(wanted, changes, calls, archive, policies)


def test_everything_is_made_in_the_order_in_which_it_is_needed(made: Made) -> None:
    assert verbs(made.changes) == [
        ("change", "policy"),
        ("create", "topic"),
        ("create", "subscription"),
        ("create", "topic"),
        ("create", "subscription"),
        ("create", f"s3://{PLACE.bucket}/{made.wanted.archive_key}"),
        ("create", "model"),
        ("create", "configuration"),
        ("create", "endpoint"),
        ("create", "scalable"),
        ("create", "scaling"),
        ("create", "scaling"),
        ("create", "alarm"),
    ]


def test_a_second_run_writes_nothing(aws: Recorded, wanted: Wanted) -> None:
    deployed(aws, wanted)
    aws.calls.clear()
    assert deployed(aws, wanted) == []
    assert aws.writes == []


def test_a_plan_only_reads(aws: Recorded, wanted: Wanted) -> None:
    assert len(deploy.deployment(aws, wanted, Waiting().patience)) == 13
    assert aws.writes == []
    deployed(aws, wanted)
    aws.calls.clear()
    deploy.deployment(aws, dataclasses.replace(wanted, instance_type="ml.m5.xlarge"), Waiting().patience)
    deploy.removal(aws, PLACE, Waiting().patience)
    assert aws.writes == []


def test_the_configuration_is_asynchronous_with_both_paths_both_topics_and_its_bound(made: Made) -> None:
    (config,) = made.asked("create_endpoint_config")
    assert config["AsyncInferenceConfig"] == {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
        "OutputConfig": {
            "S3OutputPath": "s3://valence-videos/inference/output",
            "S3FailurePath": "s3://valence-videos/inference/failure",
            "NotificationConfig": {
                "SuccessTopic": f"arn:aws:sns:{REGION}:{ACCOUNT}:valence-success",
                "ErrorTopic": f"arn:aws:sns:{REGION}:{ACCOUNT}:valence-error",
            },
        },
    }


def test_the_container_is_told_its_profile_its_folder_and_how_many_videos_come_at_once(made: Made) -> None:
    (model,) = made.asked("create_model")
    assert model["PrimaryContainer"]["Environment"] == {
        "VALENCE_MODEL_PROFILE": "bundled",
        "VALENCE_MODEL_FOLDER": "/opt/ml/model",
        "VALENCE_MODEL_CONCURRENT_VIDEOS": "2",
        "VALENCE_LIMITS_SOUND_SECONDS": "60",
        "AWS_DEFAULT_REGION": REGION,
    }
    assert model["PrimaryContainer"]["ModelDataUrl"] == f"s3://{PLACE.bucket}/{made.wanted.archive_key}"
    assert made.archive == made.wanted.package.path.read_bytes()


def test_the_ready_made_image_is_told_not_to_give_up_after_a_minute(wanted: Wanted) -> None:
    environment = dataclasses.replace(wanted, ready_made=True).model()["PrimaryContainer"]["Environment"]
    raised = ("SAGEMAKER_MODEL_SERVER_TIMEOUT", "SAGEMAKER_TS_RESPONSE_TIMEOUT", "TS_DEFAULT_RESPONSE_TIMEOUT")
    assert {environment[name] for name in raised} == {"3600"}
    assert {environment[name] for name in ("TS_MAX_REQUEST_SIZE", "TS_MAX_RESPONSE_SIZE")} == {str(1024**3)}
    assert (environment["SAGEMAKER_MODEL_SERVER_WORKERS"], environment["VALENCE_MODEL_CONCURRENT_VIDEOS"]) == ("2", "1")


def test_it_scales_to_zero_by_the_backlog_and_from_zero_by_the_alarm(made: Made) -> None:
    (target,) = made.asked("register_scalable_target")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 3)
    backlog, first = made.asked("put_scaling_policy")
    tracked = backlog["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"]
    assert (backlog["PolicyType"], tracked["MetricName"]) == ("TargetTrackingScaling", "ApproximateBacklogSizePerInstance")
    assert first["PolicyType"] == "StepScaling"
    (alarm,) = made.asked("put_metric_alarm")
    assert (alarm["MetricName"], alarm["Threshold"], alarm["Period"], alarm["EvaluationPeriods"]) == ("HasBacklogWithoutCapacity", 1, 60, 2)
    assert alarm["AlarmActions"] == [policy["PolicyARN"] for policy in made.policies if policy["PolicyName"] == "valence-first"]


def test_a_notice_on_either_topic_reaches_the_queue(aws: Recorded, wanted: Wanted) -> None:
    deployed(aws, wanted)
    for kind, topic in PLACE.topics.items():
        aws.call("sns", "publish", TopicArn=topic, Message=kind)
    url = aws.call("sqs", "get_queue_url", QueueName=PLACE.queue)["QueueUrl"]
    messages = aws.call("sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(json.loads(message["Body"])["Message"] for message in messages) == ["error", "success"]
    (statement,) = policy_of_the_queue(aws)["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": list(PLACE.topics.values())}}


def test_what_others_wrote_into_the_queues_policy_stays_on_the_way_in_and_out(aws: Recorded, wanted: Wanted) -> None:
    theirs = {"Sid": "theirs", "Effect": "Deny", "Principal": "*", "Action": "sqs:DeleteQueue", "Resource": _QUEUE}
    url = aws.call("sqs", "get_queue_url", QueueName=PLACE.queue)["QueueUrl"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    aws.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes={"Policy": policy})
    deployed(aws, wanted)
    assert theirs in policy_of_the_queue(aws)["Statement"]
    carry_out(deploy.removal(aws, PLACE, Waiting().patience), print)
    assert policy_of_the_queue(aws)["Statement"] == [theirs]


CHANGED: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"most_instances": 5}, [("change", "scalable")]),
    ({"environment": {"VALENCE_LIMITS_WIDTH": "99"}}, [("create", "model"), ("create", "configuration"), ("change", "endpoint")]),
    ({"concurrent_videos": 4}, [("create", "model"), ("create", "configuration"), ("change", "endpoint"), ("change", "scaling")]),
]


@pytest.mark.parametrize(("differently", "expected"), CHANGED, ids=["most instances", "a variable", "concurrent videos"])
def test_only_what_differs_is_changed(aws: Recorded, wanted: Wanted, differently: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    deployed(aws, wanted)
    aws.calls.clear()
    assert verbs(deployed(aws, dataclasses.replace(wanted, **differently))) == expected
    for _, operation, parameters in aws.calls:
        assert operation != "update_endpoint" or parameters["RetainAllVariantProperties"]


def test_another_kind_of_instance_takes_the_scaling_away_before_the_update_and_brings_it_back(aws: Recorded, wanted: Wanted) -> None:
    """Application Auto Scaling would refuse the update otherwise."""
    deployed(aws, wanted)
    aws.calls.clear()
    deployed(aws, dataclasses.replace(wanted, instance_type="ml.m5.xlarge"))
    writes = aws.writes
    assert writes.index("deregister_scalable_target") < writes.index("update_endpoint") < writes.index("register_scalable_target")
    assert writes[-3:] == ["put_scaling_policy", "put_scaling_policy", "put_metric_alarm"]
    assert scaling.wanted_changes(aws, wanted, anew=False) == []


def test_what_somebody_removed_by_hand_is_made_again(aws: Recorded, wanted: Wanted) -> None:
    deployed(aws, wanted)
    aws.call("cloudwatch", "delete_alarms", AlarmNames=["valence-has-backlog-without-capacity"])
    (subscription,) = aws.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=PLACE.topics["error"])
    aws.call("sns", "unsubscribe", SubscriptionArn=subscription["SubscriptionArn"])
    assert verbs(deployed(aws, wanted)) == [("create", "subscription"), ("create", "alarm")]


def test_undeploying_leaves_nothing_that_costs_and_only_what_was_there_before(aws: Recorded, wanted: Wanted) -> None:
    deployed(aws, wanted)
    deployed(aws, dataclasses.replace(wanted, concurrent_videos=4))
    stranger = {**wanted.model(), "ModelName": "valence-other-0123456789ab"}
    aws.call("sagemaker", "create_model", **stranger)
    waiting = Waiting()
    carry_out(deploy.removal(aws, PLACE, waiting.patience), waiting.said.append)
    assert aws.call("sagemaker", "list_endpoint_configs")["EndpointConfigs"] == []
    assert [model["ModelName"] for model in aws.call("sagemaker", "list_models")["Models"]] == ["valence-other-0123456789ab"]
    assert aws.call("sns", "list_topics")["Topics"] == []
    assert aws.call("cloudwatch", "describe_alarms")["MetricAlarms"] == []
    assert aws.call("application-autoscaling", "describe_scalable_targets", ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert policy_of_the_queue(aws) == {}
    assert aws.find("s3", "head_object", Bucket=PLACE.bucket, Key=wanted.archive_key) is not None
    assert deploy.removal(aws, PLACE, waiting.patience) == []


@pytest.mark.parametrize("gone", ["bucket", "queue"])
def test_without_a_bucket_or_a_queue_nothing_is_made_and_the_command_that_makes_it_is_named(
    aws: Recorded, wanted: Wanted, gone: str
) -> None:
    place = dataclasses.replace(PLACE, **{gone: f"no-{gone}"})
    with pytest.raises(ResourceMissing, match=f"there is no {gone} no-{gone}: `valence storage create`"):
        deploy.deployment(aws, dataclasses.replace(wanted, place=place), Waiting().patience)
    assert aws.writes == []


def test_names_stay_within_sagemakers_bounds_and_go_with_the_content(wanted: Wanted) -> None:
    long = dataclasses.replace(wanted, place=dataclasses.replace(PLACE, endpoint="e" * 50))
    assert len(long.model()["ModelName"]) == len(long.endpoint_config()["EndpointConfigName"]) == 63
    assert wanted.model()["ModelName"] != dataclasses.replace(wanted, image="another").model()["ModelName"]
    assert wanted.model() == dataclasses.replace(wanted).model()


def test_the_archive_is_uploaded_once_and_by_its_content(aws: Recorded, wanted: Wanted, tmp_path: Path) -> None:
    deployed(aws, wanted)
    (tmp_path / "weights.txt").write_text("others")
    other = package.build(tmp_path / "model.tar.gz", folder=tmp_path)
    aws.calls.clear()
    changes = deployed(aws, dataclasses.replace(wanted, package=other))
    assert [operation for operation in aws.writes if operation == "put_object"] == ["put_object"]
    assert [change.verb for change in changes] == ["create", "create", "create", "change"]
