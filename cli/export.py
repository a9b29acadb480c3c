"""`valence export FILE`: the analyses of many uploads as one archive."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import BinaryIO

import click

from cli.api import api_options, connected, find_api
from cli.exits import CommandFailed, Exit
from cli.selecting import selection_options
from cli.wording import printable, size
from valence import Format, Selection

_FORMATS = click.Choice([form.value for form in Format])


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--format", "formats", multiple=True, type=_FORMATS, metavar="FORMAT", help=f"{', '.join(Format)}; several are fine.")
@selection_options
@api_options
def export(file: Path, formats: tuple[str, ...], selection: Selection, api_url: str | None, api_key: str | None, data: Path | None) -> Exit:
    """Write the analyses of the uploads that the options leave into a ZIP.

    \b
      valence export subtitles.zip --format srt --format vtt
      valence export angry.zip --format eaf --emotion anger --since 30d

    manifest.json in it says what each upload gave, or why nothing: then this ends with 1, and the archive has all others.
    """
    chosen = [Format(form) for form in formats] or [Format.JSON]
    unfinished = file.with_name(f"{file.name}.part")
    try:
        with connected(find_api(api_url, api_key, data)) as client, _opened(unfinished) as out:
            written = client.archive(out, selection, formats=chosen)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    without = [upload for upload in manifest["uploads"] if not upload.get("files")]
    for upload in without:
        click.echo(printable(f"{upload.get('filename') or upload['id']}: {upload['problem']['detail']}"), err=True)
    if not manifest["complete"]:
        click.echo("there are more: an archive takes 10,000 uploads, so choose a time with --since and --until", err=True)
    count = len(manifest["uploads"]) - len(without)
    click.echo(f"{file}: {count} {'analysis' if count == 1 else 'analyses'}, {size(written)}")
    return Exit.NOT_COMPLETED if without or not manifest["complete"] else Exit.COMPLETED


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("wb")
    except OSError as error:
        raise CommandFailed(f"nothing can be written into {file.parent} ({error.strerror}): name a file in another folder") from error
