"""Deploying and undeploying: everything that an endpoint consists of, in the order in which it can be made and removed."""

from __future__ import annotations

import re
from functools import partial

from deployment import endpoint, notices, scaling
from deployment.calls import Aws
from deployment.endpoint import Patience
from deployment.plan import Change
from deployment.wanted import Place, Wanted


def deployment(aws: Aws, wanted: Wanted, patience: Patience) -> list[Change]:
    """The changes that lead from what is there to what is wanted; none where nothing differs. Only reads.

    Raises ResourceMissing, EndpointBroken, MissingPermission, CallRefused.
    """
    # SageMaker refuses to change the type of instances while they are a scalable target, so that goes, and comes back behind it.
    before = endpoint.instance_type(aws, wanted.place)
    retyped = before is not None and before != wanted.instance_type
    released = scaling.unwanted_changes(aws, wanted.place) if retyped else []
    return [
        *notices.wanted_changes(aws, wanted.place),
        *endpoint.made_of(aws, wanted),
        *released,
        *endpoint.running(aws, wanted, patience),
        *scaling.wanted_changes(aws, wanted, anew=retyped),
    ]


def removal(aws: Aws, place: Place, patience: Patience) -> list[Change]:
    """The changes after which nothing of the endpoint is left but the archives, the bucket, the queue and the roles. Only reads."""
    changes = scaling.unwanted_changes(aws, place)
    if aws.find("sagemaker", "describe_endpoint", EndpointName=place.endpoint) is not None:

        def delete() -> None:
            aws.call("sagemaker", "delete_endpoint", EndpointName=place.endpoint)
            endpoint.until_gone(aws, place.endpoint, patience)

        changes.append(Change("delete", f"endpoint {place.endpoint}", "what waits in its queue is lost", delete))
    for kind, what in (("EndpointConfig", "configuration"), ("Model", "model")):
        changes += [_deletion(aws, kind, what, name) for name in _ours(aws, place, kind)]
    return [*changes, *notices.unwanted_changes(aws, place)]


_OPERATIONS: dict[str, tuple[str, str, str]] = {
    "EndpointConfig": ("list_endpoint_configs", "EndpointConfigs", "delete_endpoint_config"),
    "Model": ("list_models", "Models", "delete_model"),
}


def _ours(aws: Aws, place: Place, kind: str) -> list[str]:
    """The models or configurations that deployments of this endpoint have made, by their names."""
    operation, key, _ = _OPERATIONS[kind]
    found = aws.pages("sagemaker", operation, key, NameContains=place.endpoint)
    made = re.compile(rf"{re.escape(place.endpoint)}-[0-9a-f]{{12}}")
    return [entry[f"{kind}Name"] for entry in found if made.fullmatch(entry[f"{kind}Name"])]


def _deletion(aws: Aws, kind: str, what: str, name: str) -> Change:
    return Change("delete", f"{what} {name}", "", partial(aws.call, "sagemaker", _OPERATIONS[kind][2], **{f"{kind}Name": name}))
