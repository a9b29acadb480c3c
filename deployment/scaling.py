"""Scaling to zero and back: by the backlog for each instance, and by an alarm for the first instance.

Target tracking alone would let a first video wait until the backlog passes the target: with no instance there is no backlog for each.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from deployment.calls import Aws
from deployment.plan import Change, differences
from deployment.wanted import VARIANT, Place, Wanted

_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_SERVICE = "application-autoscaling"
#: How long the backlog has to be low before an instance is taken away, and how long a new one is given to start.
_IN_SECONDS, _OUT_SECONDS = 600, 300


def wanted_changes(aws: Aws, wanted: Wanted, *, anew: bool) -> list[Change]:
    """The scalable target, its two policies and the alarm, where they are missing or other than wanted; all of them if `anew`."""
    place = wanted.place
    target, policies, alarm = (None, {}, None) if anew else (_target(aws, place), _policies(aws, place), _alarm(aws, place))
    return [
        *_step(aws, "register_scalable_target", "scalable target", _wanted_target(wanted), target),
        *(change for policy in _wanted_policies(wanted) for change in _policy_step(aws, policy, policies.get(policy["PolicyName"]))),
        *_alarm_steps(aws, place, alarm, policies.get(_policy_name(place, "first"))),
    ]


def unwanted_changes(aws: Aws, place: Place) -> list[Change]:
    """The same in reverse, where it is there. The target's policies go first, or they would be in the way."""
    changes = []
    if _alarm(aws, place):
        name = _alarm_name(place)
        changes.append(Change("delete", f"alarm {name}", "", partial(aws.call, "cloudwatch", "delete_alarms", AlarmNames=[name])))
    changes += [
        Change("delete", f"scaling policy {name}", "", partial(aws.call, _SERVICE, "delete_scaling_policy", PolicyName=name, **_of(place)))
        for name in _policies(aws, place)
    ]
    if _target(aws, place):
        deregister = partial(aws.call, _SERVICE, "deregister_scalable_target", **_of(place))
        changes.append(Change("delete", "scalable target", place.resource, deregister))
    return changes


def _of(place: Place) -> dict[str, str]:
    return {"ServiceNamespace": "sagemaker", "ResourceId": place.resource, "ScalableDimension": _DIMENSION}


def _target(aws: Aws, place: Place) -> dict[str, Any] | None:
    found = aws.call(_SERVICE, "describe_scalable_targets", ServiceNamespace="sagemaker", ResourceIds=[place.resource])["ScalableTargets"]
    return found[0] if found else None


def _policies(aws: Aws, place: Place) -> dict[str, dict[str, Any]]:
    """Our policies by name; others may have put theirs beside."""
    found = aws.pages(_SERVICE, "describe_scaling_policies", "ScalingPolicies", ServiceNamespace="sagemaker", ResourceId=place.resource)
    ours = {_policy_name(place, kind) for kind in ("backlog", "first")}
    return {policy["PolicyName"]: policy for policy in found if policy["PolicyName"] in ours}


def _alarm(aws: Aws, place: Place) -> dict[str, Any] | None:
    found = aws.call("cloudwatch", "describe_alarms", AlarmNames=[_alarm_name(place)])["MetricAlarms"]
    return found[0] if found else None


def _policy_name(place: Place, kind: str) -> str:
    return f"{place.endpoint}-{kind}"


def _alarm_name(place: Place) -> str:
    return f"{place.endpoint}-has-backlog-without-capacity"


def _wanted_target(wanted: Wanted) -> dict[str, Any]:
    return {**_of(wanted.place), "MinCapacity": 0, "MaxCapacity": wanted.most_instances}


def _wanted_policies(wanted: Wanted) -> list[dict[str, Any]]:
    place = wanted.place
    backlog = {
        # As many waiting as are worked on: a video then waits about as long as it takes.
        "TargetValue": float(wanted.concurrent_videos),
        "CustomizedMetricSpecification": {
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Namespace": "AWS/SageMaker",
            "Dimensions": [{"Name": "EndpointName", "Value": place.endpoint}],
            "Statistic": "Average",
        },
        "ScaleInCooldown": _IN_SECONDS,
        "ScaleOutCooldown": _OUT_SECONDS,
    }
    first = {
        "AdjustmentType": "ChangeInCapacity",
        "MetricAggregationType": "Average",
        "Cooldown": _OUT_SECONDS,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
    }
    return [
        {
            "PolicyName": _policy_name(place, "backlog"),
            **_of(place),
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": backlog,
        },
        {
            "PolicyName": _policy_name(place, "first"),
            **_of(place),
            "PolicyType": "StepScaling",
            "StepScalingPolicyConfiguration": first,
        },
    ]


def _policy_step(aws: Aws, policy: dict[str, Any], live: dict[str, Any] | None) -> list[Change]:
    return _step(aws, "put_scaling_policy", f"scaling policy {policy['PolicyName']}", policy, live)


def _step(aws: Aws, operation: str, what: str, wanted: dict[str, Any], live: dict[str, Any] | None) -> list[Change]:
    wrong = differences(wanted, live)
    if live is not None and not wrong:
        return []
    verb, detail = ("create", "") if live is None else ("change", "; ".join(wrong))
    return [Change(verb, what, detail or f"of {VARIANT}", partial(aws.call, _SERVICE, operation, **wanted))]


def _alarm_steps(aws: Aws, place: Place, live: dict[str, Any] | None, policy: dict[str, Any] | None) -> list[Change]:
    alarm = {
        "AlarmName": _alarm_name(place),
        "AlarmDescription": f"Videos wait for {place.endpoint} and there is no instance",
        "Namespace": "AWS/SageMaker",
        "MetricName": "HasBacklogWithoutCapacity",
        "Dimensions": [{"Name": "EndpointName", "Value": place.endpoint}],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        # With nothing waiting there are no values.
        "TreatMissingData": "missing",
    }
    actions = {"AlarmActions": [policy["PolicyARN"]]} if policy else {}
    wrong = differences({**alarm, **actions}, live)
    if live is not None and policy is not None and not wrong:
        return []

    def put() -> None:
        arn = _policies(aws, place)[_policy_name(place, "first")]["PolicyARN"]
        aws.call("cloudwatch", "put_metric_alarm", **alarm, AlarmActions=[arn])

    verb, detail = ("create", "HasBacklogWithoutCapacity >= 1 for two minutes") if live is None else ("change", "; ".join(wrong))
    return [Change(verb, f"alarm {alarm['AlarmName']}", detail or "its policy is made anew", put)]
