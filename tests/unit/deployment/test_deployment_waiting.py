"""Waiting for an endpoint: told as it goes, and ended by success, by SageMaker's reason or by the time that was given."""

from __future__ import annotations

import dataclasses

import pytest

from deployment import deploy
from deployment.errors import EndpointBroken, EndpointSlow
from deployment.plan import carry_out
from deployment.wanted import Wanted
from tests.aws_account import Recorded
from tests.deployments import Waiting, deployed, verbs


def test_waiting_says_how_it_goes_once_a_minute(aws: Recorded, wanted: Wanted) -> None:
    waiting = Waiting()
    changes = deploy.deployment(aws, wanted, waiting.patience)
    aws.endpoint_tells = [{"EndpointStatus": "Creating"}] * 10
    carry_out(changes, waiting.said.append)
    assert [line.strip() for line in waiting.said if line.startswith(" ")] == ["Creating, 0 min", "Creating, 1 min", "Creating, 2 min"]


def test_an_endpoint_that_fails_says_why_in_sagemakers_words(aws: Recorded, wanted: Wanted) -> None:
    changes = deploy.deployment(aws, wanted, Waiting().patience)
    failed = {"EndpointStatus": "Failed", "FailureReason": "The primary container did not pass the ping health check."}
    aws.endpoint_tells = [{"EndpointStatus": "Creating"}, failed]
    with pytest.raises(EndpointBroken, match=r"did not pass the ping health check.*undeploy"):
        carry_out(changes, print)
    aws.endpoint_tells = [failed, failed]
    with pytest.raises(EndpointBroken, match="did not pass"):
        deploy.deployment(aws, wanted, Waiting().patience)


def test_an_update_that_sagemaker_rolled_back_is_no_success(aws: Recorded, wanted: Wanted) -> None:
    deployed(aws, wanted)
    changes = deploy.deployment(aws, dataclasses.replace(wanted, concurrent_videos=4), Waiting().patience)
    old = wanted.endpoint_config()["EndpointConfigName"]
    aws.endpoint_tells = [{}, {"EndpointStatus": "RollingBack"}, {"EndpointConfigName": old, "FailureReason": "no capacity"}]
    with pytest.raises(EndpointBroken, match=f"rolled back to {old}: no capacity"):
        carry_out(changes, print)


def test_an_update_waits_for_the_one_that_is_under_way(aws: Recorded, wanted: Wanted) -> None:
    deployed(aws, wanted)
    aws.endpoint_tells = [{"EndpointStatus": "Updating"}] * 2
    changes = deploy.deployment(aws, wanted, Waiting().patience)
    assert verbs(changes) == [("await", "endpoint")]
    aws.endpoint_tells = [{"EndpointStatus": "Updating"}]
    carry_out(changes, print)
    assert aws.endpoint_tells == []


def test_an_endpoint_that_takes_for_ever_is_left_to_sagemaker(aws: Recorded, wanted: Wanted) -> None:
    waiting = Waiting(most_seconds=60)
    changes = deploy.deployment(aws, wanted, waiting.patience)
    aws.endpoint_tells = [{"EndpointStatus": "Creating"}] * 20
    with pytest.raises(EndpointSlow, match="still Creating after 1 minutes"):
        carry_out(changes, print)
