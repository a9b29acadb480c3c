"""How the endpoint fares: what waits and for how long, on how many instances, and what went wrong lately."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from deployment.calls import Aws
from deployment.errors import ResourceMissing
from deployment.wanted import VARIANT, Place

#: How far back failures are counted.
RECENT = timedelta(days=1)
_GAUGES = {
    "backlog": "ApproximateBacklogSize",
    "oldest_seconds": "ApproximateAgeOfOldestRequest",
    "waits_without_instance": "HasBacklogWithoutCapacity",
}
_FAILURES = {
    "failed": "InvocationFailures",
    "expired": "ExpiredRequests",
    "notices_lost": "NotificationFailures",
}
#: CloudWatch has a gauge a minute, late by one or two.
_GAUGE_WINDOW = timedelta(minutes=10)
_ACTIVITIES = 5


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """One time that scaling did something, or could not."""

    at: datetime
    state: str
    description: str
    reason: str = ""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint as SageMaker, CloudWatch and Application Auto Scaling tell of it.

    `backlog`, `oldest_seconds` and `waits_without_instance` are CloudWatch's newest values, None where it has none in ten minutes: an
    endpoint without requests publishes none. `failed`, `expired` and `notices_lost` are counts of the last day.
    """

    endpoint: str
    state: str
    reason: str = ""
    instances: int
    instances_wanted: int
    most_instances: int | None
    backlog: float | None
    oldest_seconds: float | None
    waits_without_instance: float | None
    failed: int
    expired: int
    notices_lost: int
    activities: tuple[Activity, ...] = ()


def status(aws: Aws, place: Place, now: datetime | None = None) -> Status:
    """Ask AWS. ResourceMissing where there is no endpoint."""
    now = now or datetime.now(UTC)
    live = aws.find("sagemaker", "describe_endpoint", EndpointName=place.endpoint)
    if live is None:
        raise ResourceMissing(f"there is no endpoint {place.endpoint} in {place.region}: `valence sagemaker deploy` makes it")
    variant: dict[str, Any] = next(iter(live.get("ProductionVariants", [])), {})
    scaling = {"ServiceNamespace": "sagemaker", "ResourceIds": [place.resource]}
    targets = aws.call("application-autoscaling", "describe_scalable_targets", **scaling)["ScalableTargets"]
    return Status(
        endpoint=place.endpoint,
        state=live["EndpointStatus"],
        reason=live.get("FailureReason", ""),
        instances=variant.get("CurrentInstanceCount", 0),
        instances_wanted=variant.get("DesiredInstanceCount", 0),
        most_instances=targets[0]["MaxCapacity"] if targets else None,
        **_gauges(aws, place, now),
        **_failures(aws, place, now),
        activities=tuple(_activities(aws, place)),
    )


def _gauges(aws: Aws, place: Place, now: datetime) -> dict[str, Any]:
    """The newest value of each."""
    dimensions = [{"Name": "EndpointName", "Value": place.endpoint}]
    queries = [_query(name, metric, dimensions, "Average", 60) for name, metric in _GAUGES.items()]
    found = _values(aws, queries, now - _GAUGE_WINDOW, now)
    return {name: found[name][0] if found[name] else None for name in _GAUGES}


def _failures(aws: Aws, place: Place, now: datetime) -> dict[str, Any]:
    """Sums. AWS's pages do not say whether these metrics go by endpoint or by variant: both are asked, and one has the values."""
    endpoint = {"Name": "EndpointName", "Value": place.endpoint}
    both = {"endpoint": [endpoint], "variant": [endpoint, {"Name": "VariantName", "Value": VARIANT}]}
    queries = [
        _query(f"{name}_{by}", metric, dimensions, "Sum", 3_600) for name, metric in _FAILURES.items() for by, dimensions in both.items()
    ]
    found = _values(aws, queries, now - RECENT, now)
    return {name: int(max(sum(found[f"{name}_{by}"]) for by in both)) for name in _FAILURES}


def _query(name: str, metric: str, dimensions: list[dict[str, str]], statistic: str, period: int) -> dict[str, Any]:
    of = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": of, "Period": period, "Stat": statistic}}


def _values(aws: Aws, queries: list[dict[str, Any]], since: datetime, until: datetime) -> dict[str, list[float]]:
    """The values of each query, newest first."""
    window = {"StartTime": since, "EndTime": until, "ScanBy": "TimestampDescending"}
    results = aws.pages("cloudwatch", "get_metric_data", "MetricDataResults", MetricDataQueries=queries, **window)
    values: dict[str, list[float]] = {query["Id"]: [] for query in queries}
    for result in results:
        values[result["Id"]] += result["Values"]
    return values


def _activities(aws: Aws, place: Place) -> Iterator[Activity]:
    asked = {"ServiceNamespace": "sagemaker", "ResourceId": place.resource, "MaxResults": _ACTIVITIES}
    for one in aws.call("application-autoscaling", "describe_scaling_activities", **asked)["ScalingActivities"]:
        yield Activity(
            at=one["StartTime"],
            state=one["StatusCode"],
            description=one["Description"],
            reason=one.get("StatusMessage", ""),
        )
