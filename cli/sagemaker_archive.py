"""`valence sagemaker package` and `serve`: the archive of the model, made and tried out without AWS."""

from __future__ import annotations

import os
from pathlib import Path

import click

from cli.exits import CommandFailed, Misused
from local.data_folder import cache_folder
from model.errors import ModelError
from model.profiles import BUNDLED, HUB


@click.command()
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
    except OSError as error:
        raise CommandFailed(f"{error.filename} cannot be used ({error.strerror}): name another") from error
    click.echo(f"{built.path}: profile {profile}, {built.path.stat().st_size:,} bytes, sha256 {built.sha256}")


@click.command()
@click.argument("archive", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8080, show_default=True, help="SageMaker's is 8080.")
def serve(archive: Path, host: str, port: int) -> None:
    """Serve an archive as SageMaker's container does, without a container: GET /ping and POST /invocations, until SIGTERM.

    The archive is unpacked once, read-only, into the user's cache, and runs with its own code.
    """
    from deployment import serving

    folder, manifest = serving.unpacked(archive, cache_folder() / "models")
    serving.become_container({**os.environ, **serving.container_environment(folder, manifest, host, port)})
