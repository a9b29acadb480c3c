"""`valence demo`: everything started, one video analysed before one's eyes, everything stopped."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path
from types import FrameType

import click

from cli.analyse import analyse_files
from cli.api import Api, connected
from cli.exits import Exit
from cli.journeys import How, Journey, Unfinished
from cli.unsent import Unsent
from local.background import running_stack
from local.preparation import prepare
from local.stack import Stack
from model.word_error import word_error_rate
from samples.script import DIALOGUE, FOLDER, read_script
from valence import Client


@click.command()
@click.argument("video", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def demo(video: Path | None) -> Exit:
    """Start every server and process in a temporary folder, analyse a video on them, and stop everything.

    VIDEO is a file of yours; without it, a sample of the repository.
    """
    chosen = (video or DIALOGUE).resolve()
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="valence-demo-") as folder:
        stack = Stack(Path(folder), prepare=prepare, report=click.echo)
        with running_stack(stack):
            url, key = stack.address("api"), stack.recall("api_key")
            assert key is not None  # made by `prepare`
            click.echo(f"everything is up; {chosen.name} is sent to {url}\n")
            with connected(Api(url, key, "the demo's own stack")) as client:
                (journey,) = _analyse(client, Unsent(url, Path(folder) / "unsent"), chosen)
            if chosen.parent == FOLDER.resolve() and journey.analysis:
                click.echo(_word_error(chosen, journey))
            click.echo("\nstopping")
    return Exit.COMPLETED if journey.analysis else Exit.NOT_COMPLETED


def _analyse(client: Client, unsent: Unsent, video: Path) -> list[Journey]:
    try:
        return analyse_files(client, unsent, (video,), How(), timeout=None)
    except Unfinished:
        raise KeyboardInterrupt from None  # nothing goes on here: the stack ends with the demo


def _word_error(clip: Path, journey: Journey) -> str:
    """How far the words are from what is really said: the recogniser heard them, no captions were used."""
    assert journey.analysis is not None
    heard = " ".join(utterance.text for utterance in journey.analysis.utterances)
    rate = word_error_rate(read_script(clip).text, heard)
    return f"Words by {journey.analysis.words_from}: {100 * rate:.0f} % word error against the script of the clip."


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
