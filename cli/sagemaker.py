"""`valence sagemaker ...`: the endpoint, from an archive of the model to a queue that scales to zero."""

from __future__ import annotations

from typing import ClassVar

import click

from cli.lazy_group import LazyGroup


class _SageMaker(LazyGroup):
    """Most of these load botocore."""

    COMMANDS: ClassVar[dict[str, tuple[str, str]]] = {
        "package": ("cli.sagemaker_archive", "Pack the model into the archive that SageMaker unpacks."),
        "serve": ("cli.sagemaker_archive", "Serve an archive as SageMaker does, on this machine."),
        "deploy": ("cli.sagemaker_deploy", "Put an archive on an endpoint that scales to zero."),
        "undeploy": ("cli.sagemaker_deploy", "Remove the endpoint and what was made for it."),
        "train": ("cli.sagemaker_train", "Train voice, face and fusion on SageMaker."),
        "status": ("cli.sagemaker_watch", "Show what waits, works and has failed."),
        "costs": ("cli.sagemaker_watch", "Show what an analysis costs."),
    }


@click.group(cls=_SageMaker)
def sagemaker() -> None:
    """Package the model, and run it on an asynchronous endpoint of SageMaker.

    \b
      valence sagemaker package
      valence sagemaker serve model.tar.gz
      valence sagemaker deploy model.tar.gz --image IMAGE --role ARN --dry-run
    """
