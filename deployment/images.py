"""AWS's ready-made PyTorch images, by region and kind of instance. The SDK, which knows them, is imported only when one is asked for."""

from __future__ import annotations

from deployment.errors import CallRefused

#: The newest that there is for inference, and with it Python 3.12.
INFERENCE = ("2.6.0", "py312")
TRAINING = ("2.9.0", "py312")


def ready_made(scope: str, region: str, instance_type: str) -> str:
    """The image's address; `scope` is `inference` or `training`. CallRefused for a region or an instance type that does not exist."""
    from sagemaker.core import image_uris

    version, python = INFERENCE if scope == "inference" else TRAINING
    try:
        return str(
            image_uris.retrieve("pytorch", region, version=version, py_version=python, image_scope=scope, instance_type=instance_type)
        )
    except ValueError as error:
        raise CallRefused(f"there is no ready-made image for {instance_type} in {region}: {error}") from error
