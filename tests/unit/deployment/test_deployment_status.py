"""What is told of a running endpoint, and what an analysis on it costs."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from deployment import costs as pricing
from deployment.costs import Durations
from deployment.errors import PricesUnusable, ResourceMissing
from deployment.status import Activity, status
from tests.aws_account import ACCOUNT, REGION, Recorded
from tests.deployments import PLACE

_NOW = datetime.datetime(2026, 11, 22, 12, 30, tzinfo=datetime.UTC)


@pytest.fixture
def endpoint(aws: Recorded) -> Recorded:
    """An endpoint on one instance."""
    container = {"Image": "image", "ModelDataUrl": "s3://valence-videos/models/a.tar.gz"}
    aws.call(
        "sagemaker", "create_model", ModelName="m", ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/endpoint", PrimaryContainer=container
    )
    variant = {"VariantName": "main", "ModelName": "m", "InstanceType": "ml.c5.2xlarge", "InitialInstanceCount": 1}
    aws.call("sagemaker", "create_endpoint_config", EndpointConfigName="c", ProductionVariants=[variant])
    aws.call("sagemaker", "create_endpoint", EndpointName="valence", EndpointConfigName="c")
    return aws


def told(aws: Recorded, metric: str, value: float, minutes_ago: int, **more: str) -> None:
    dimensions = [{"Name": name, "Value": text} for name, text in {"EndpointName": "valence", **more}.items()]
    at = _NOW - datetime.timedelta(minutes=minutes_ago)
    data = [{"MetricName": metric, "Dimensions": dimensions, "Timestamp": at, "Value": value}]
    aws.call("cloudwatch", "put_metric_data", Namespace="AWS/SageMaker", MetricData=data)


def test_gauges_are_the_newest_values(endpoint: Recorded) -> None:
    told(endpoint, "ApproximateBacklogSize", 3, 5)
    told(endpoint, "ApproximateBacklogSize", 7, 2)
    told(endpoint, "ApproximateAgeOfOldestRequest", 42, 2)
    told(endpoint, "HasBacklogWithoutCapacity", 1, 2)
    found = status(endpoint, PLACE, _NOW)
    assert (found.backlog, found.oldest_seconds, found.waits_without_instance) == (7, 42, 1)
    assert (found.state, found.instances, found.instances_wanted) == ("InService", 1, 1)


def test_an_endpoint_of_which_nothing_is_told_is_not_said_to_be_empty(endpoint: Recorded) -> None:
    told(endpoint, "ApproximateBacklogSize", 3, 11)
    found = status(endpoint, PLACE, _NOW)
    assert (found.backlog, found.oldest_seconds, found.waits_without_instance, found.most_instances) == (None, None, None, None)


@pytest.mark.parametrize("dimensions", [{}, {"VariantName": "main"}], ids=["by endpoint", "by variant"])
def test_failures_of_the_last_day_count_once_whichever_way_they_are_published(endpoint: Recorded, dimensions: dict[str, str]) -> None:
    for minutes in (1, 120, 1_300, 1_600):
        told(endpoint, "InvocationFailures", 1, minutes, **dimensions)
    told(endpoint, "ExpiredRequests", 2, 5, **dimensions)
    found = status(endpoint, PLACE, _NOW)
    assert (found.failed, found.expired, found.notices_lost) == (3, 2, 0)


def test_what_scaling_did_is_told_with_its_reason(endpoint: Recorded) -> None:
    endpoint.scaling_activities = [
        {
            "StartTime": _NOW,
            "StatusCode": "Failed",
            "Description": "Setting desired instance count to 1.",
            "StatusMessage": "Failed to set desired instance count: quota exceeded",
        }
    ]
    (activity,) = status(endpoint, PLACE, _NOW).activities
    assert activity == Activity(
        at=_NOW,
        state="Failed",
        description="Setting desired instance count to 1.",
        reason="Failed to set desired instance count: quota exceeded",
    )


def test_without_an_endpoint_the_command_that_makes_one_is_named(aws: Recorded) -> None:
    with pytest.raises(ResourceMissing, match=f"no endpoint valence in {REGION}: `valence sagemaker deploy`"):
        status(aws, PLACE)


_TABLE: dict[str, Any] = {
    "source": "somebody's invoice",
    "date": "2026-11-22",
    "region": "eu-west-1",
    "currency": "EUR",
    "per_hour": {"ml.c5.2xlarge": 0.36},
}
_DURATIONS = Durations(analyses=10, compute_seconds=20.0, slowest_seconds=50.0, media_seconds=120.0)


def prices(tmp_path: Path, **changes: Any) -> Path:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({**_TABLE, **changes}))
    return file


def test_an_analysis_costs_its_seconds_by_the_price_of_a_second(tmp_path: Path) -> None:
    found = pricing.costs(pricing.read_prices(prices(tmp_path)), "ml.c5.2xlarge", _DURATIONS, 4)
    assert found.alone == pytest.approx(20 * 0.36 / 3600)
    assert found.busy == pytest.approx(found.alone / 4)
    assert found.alone_hour_of_video == pytest.approx(found.alone * 30)
    assert found.busy_hour_of_video == pytest.approx(found.busy * 30)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"date": "yesterday"}, "date"),
        ({"source": ""}, "source"),
        ({"per_hour": {"ml.c5.2xlarge": 0}}, "per_hour"),
        ({"per_hours": {}}, "per_hours"),
    ],
)
def test_a_table_without_a_date_or_a_source_is_no_table(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PricesUnusable, match=said):
        pricing.read_prices(prices(tmp_path, **changes))


def test_no_price_is_ever_guessed(tmp_path: Path) -> None:
    with pytest.raises(PricesUnusable, match=r"no price for 'ml.g5.xlarge', only for ml.c5.2xlarge"):
        pricing.costs(pricing.read_prices(prices(tmp_path)), "ml.g5.xlarge", _DURATIONS, 1)
    with pytest.raises(PricesUnusable, match="cannot be read"):
        pricing.read_prices(tmp_path / "nothing.json")
