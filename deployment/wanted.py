"""What is wanted on AWS: the endpoint's names, and everything that decides how it runs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from deployment.calls import Aws
from deployment.package import Package
from runtime.errors import SettingsError
from runtime.settings import Inference, Notices, Storage, section
from schemas.jobs import FAILURE_PREFIX, OUTPUT_PREFIX

VARIANT = "main"
#: Where SageMaker unpacks the archive in the container.
MODEL_FOLDER = "/opt/ml/model"
#: The longest that one video may take, as InvokeEndpointAsync allows.
INVOCATION_SECONDS = 3_600
#: The largest payload of an asynchronous endpoint.
PAYLOAD_BYTES = 1024**3
_START_SECONDS = 900
#: SageMaker takes 63 characters; models and configurations have 13 more than their endpoint.
_ENDPOINT_NAME = re.compile(r"(?=.{1,50}$)[a-zA-Z0-9](-*[a-zA-Z0-9])*")


@dataclass(frozen=True)
class Place:
    """Where the endpoint is, and the names of everything that belongs to it."""

    endpoint: str
    bucket: str
    queue: str
    region: str
    account: str

    @property
    def resource(self) -> str:
        """The variant, as Application Auto Scaling names it."""
        return f"endpoint/{self.endpoint}/variant/{VARIANT}"

    @property
    def topics(self) -> dict[str, str]:
        """The topics of notices by what they tell: the ARN of `success` and of `error`."""
        return {kind: f"arn:{self.partition}:sns:{self.region}:{self.account}:{self.endpoint}-{kind}" for kind in ("success", "error")}

    @property
    def queue_arn(self) -> str:
        """The queue that Valence reads notices from."""
        return f"arn:{self.partition}:sqs:{self.region}:{self.account}:{self.queue}"

    @property
    def partition(self) -> str:
        """AWS's world: China and the US government have their own."""
        return "aws-cn" if self.region.startswith("cn-") else "aws-us-gov" if self.region.startswith("us-gov-") else "aws"


def place(aws: Aws) -> Place:
    """Where the settings say that the endpoint is, in the account and region of whoever asks. SettingsError for a name that cannot be."""
    endpoint = section("inference", Inference).endpoint_name
    if not _ENDPOINT_NAME.fullmatch(endpoint):
        raise SettingsError(
            f"VALENCE_INFERENCE_ENDPOINT_NAME is {endpoint!r}: expected at most 50 letters, digits and single hyphens between them"
        )
    return Place(endpoint, section("storage", Storage).bucket, section("notices", Notices).queue_name, aws.region, aws.account)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An endpoint as it should be.

    `ready_made` says that the image is AWS's PyTorch image, which runs the archive's code; an image of our own carries its code.
    """

    place: Place
    package: Package
    image: str
    ready_made: bool
    role: str
    instance_type: str
    most_instances: int
    concurrent_videos: int
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def archive_key(self) -> str:
        """Where the archive lies in the bucket: its content is its name, so that it is never replaced by another."""
        return f"models/{self.package.sha256}.tar.gz"

    def model(self) -> dict[str, Any]:
        """The parameters of CreateModel. SageMaker's models do not change: the name goes with the content."""
        content = {
            "ExecutionRoleArn": self.role,
            "PrimaryContainer": {
                "Image": self.image,
                "ModelDataUrl": f"s3://{self.place.bucket}/{self.archive_key}",
                "Environment": {**self._container(), **self.environment},
            },
        }
        return {"ModelName": _named(self.place.endpoint, content), **content}

    def endpoint_config(self) -> dict[str, Any]:
        """The parameters of CreateEndpointConfig, named by its content as well. Answers never travel in a notice: they are transcripts."""
        variant = {
            "VariantName": VARIANT,
            "ModelName": self.model()["ModelName"],
            "InstanceType": self.instance_type,
            "InitialInstanceCount": 1,
            "ModelDataDownloadTimeoutInSeconds": _START_SECONDS,
            "ContainerStartupHealthCheckTimeoutInSeconds": _START_SECONDS,
        }
        content = {
            "ProductionVariants": [variant],
            "AsyncInferenceConfig": {
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": self.concurrent_videos},
                "OutputConfig": {
                    "S3OutputPath": f"s3://{self.place.bucket}/{OUTPUT_PREFIX}",
                    "S3FailurePath": f"s3://{self.place.bucket}/{FAILURE_PREFIX}",
                    "NotificationConfig": {"SuccessTopic": self.place.topics["success"], "ErrorTopic": self.place.topics["error"]},
                },
            },
        }
        return {"EndpointConfigName": _named(self.place.endpoint, content), **content}

    def _container(self) -> dict[str, str]:
        ours = {
            "VALENCE_MODEL_PROFILE": self.package.manifest.profile,
            "VALENCE_MODEL_FOLDER": MODEL_FOLDER,
            "VALENCE_MODEL_CONCURRENT_VIDEOS": str(self.concurrent_videos),
            "AWS_DEFAULT_REGION": self.place.region,
        }
        if not self.ready_made:
            return ours
        # Its server has a process a request, and would give up on each after a minute.
        return {
            **ours,
            "VALENCE_MODEL_CONCURRENT_VIDEOS": "1",
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": f"{MODEL_FOLDER}/code",
            "SAGEMAKER_MODEL_SERVER_WORKERS": str(self.concurrent_videos),
            "SAGEMAKER_MODEL_SERVER_TIMEOUT": str(INVOCATION_SECONDS),
            "SAGEMAKER_TS_RESPONSE_TIMEOUT": str(INVOCATION_SECONDS),
            "TS_DEFAULT_RESPONSE_TIMEOUT": str(INVOCATION_SECONDS),
            "TS_MAX_REQUEST_SIZE": str(PAYLOAD_BYTES),
            "TS_MAX_RESPONSE_SIZE": str(PAYLOAD_BYTES),
        }


def _named(endpoint: str, content: object) -> str:
    return f"{endpoint}-{hashlib.sha256(msgspec.json.encode(content, order='deterministic')).hexdigest()[:12]}"
