"""A training job: `valence model train` on SageMaker, on spot instances, going on from its checkpoints wherever it was interrupted."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from deployment import images, package
from deployment.calls import Aws
from deployment.errors import CallRefused, MissingPermission, ResourceMissing
from model.training.fusion.metrics import metric_definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Where SageMaker puts the channel of the data, and what it keeps of a job: the result, and checkpoints that outlive a spot instance.
DATASET = "/opt/ml/input/data/dataset"
OUTPUT = "/opt/ml/model"
CHECKPOINTS = "/opt/ml/checkpoints"
_ROOT = Path(__file__).parent.parent
_PACKAGES = ("schemas", "media", "runtime", "model", "valence", "local", "cli")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "archives", "published", "database")
#: The image has them, in the version that fits its drivers.
_IN_THE_IMAGE = ("torch", "torchvision")
_COMMAND_LINE = "cli"
#: The SDK asks IAM what the role may do, which takes rights of its own, and tells Amazon which of its functions are used.
_NO_SIMULATION = {"SAGEMAKER_VALIDATE_ROLE": "false"}
_NO_TELEMETRY = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}


@dataclass(frozen=True, kw_only=True)
class Order:
    """A training that is wanted. `dataset` is an `s3://` folder in MELD's form, `arguments` go to `valence model train` as they are."""

    name: str
    bucket: str
    role: str
    dataset: str
    instance_type: str
    spot: bool
    most_hours: float
    arguments: tuple[str, ...]

    @property
    def command(self) -> str:
        """What runs in the container, the same again after each interruption."""
        return f"python -m {_COMMAND_LINE} model train {DATASET} --output {OUTPUT} --work {CHECKPOINTS}"


def start(aws: Aws, order: Order) -> str:
    """Send the code, start the job, and return its name at once. Raises ResourceMissing, CallRefused and MissingPermission."""
    if aws.find("s3", "head_bucket", Bucket=order.bucket) is None:  # the SDK would make one
        raise ResourceMissing(f"there is no bucket {order.bucket}: `valence storage create` makes it, VALENCE_STORAGE_BUCKET names another")
    # Seconds of imports, which only this command pays.
    from botocore.exceptions import ClientError
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.training.configs import (
        CheckpointConfig,
        Compute,
        InputData,
        MetricDefinition,
        OutputDataConfig,
        SourceCode,
        StoppingCondition,
    )
    from sagemaker.train.model_trainer import ModelTrainer

    logging.getLogger("sagemaker").setLevel(logging.WARNING)
    seconds = round(order.most_hours * 3_600)
    results = f"s3://{order.bucket}/training"
    # Waiting for a spot instance counts as well, so there must be time for it.
    stopping = {"max_runtime_in_seconds": seconds, **({"max_wait_time_in_seconds": 2 * seconds} if order.spot else {})}
    with _environment(_NO_SIMULATION), _source() as source:
        try:
            trainer = ModelTrainer(
                sagemaker_session=Session(aws.session, default_bucket=order.bucket, sagemaker_config=_NO_TELEMETRY),
                role=order.role,
                base_job_name=order.name,
                input_s3_key_prefix="training/code",
                training_image=images.ready_made("training", aws.region, order.instance_type),
                source_code=SourceCode(
                    source_dir=str(source), requirements="requirements.txt", command=order.command, args=list(order.arguments)
                ),
                compute=Compute(instance_type=order.instance_type, instance_count=1, enable_managed_spot_training=order.spot),
                stopping_condition=StoppingCondition(**stopping),
                output_data_config=OutputDataConfig(s3_output_path=results),
                # By the name of the order, not of the job: a job that is started anew goes on where the last one stopped.
                checkpoint_config=CheckpointConfig(s3_uri=f"{results}/{order.name}/checkpoints", local_path=CHECKPOINTS),
                input_data_config=[InputData(channel_name="dataset", data_source=order.dataset)],
            ).with_metric_definitions([MetricDefinition(name=one["Name"], regex=one["Regex"]) for one in metric_definitions()])
            trainer.train(wait=False, logs=False)
        except ClientError as error:
            said = str(error)
            if "AccessDenied" in said:
                raise MissingPermission(f"{error.operation_name} of the training", said) from error
            raise CallRefused(f"{error.operation_name} is refused: {said}") from error
    return str(trainer._latest_training_job.training_job_name)


@contextmanager
def _source() -> Iterator[Path]:
    """Our packages and what they need, as the container finds them; gone when the job has been sent."""
    with tempfile.TemporaryDirectory(prefix="valence-training-") as scratch:
        folder = Path(scratch)
        for name in _PACKAGES:
            shutil.copytree(_ROOT / name, folder / name, ignore=_LEFT_OUT)
        (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements()))
        yield folder


def requirements() -> list[str]:
    """What training needs besides what its image has."""
    lines = package.requirements("bundled", "hub", "train")
    return sorted({*(line for line in lines if line.partition("==")[0] not in _IN_THE_IMAGE), *_of_the_command_line()})


def _of_the_command_line() -> Iterator[str]:
    for name in ("click", "rich"):
        yield f"{name}=={metadata.version(name)}"


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
