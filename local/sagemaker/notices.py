"""The notice that tells how an invocation ended, in the envelope in which SNS hands it to SQS.

Source: AWS, "Asynchronous inference: check prediction results", and captured messages.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

import msgspec

from local.sagemaker.requests import ACCOUNT, Invocation

REGION = os.environ.get("AWS_REGION", "us-east-1")

InvocationStatus = Literal["Completed", "Failed", "Expired"]


class RequestParameters(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """What was asked for."""

    endpoint_name: str
    accept: str | None = None
    content_type: str | None = None
    custom_attributes: str | None = None
    input_location: str | None = None


class ResponseParameters(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Where the answer lies, or the error in its place."""

    content_type: str | None = None
    output_location: str | None = None
    failure_location: str | None = None


class Notice(msgspec.Struct, rename="camel", omit_defaults=False, kw_only=True):
    """How an invocation ended."""

    aws_region: str
    event_time: str
    received_time: str
    invocation_status: InvocationStatus
    request_parameters: RequestParameters
    inference_id: str
    response_parameters: ResponseParameters | msgspec.UnsetType = msgspec.UNSET
    failure_reason: str | msgspec.UnsetType = msgspec.UNSET
    event_version: str = "1.0"
    event_source: str = "aws:sagemaker"
    event_name: str = "InferenceResult"


class Envelope(msgspec.Struct, rename="pascal", kw_only=True):
    """SNS's envelope without raw delivery. A stand-in cannot sign with Amazon's key, so the signature's fields are left out."""

    type: str = "Notification"
    message_id: str
    topic_arn: str
    message: str
    timestamp: str


def completed(invocation: Invocation, content_type: str) -> str:
    """The message that the answer is at the output location."""
    return _message(invocation, "Completed", ResponseParameters(content_type=content_type, output_location=invocation.output_location))


def failed(invocation: Invocation, content_type: str, reason: str) -> str:
    """The message that an error is at the failure location."""
    response = ResponseParameters(content_type=content_type, failure_location=invocation.failure_location)
    return _message(invocation, "Failed", response, reason)


def expired(invocation: Invocation) -> str:
    """The message that nothing was begun in time; there is no file."""
    reason = f"The request was in the queue for more than its RequestTTLSeconds, {invocation.ttl_seconds} seconds."
    return _message(invocation, "Expired", msgspec.UNSET, reason)


def _message(
    invocation: Invocation,
    status: InvocationStatus,
    response: ResponseParameters | msgspec.UnsetType,
    reason: str | msgspec.UnsetType = msgspec.UNSET,
) -> str:
    now = _timestamp(datetime.now(UTC))
    notice = Notice(
        aws_region=REGION,
        event_time=now,
        received_time=_timestamp(invocation.received_at),
        invocation_status=status,
        request_parameters=RequestParameters(
            endpoint_name=invocation.endpoint_name,
            accept=invocation.accept,
            content_type=invocation.content_type,
            custom_attributes=invocation.custom_attributes,
            input_location=invocation.input_location,
        ),
        response_parameters=response,
        failure_reason=reason,
        inference_id=invocation.inference_id,
    )
    topic = "success" if status == "Completed" else "error"
    envelope = Envelope(
        message_id=str(uuid4()),
        topic_arn=f"arn:aws:sns:{REGION}:{ACCOUNT}:{invocation.endpoint_name}-{topic}",
        message=msgspec.json.encode(notice).decode(),
        timestamp=now,
    )
    return msgspec.json.encode(envelope).decode()


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
