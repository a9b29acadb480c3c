"""`valence analyse FILE...`: send videos, watch them on their way, show what is felt in them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click
import msgspec

from cli.api import api_options, connected, find_api
from cli.consoles import output
from cli.exits import Exit
from cli.journeys import How, Journey, travel
from cli.progress import display
from cli.results import show_analysis
from cli.unsent import Unsent
from valence import Client, Format

#: What is printed: a table, a JSON line a file, or the analysis of the one file in a format.
Output = Literal["table", "json"] | Format


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document for each file, one a line, as they end.")
@click.option("--srt", "as_srt", is_flag=True, help="Print the analysis of the one FILE as subtitles.")
@click.option("--vtt", "as_vtt", is_flag=True, help="The same as WebVTT, with the feelings as classes.")
@click.option("--csv", "as_csv", is_flag=True, help="The same as a table for spreadsheets.")
@click.option("--elan", "as_elan", is_flag=True, help="The same as annotations for ELAN.")
@click.option("--captions", is_flag=True, help="Take the words from the file's caption track where it has one.")
@click.option("--straight-to-storage", is_flag=True, help="Send the parts to S3 itself, past the API; this machine must reach S3.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Give up waiting after this time.")
@api_options
def analyse(
    files: tuple[Path, ...],
    as_json: bool,
    as_srt: bool,
    as_vtt: bool,
    as_csv: bool,
    as_elan: bool,
    captions: bool,
    straight_to_storage: bool,
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
    given: dict[str, tuple[bool, Output]] = {
        "--json": (as_json, "json"),
        "--srt": (as_srt, Format.SRT),
        "--vtt": (as_vtt, Format.VTT),
        "--csv": (as_csv, Format.CSV),
        "--elan": (as_elan, Format.EAF),
    }
    wanted = [(name, output) for name, (is_given, output) in given.items() if is_given]
    if len(wanted) > 1:
        raise click.UsageError(f"{' and '.join(name for name, _ in wanted)} exclude each other: choose one")
    chosen: Output = wanted[0][1] if wanted else "table"
    if isinstance(chosen, Format) and len(files) > 1:
        raise click.UsageError(f"{wanted[0][0]} prints one file's analysis, and {len(files)} files were given: give one, or use --json")
    api = find_api(api_url, api_key, data)
    with connected(api) as client:
        journeys = analyse_files(client, Unsent(api.url), files, How(captions, straight_to_storage), timeout, chosen)
    return Exit.COMPLETED if all(journey.analysis for journey in journeys) else Exit.NOT_COMPLETED


def analyse_files(
    client: Client, unsent: Unsent, files: tuple[Path, ...], how: How, timeout: float | None, chosen: Output = "table"
) -> list[Journey]:
    """Send files, show how they fare and print what comes of them; returns how each has ended."""
    with display() as shown:

        def note(number: int, journey: Journey) -> None:
            shown.show(number, journey)
            if journey.ended and chosen == "json":
                click.echo(_document(journey))

        journeys = travel(client, unsent, files, how, timeout, note)
    for journey in journeys:
        if journey.analysis is None or journey.upload_id is None:
            continue
        if isinstance(chosen, Format):
            click.echo(client.analysis_as(journey.upload_id, chosen), nl=False)
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
