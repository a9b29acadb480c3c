"""An account of AWS for tests: moto's, every call held against botocore's own service model, and what moto lacks scripted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pytest
import regex
from botocore import xform_name
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator
from moto import mock_aws

from deployment.calls import Aws

ACCOUNT = "123456789012"
REGION = "eu-west-1"


#: One reader of botocore's service models for all sessions: a session's own would parse megabytes anew in every test.
_create_loader = cache(botocore.loaders.create_loader)


@contextmanager
def account(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account, and credentials that belong to it; no variable of the environment leads anywhere else."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "AWS_PROFILE"):
        patch.delenv(name, raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        patch.setenv(name, REGION)
    patch.setenv("AWS_ACCESS_KEY_ID", "key")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    patch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials that it saw first, for whoever asks it next
    patch.setattr(botocore.loaders, "create_loader", _create_loader)
    with mock_aws():
        yield


class Recorded(Aws):
    """AWS with a memory of its calls, each of which must satisfy the service model."""

    def __init__(self) -> None:
        super().__init__()
        #: (service, operation, parameters), in the order of the calls.
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        #: What DescribeEndpoint answers besides, call for call; afterwards what is so.
        self.endpoint_tells: list[dict[str, Any]] = []
        self.scaling_activities: list[dict[str, Any]] = []

    @property
    def actions(self) -> set[str]:
        """The operations that were called, as `service:Operation`."""
        return {f"{service}:{operation_model(service, operation).name}" for service, operation, _ in self.calls}

    @property
    def writes(self) -> list[str]:
        """The calls that were more than questions."""
        return [operation for _, operation, _ in self.calls if not re.match("(describe|get|head|list)_", operation)]

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        self.calls.append((service, operation, parameters))
        assert violations(service, operation, parameters) == []
        if operation == "update_endpoint":  # moto has none
            super().call(service, "delete_endpoint", EndpointName=parameters["EndpointName"])
            names = {name: parameters[name] for name in ("EndpointName", "EndpointConfigName")}
            return super().call(service, "create_endpoint", **names)
        if operation == "describe_scaling_activities":  # nor these
            return {"ScalingActivities": self.scaling_activities}
        answer = super().call(service, operation, **parameters)
        if operation == "describe_endpoint" and self.endpoint_tells:
            return {**answer, **self.endpoint_tells.pop(0)}
        return answer


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    """botocore's model of an operation, by the name of boto3's method."""
    model = botocore.session.get_session().get_service_model(service)
    (name,) = (name for name in model.operation_names if xform_name(name) == operation)
    return model.operation_model(name)


def violations(service: str, operation: str, parameters: dict[str, Any]) -> list[str]:
    """What the service would refuse: by botocore's own validation, and by the bounds, patterns and enumerations that it leaves to AWS."""
    shape = operation_model(service, operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(parameters, shape)
    return [report.generate_report()] if report.has_errors() else list(_broken(shape, parameters, operation))


def _broken(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind: str = shape.type_name
    if kind == "structure":
        for name, inner in value.items():
            yield from _broken(shape.members[name], inner, f"{path}.{name}")
    elif kind == "list":
        yield from _out_of_bounds(shape, len(value), path)
        for inner in value:
            yield from _broken(shape.member, inner, f"{path}[]")
    elif kind == "map":
        yield from _out_of_bounds(shape, len(value), path)
        for name, inner in value.items():
            yield from _broken(shape.key, name, f"{path} key")
            yield from _broken(shape.value, inner, f"{path}.{name}")
    elif kind == "string":
        yield from _out_of_bounds(shape, len(value), path)
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value!r} is none of {shape.enum}"
        # Java writes the characters beyond the first 65,536 as pairs.
        pattern = shape.metadata.get("pattern", "").replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010ffff")
        if pattern and not regex.fullmatch(pattern, value):
            yield f"{path}: {value!r} is not {pattern}"
    elif kind in {"integer", "long", "float", "double"}:
        yield from _out_of_bounds(shape, value, path)


def _out_of_bounds(shape: Shape, size: float, path: str) -> Iterator[str]:
    if not shape.metadata.get("min", size) <= size <= shape.metadata.get("max", size):
        yield f"{path}: {size} is not within {shape.metadata.get('min')} and {shape.metadata.get('max')}"
