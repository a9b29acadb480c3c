"""`valence model score`: how good a text model is on a set of yours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import Exit, Misused
from model import text
from model.errors import ModelError
from model.training.text.data import DataError, read_lines
from model.training.text.scores import score as scores_of
from model.training.text.tables import by_class, overview

if TYPE_CHECKING:
    from model.text_by_checkpoints import CheckpointText


@click.command()
@click.argument("checkpoint", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("dataset", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--emotion", metavar="NAME", help="Of the profile hub: the checkpoint of emotions, by its name below CHECKPOINT.")
@click.option("--sentiment", metavar="NAME", help="The one of sentiments beside it.")
def score(checkpoint: Path, dataset: Path, emotion: str | None, sentiment: str | None) -> Exit:
    """Score the text model of the folder CHECKPOINT on DATASET.

    DATASET is a csv file in MELD's form, with the columns Utterance, Emotion,
    Sentiment, Dialogue_ID and Utterance_ID. The scores are computed from the
    weights, in percent with 95 % bootstrap intervals, for the text as written
    and as a recogniser would write it.

    \b
      valence model score model/bundled lines.csv
      valence model score MODELS lines.csv --emotion NAME --sentiment NAME
    """
    if (emotion is None) != (sentiment is None):
        raise Misused("--emotion and --sentiment belong together: name both checkpoints of the profile hub, or neither")
    try:
        model = text.load(checkpoint) if emotion is None or sentiment is None else _of_the_hub(checkpoint, emotion, sentiment)
        lines = read_lines(dataset)
    except (ModelError, DataError) as error:
        raise Misused(str(error)) from error
    scores = scores_of(model, lines)
    names = ", ".join(f"{ref.name} ({ref.sha256[:8]})" for ref in model.refs)
    click.echo(f"{names} on {len(lines)} utterances of {dataset}, in %\n")
    click.echo("\n".join([overview(scores), *(by_class(scores, head) for head in text.HEADS)]))
    return Exit.COMPLETED


def _of_the_hub(folder: Path, emotion: str, sentiment: str) -> CheckpointText:
    try:
        from model import text_by_checkpoints  # torch, which takes seconds
    except ImportError as error:
        raise Misused(f"checkpoints of the hub need more packages ({error}): install valence[hub]") from error
    return text_by_checkpoints.load(folder, emotion, sentiment, ())
