"""The endpoint and what it is made of: the archive in S3, SageMaker's model, its configuration, and waiting until it is in service."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from deployment.calls import Aws
from deployment.errors import EndpointBroken, EndpointSlow, ResourceMissing
from deployment.plan import Change
from deployment.wanted import Place, Wanted

IN_SERVICE = "InService"
_BROKEN = frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"})


@dataclass(frozen=True)
class Patience:
    """How waiting for the endpoint goes on, and how it is told."""

    report: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    most_seconds: float = 3_600.0
    look_seconds: float = 15.0


def made_of(aws: Aws, wanted: Wanted) -> list[Change]:
    """What is missing of the archive, the model and the configuration. These never change: other content has another name."""
    return [*_archive(aws, wanted), *_model(aws, wanted), *_config(aws, wanted)]


def _archive(aws: Aws, wanted: Wanted) -> list[Change]:
    bucket = wanted.place.bucket
    if aws.find("s3", "head_bucket", Bucket=bucket) is None:
        raise ResourceMissing(f"there is no bucket {bucket}: `valence storage create` makes it, VALENCE_STORAGE_BUCKET names another")
    place = {"Bucket": bucket, "Key": wanted.archive_key}
    if aws.find("s3", "head_object", **place) is not None:
        return []

    def upload() -> None:
        with wanted.package.path.open("rb") as file:
            aws.call("s3", "put_object", **place, Body=file, ContentType="application/gzip")

    return [Change("create", f"s3://{bucket}/{wanted.archive_key}", f"{wanted.package.path.stat().st_size:,} bytes", upload)]


def _model(aws: Aws, wanted: Wanted) -> list[Change]:
    model = wanted.model()
    if aws.find("sagemaker", "describe_model", ModelName=model["ModelName"]) is not None:
        return []
    detail = f"image {wanted.image}, profile {wanted.package.manifest.profile}"
    return [Change("create", f"model {model['ModelName']}", detail, partial(aws.call, "sagemaker", "create_model", **model))]


def _config(aws: Aws, wanted: Wanted) -> list[Change]:
    config = wanted.endpoint_config()
    name = config["EndpointConfigName"]
    if aws.find("sagemaker", "describe_endpoint_config", EndpointConfigName=name) is not None:
        return []
    detail = f"{wanted.instance_type}, {wanted.concurrent_videos} videos at once on each"
    create = Change("create", f"configuration {name}", detail, partial(aws.call, "sagemaker", "create_endpoint_config", **config))
    return [create]


def running(aws: Aws, wanted: Wanted, patience: Patience) -> list[Change]:
    """The endpoint itself: created, moved to another configuration, or only waited for. EndpointBroken where it cannot be updated."""
    endpoint, config = wanted.place.endpoint, wanted.endpoint_config()["EndpointConfigName"]
    names = {"EndpointName": endpoint, "EndpointConfigName": config}
    live = aws.find("sagemaker", "describe_endpoint", EndpointName=endpoint)
    if live is None:

        def create() -> None:
            aws.call("sagemaker", "create_endpoint", **names)
            until_in_service(aws, endpoint, config, patience)

        return [Change("create", f"endpoint {endpoint}", f"configuration {config}", create)]
    _require_whole(endpoint, live)
    if live["EndpointConfigName"] != config:

        def update() -> None:
            until_in_service(aws, endpoint, None, patience)  # an update that is under way has to end first
            # The number of instances is the scaling's affair: an update leaves it as it is.
            aws.call("sagemaker", "update_endpoint", **names, RetainAllVariantProperties=True)
            until_in_service(aws, endpoint, config, patience)

        return [Change("change", f"endpoint {endpoint}", f"configuration: {live['EndpointConfigName']} -> {config}", update)]
    if live["EndpointStatus"] != IN_SERVICE:
        wait = Change("await", f"endpoint {endpoint}", live["EndpointStatus"], partial(until_in_service, aws, endpoint, config, patience))
        return [wait]
    return []


def instance_type(aws: Aws, place: Place) -> str | None:
    """The type of instance that the endpoint runs on now; None where there is no endpoint."""
    live = aws.find("sagemaker", "describe_endpoint", EndpointName=place.endpoint)
    config = live and aws.find("sagemaker", "describe_endpoint_config", EndpointConfigName=live["EndpointConfigName"])
    return str(config["ProductionVariants"][0]["InstanceType"]) if config else None


def until_in_service(aws: Aws, endpoint: str, config: str | None, patience: Patience) -> None:
    """Return when the endpoint serves the configuration, or whichever if None.

    Raises EndpointBroken with SageMaker's reason, also where an update was rolled back; EndpointSlow after the time that was given.
    """
    live = _watch(aws, endpoint, patience, lambda live: live is None or live["EndpointStatus"] in {IN_SERVICE, *_BROKEN})
    if live is None:
        raise EndpointBroken(f"the endpoint {endpoint} was deleted by somebody else meanwhile: deploy it again")
    _require_whole(endpoint, live)
    if config is not None and live["EndpointConfigName"] != config:
        reason = live.get("FailureReason", "SageMaker gives no reason")
        raise EndpointBroken(f"the endpoint {endpoint} was rolled back to {live['EndpointConfigName']}: {reason}")


def until_gone(aws: Aws, endpoint: str, patience: Patience) -> None:
    """Return when there is no endpoint any more."""
    _watch(aws, endpoint, patience, lambda live: live is None)


def _watch(aws: Aws, endpoint: str, patience: Patience, ended: Callable[[dict[str, Any] | None], bool]) -> dict[str, Any] | None:
    began, said = patience.clock(), ""
    while not ended(live := aws.find("sagemaker", "describe_endpoint", EndpointName=endpoint)):
        assert live is not None, "what is gone has ended"
        waited = patience.clock() - began
        if waited > patience.most_seconds:
            raise EndpointSlow(
                f"the endpoint {endpoint} is still {live['EndpointStatus']} after {waited / 60:.0f} minutes; "
                "SageMaker goes on: look with `valence sagemaker status`, then run the same command again"
            )
        progress = f"        {live['EndpointStatus']}, {waited // 60:.0f} min"
        if progress != said:
            patience.report(progress)
            said = progress
        patience.sleep(patience.look_seconds)
    return live


def _require_whole(endpoint: str, live: dict[str, Any]) -> None:
    if live["EndpointStatus"] in _BROKEN:
        reason = live.get("FailureReason", "SageMaker gives no reason")
        raise EndpointBroken(
            f"the endpoint {endpoint} is {live['EndpointStatus']}: {reason}. Its log is in CloudWatch under "
            f"/aws/sagemaker/Endpoints/{endpoint}; `valence sagemaker undeploy` removes it, then deploy again"
        )
