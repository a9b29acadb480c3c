"""InvokeEndpointAsync: hand a job to the endpoint and learn where its answer will lie."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, HTTPClientError

from runtime import aws, telemetry
from runtime.errors import DependencyUnavailable, InvalidInvocation
from runtime.settings import Inference


class Locations(NamedTuple):
    """Where the answer, or the error in its place, will be: opaque `s3://` addresses."""

    output: str
    failure: str | None


class InvocationUncertain(DependencyUnavailable):
    """The connection broke after the request was sent: the job may have been accepted, and nobody can be asked."""


class InferenceEndpoint(Protocol):
    """An asynchronous endpoint. It does not deduplicate, and cannot be asked how a job is doing."""

    async def invoke(self, input_location: str, inference_id: str) -> Locations:
        """Accept a job.

        Raises DependencyUnavailable while the endpoint is away, throttled or not there, as InvocationUncertain where it may have accepted
        the job all the same; InvalidInvocation where the request is at fault.
        """


class SageMakerEndpoint:
    """InferenceEndpoint on SageMaker, or on its stand-in, by boto3."""

    def __init__(self, settings: Inference) -> None:
        self._settings = settings
        self._client: Any = aws.client("sagemaker-runtime", aws.QUICK_SECONDS)
        self._threads = aws.Threads("sagemaker")

    async def invoke(self, input_location: str, inference_id: str) -> Locations:
        # Handed on verbatim to the container and in the notice, so that the trace goes on behind the endpoint.
        trace = telemetry.traceparent()
        carried = {"CustomAttributes": trace} if trace else {}

        def call() -> Any:
            with aws.availability("sagemaker"):
                return self._client.invoke_endpoint_async(
                    EndpointName=self._settings.endpoint_name,
                    ContentType="application/json",
                    Accept="application/json",
                    InferenceId=inference_id,
                    InputLocation=input_location,
                    RequestTTLSeconds=self._settings.ttl_seconds,
                    InvocationTimeoutSeconds=self._settings.timeout_seconds,
                    **carried,
                )

        try:
            answer = await self._threads.run(call)
        except ClientError as error:
            if _names_a_missing_endpoint(error):
                raise DependencyUnavailable("sagemaker", error) from error
            raise InvalidInvocation(f"the endpoint {self._settings.endpoint_name!r} refuses the job {inference_id}: {error}") from error
        except DependencyUnavailable as error:
            if _may_have_arrived(error.__cause__):
                raise InvocationUncertain("sagemaker", error.__cause__) from error
            raise
        return Locations(answer["OutputLocation"], answer.get("FailureLocation"))


def _names_a_missing_endpoint(error: ClientError) -> bool:
    """SageMaker says "Endpoint <name> of account <id> not found." with the code ValidationError."""
    message = str(error.response.get("Error", {}).get("Message", "")).lower()
    return "endpoint" in message and "not found" in message


def _may_have_arrived(cause: BaseException | None) -> bool:
    """An error that the server answered, or a connection that never came about, means that nothing was accepted."""
    return isinstance(cause, HTTPClientError) and not isinstance(cause, EndpointConnectionError | ConnectTimeoutError)
