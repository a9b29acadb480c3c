"""`valence analyse FILE...`: send videos, watch them on their way, show what is felt in them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click
import msgspec

from cli.api import api_options, connected, find_api
from cli.consoles import output
from cli.exits import Exit
from cli.journeys import Journey, travel
from cli.progress import display
from cli.results import show_analysis
from cli.unsent import Unsent
from valence import Client, Format

Output = Literal["table", "json", "srt"]


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document for each file, one a line, as they end.")
@click.option("--srt", "as_srt", is_flag=True, help="Print the analysis of the one FILE as subtitles.")
@click.option("--captions", is_flag=True, help="Take the words from the file's caption track where it has one.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Give up waiting after this time.")
@api_options
def analyse(
    files: tuple[Path, ...],
    as_json: bool,
    as_srt: bool,
    captions: bool,
    timeout: float | None,
    api_url: str | None,
    api_key: str | None,
    data: Path | None,
) -> Exit:
    """Send videos, follow them live, and print what is felt in every utterance.

    \b
      valence analyse talk.mp4
      valence analyse *.mp4 --json > analyses.jsonl
      valence analyse talk.mp4 --srt > talk.srt

    Several files travel side by side. A command that was interrupted goes on where it stopped when it is run again. Progress goes to
    standard error, results to standard output. Ends with 0 if every file was analysed, with 1 if one was rejected or failed.
    """
    if as_json and as_srt:
        raise click.UsageError("--json and --srt exclude each other: choose one")
    if as_srt and len(files) > 1:
        raise click.UsageError(f"--srt prints one file's subtitles, and {len(files)} files were given: give one, or use --json")
    chosen: Output = "json" if as_json else "srt" if as_srt else "table"
    api = find_api(api_url, api_key, data)
    with connected(api) as client:
        journeys = analyse_files(client, Unsent(api.url), files, captions, timeout, chosen)
    return Exit.COMPLETED if all(journey.analysis for journey in journeys) else Exit.NOT_COMPLETED


def analyse_files(
    client: Client, unsent: Unsent, files: tuple[Path, ...], captions: bool, timeout: float | None, chosen: Output = "table"
) -> list[Journey]:
    """Send files, show how they fare and print what comes of them; returns how each has ended."""
    with display() as shown:

        def note(number: int, journey: Journey) -> None:
            shown.show(number, journey)
            if journey.ended and chosen == "json":
                click.echo(_document(journey))

        journeys = travel(client, unsent, files, captions, timeout, note)
    for journey in journeys:
        if journey.analysis is None or journey.upload_id is None:
            continue
        if chosen == "srt":
            click.echo(client.analysis_as(journey.upload_id, Format.SRT), nl=False)
        elif chosen == "table":
            show_analysis(output(), journey.path.name, journey.analysis)
    return journeys


def _document(journey: Journey) -> bytes:
    """How one file has ended, as JSON on one line."""
    return msgspec.json.encode(
        {
            "file": str(journey.path),
            "upload_id": journey.upload_id,
            "attempt": journey.attempt,
            "status": journey.outcome,
            "failure": journey.failure,
            "analysis": journey.analysis,
        }
    )
