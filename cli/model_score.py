"""`valence model score`: how good a text model is on a set of yours."""

from __future__ import annotations

from pathlib import Path

import click

from cli.exits import Exit, Misused
from model import text
from model.errors import WeightsUnreadable
from model.training.text.data import DataError, read_lines
from model.training.text.scores import score as scores_of
from model.training.text.tables import by_class, overview


@click.command()
@click.argument("checkpoint", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("dataset", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def score(checkpoint: Path, dataset: Path) -> Exit:
    """Score the text model of the folder CHECKPOINT on DATASET.

    DATASET is a csv file in MELD's form, with the columns Utterance, Emotion,
    Sentiment, Dialogue_ID and Utterance_ID. The scores are computed from the
    weights, in percent with 95 % bootstrap intervals, for the text as written
    and as a recogniser would write it.
    """
    try:
        model, lines = text.load(checkpoint), read_lines(dataset)
    except (WeightsUnreadable, DataError) as error:
        raise Misused(str(error)) from error
    scores = scores_of(model, lines)
    click.echo(f"{model.ref.name} ({model.ref.sha256[:8]}) on {len(lines)} utterances of {dataset}, in %\n")
    click.echo("\n".join([overview(scores), *(by_class(scores, head) for head in text.HEADS)]))
    return Exit.COMPLETED
