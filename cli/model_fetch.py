"""`valence model fetch`: the weights of the hub profile, before its container starts."""

from __future__ import annotations

import os
from pathlib import Path

import click

from cli.exits import CommandFailed, Misused
from model.errors import ModelError, ProfileUnavailable, SettingsInvalid
from model.fetch import fetch as fetch_weights
from model.profiles import HUB
from model.settings import read_settings


@click.command()
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="The folder for them; VALENCE_MODEL_FOLDER by itself.")
def fetch(into: Path | None) -> None:
    """Get the weights that VALENCE_MODEL_WHISPER, _EMOTION and _SENTIMENT name, as safetensors, and see that they load.

    The container itself never fetches anything. What is there already is not fetched again.
    """
    try:
        settings, _ = read_settings({**os.environ, "VALENCE_MODEL_PROFILE": os.environ.get("VALENCE_MODEL_PROFILE") or HUB})
        if settings.profile != HUB:
            raise ProfileUnavailable(f"the profile {settings.profile!r} has its weights in the repository: only {HUB!r} needs fetching")
        for line in fetch_weights(settings, into or settings.weights_folder):
            click.echo(line)
    except SettingsInvalid as error:
        raise Misused(str(error)) from error
    except ModelError as error:
        raise CommandFailed(str(error)) from error
