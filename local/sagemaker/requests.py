"""What InvokeEndpointAsync accepts: the header rules of SageMaker's service model, and a request as an invocation.

Source: botocore's service model of `sagemaker-runtime`, which a conformance test compares with this table. botocore itself checks
neither the maxima nor "exactly one of InputLocation and Body": the server does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

import msgspec

from schemas.jobs import FAILURE_PREFIX, OUTPUT_PREFIX

#: The largest body that may come in place of an InputLocation.
INLINE_BYTES = 128_000
#: The account in the address of everything; moto and LocalStack use the same.
ACCOUNT = "000000000000"

_TTL_SECONDS = 21_600
_TIMEOUT_SECONDS = 900


class Refused(Exception):
    """A request that is answered with an error; `code` is SageMaker's, `status` the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Rule(NamedTuple):
    """A parameter that comes as a header: its name in the API, its bounds (characters, or the number itself) and its pattern."""

    parameter: str
    header: str
    least: int
    most: int
    pattern: str = r"[\x00-\x7f]*"
    number: bool = False

    def check(self, text: str) -> str:
        """The text; Refused, in SageMaker's words, where it breaks the rule."""
        if self.number and not re.fullmatch(r"-?\d{1,12}", text):
            raise self._refused(text, "must be an integer")
        size, what = (int(text), "value") if self.number else (len(text), "length")
        if size < self.least:
            raise self._refused(text, f"must have {what} greater than or equal to {self.least}")
        if size > self.most:
            raise self._refused(text, f"must have {what} less than or equal to {self.most}")
        if not self.number and not re.fullmatch(self.pattern, text):
            raise self._refused(text, f"must satisfy regular expression pattern: {self.pattern}")
        return text

    def _refused(self, text: str, constraint: str) -> Refused:
        return invalid(
            f"1 validation error detected: Value '{text}' at '{self.parameter}' failed to satisfy constraint: Member {constraint}"
        )


ENDPOINT_NAME = Rule("EndpointName", "", 0, 63, r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
CONTENT_TYPE = Rule("ContentType", "X-Amzn-SageMaker-Content-Type", 0, 1024)
ACCEPT = Rule("Accept", "X-Amzn-SageMaker-Accept", 0, 1024)
CUSTOM_ATTRIBUTES = Rule("CustomAttributes", "X-Amzn-SageMaker-Custom-Attributes", 0, 1024)
INFERENCE_ID = Rule("InferenceId", "X-Amzn-SageMaker-Inference-Id", 1, 64, r"[\x21-\x7e][\x20-\x7e]*")
INPUT_LOCATION = Rule("InputLocation", "X-Amzn-SageMaker-InputLocation", 1, 1024, r"(https|s3)://([^/]+)/?(.*)")
EXTENSION = Rule("S3OutputPathExtension", "X-Amzn-SageMaker-S3OutputPathExtension", 1, 512, r"(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]+")
FILENAME = Rule("Filename", "X-Amzn-SageMaker-Filename", 1, 32, r"(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9\-_.]*")
TTL = Rule("RequestTTLSeconds", "X-Amzn-SageMaker-RequestTTLSeconds", 60, 21_600, number=True)
TIMEOUT = Rule("InvocationTimeoutSeconds", "X-Amzn-SageMaker-InvocationTimeoutSeconds", 1, 3_600, number=True)

HEADER_RULES = (CONTENT_TYPE, ACCEPT, CUSTOM_ATTRIBUTES, INFERENCE_ID, INPUT_LOCATION, EXTENSION, FILENAME, TTL, TIMEOUT)


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted request: either `input_location` or `body` is there. `id` is the uuid in the names of its files."""

    id: str
    inference_id: str
    endpoint_name: str
    output_location: str
    failure_location: str
    received_at: datetime
    ttl_seconds: int
    timeout_seconds: int
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None
    input_location: str | None = None
    body: bytes | None = None

    @property
    def expires_at(self) -> datetime:
        """When it is too late to begin."""
        return self.received_at + timedelta(seconds=self.ttl_seconds)


def invalid(message: str) -> Refused:
    """SageMaker's answer to a request that is wrong."""
    return Refused("ValidationError", message)


def missing_endpoint(name: str) -> Refused:
    """SageMaker's answer where no endpoint has this name."""
    return invalid(f"Endpoint {name} of account {ACCOUNT} not found.")


def parse(endpoint: str, served: str, headers: Mapping[str, str], body: bytes, bucket: str) -> Invocation:
    """The invocation that a request asks for, with its files in `bucket`; header names are in lower case. Raises Refused."""
    _check_signed(headers.get("authorization", ""))
    ENDPOINT_NAME.check(endpoint)
    given = {rule: rule.check(text) for rule in HEADER_RULES if (text := headers.get(rule.header.lower())) is not None}
    if len(body) > INLINE_BYTES:
        raise invalid(f"Body has more than {INLINE_BYTES} bytes: put the payload in S3 and send InputLocation")
    if (INPUT_LOCATION in given) == bool(body):
        raise invalid("Provide exactly one of Body and InputLocation")
    if endpoint != served:
        raise missing_endpoint(endpoint)
    id = str(uuid4())
    folder = "/".join(part for part in (f"s3://{bucket}/{OUTPUT_PREFIX}", given.get(EXTENSION, "").strip("/")) if part)
    return Invocation(
        id=id,
        inference_id=given.get(INFERENCE_ID) or str(uuid4()),
        endpoint_name=endpoint,
        output_location=f"{folder}/{given.get(FILENAME, f'{id}.out')}",
        failure_location=f"s3://{bucket}/{FAILURE_PREFIX}/{id}-error.out",
        received_at=datetime.now(UTC),
        ttl_seconds=int(given.get(TTL, _TTL_SECONDS)),
        timeout_seconds=int(given.get(TIMEOUT, _TIMEOUT_SECONDS)),
        content_type=given.get(CONTENT_TYPE),
        accept=given.get(ACCEPT),
        custom_attributes=given.get(CUSTOM_ATTRIBUTES),
        input_location=given.get(INPUT_LOCATION),
        body=body or None,
    )


def _check_signed(authorization: str) -> None:
    """A client that signs for another service would be refused by AWS; the signature itself is not verified here."""
    if not re.match(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/[^/]+/sagemaker/aws4_request,", authorization):
        raise Refused("MissingAuthenticationTokenException", "Sign the request with SigV4 for the service 'sagemaker'", 403)
