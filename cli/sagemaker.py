"""`valence sagemaker ...`: the endpoint, from an archive of the model to a queue that scales to zero."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import click

from cli.exits import Misused
from model.errors import ModelError
from model.profiles import BUNDLED, HUB

_ARCHIVE = click.argument("archive", type=click.Path(path_type=Path, exists=True, dir_okay=False))


class _LazyGroup(click.Group):
    """The commands that speak to AWS lie in modules of their own, imported when they are asked for."""

    COMMANDS: ClassVar[dict[str, str]] = {
        "deploy": "cli.sagemaker_deploy",
        "undeploy": "cli.sagemaker_deploy",
        "train": "cli.sagemaker_train",
        "status": "cli.sagemaker_watch",
        "costs": "cli.sagemaker_watch",
    }

    def list_commands(self, context: click.Context) -> list[str]:
        return [*super().list_commands(context), *self.COMMANDS]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.COMMANDS:
            return super().get_command(context, name)
        command: click.Command = getattr(import_module(self.COMMANDS[name]), name)
        return command


@click.group(cls=_LazyGroup)
def sagemaker() -> None:
    """Package the model, and run it on an asynchronous endpoint of SageMaker.

    \b
      valence sagemaker package
      valence sagemaker serve model.tar.gz
      valence sagemaker deploy model.tar.gz --image IMAGE --role ARN --dry-run
    """


@sagemaker.command()
@click.option("--profile", type=click.Choice([BUNDLED, HUB]), default=BUNDLED, show_default=True, help="Which models the weights are of.")
@click.option("--weights", type=click.Path(path_type=Path), help="The folder of the weights; the bundled profile has its own.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("model.tar.gz"),
    show_default=True,
    help="Where to write it.",
)
def package(profile: str, weights: Path | None, output: Path) -> None:
    """Pack weights, code and requirements into the archive that SageMaker unpacks. The same content gives the same bytes."""
    from deployment import package as packages

    try:
        built = packages.build(output, profile, weights)
    except ModelError as error:
        raise Misused(str(error)) from error
    click.echo(f"{built.path}: profile {profile}, {built.path.stat().st_size:,} bytes, sha256 {built.sha256}")


@sagemaker.command()
@_ARCHIVE
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8080, show_default=True, help="SageMaker's is 8080.")
def serve(archive: Path, host: str, port: int) -> None:
    """Serve an archive as SageMaker's container does, without a container: GET /ping and POST /invocations, until SIGTERM.

    The archive is unpacked once, read-only, into the user's cache, and runs with its own code.
    """
    from deployment import serving

    folder, manifest = serving.unpacked(archive, _cache() / "models")
    serving.become_container({**os.environ, **serving.container_environment(folder, manifest, host, port)})


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "valence"
