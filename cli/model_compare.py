"""`valence model compare`: what would change if one text model took the place of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from cli.consoles import output, plain_table
from cli.exits import Exit, Misused
from cli.wording import printable
from cli.wording import score as worded
from model import text
from model.errors import WeightsUnreadable
from model.text import TextModel
from model.text_tokens import Turn, turns
from model.training.text.data import DataError, read_lines
from schemas.analysis import EMOTIONS


class _Utterance(NamedTuple):
    turn: Turn
    label: str | None = None


class _Said(msgspec.Struct):
    text: str


class _Analysed(msgspec.Struct):
    utterances: tuple[_Said, ...] = ()


class _Document(msgspec.Struct):
    """What is read of a line of `valence analyse --json`."""

    analysis: _Analysed | None


class _Change(NamedTuple):
    """An utterance of which the models say something else, each with its probability of that."""

    utterance: _Utterance
    before: str
    after: str
    confidence_before: float
    confidence_after: float


@click.command()
@click.argument("a", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("b", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("dataset", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--show", type=click.IntRange(min=0), default=20, help="How many utterances to show, the surest first (default: 20).")
def compare(a: Path, b: Path, dataset: Path, show: int) -> Exit:
    """Show where the text models of the folders A and B disagree on DATASET.

    DATASET is a csv file in MELD's form, or a file of analyses as `valence
    analyse --json` writes them (.jsonl): their words are read again by both.
    """
    try:
        before, after, utterances = text.load(a), text.load(b), _read(dataset)
    except (WeightsUnreadable, DataError) as error:
        raise Misused(str(error)) from error
    if not utterances:
        raise Misused(f"{dataset} holds no utterances")
    changes = _changes(before, after, utterances)
    names = f"{before.ref.name} ({before.ref.sha256[:8]})", f"{after.ref.name} ({after.ref.sha256[:8]})"
    click.echo(f"A is {names[0]}, B is {names[1]}.")
    click.echo(f"They disagree on the emotion of {len(changes)} of {len(utterances)} utterances.")
    if any(change.utterance.label for change in changes):
        old_right, new_right = (sum(getattr(change, side) == change.utterance.label for change in changes) for side in ("before", "after"))
        click.echo(f"Of those, A is right on {old_right} and B on {new_right}.")
    for (old, new), count in Counter((change.before, change.after) for change in changes).most_common():
        click.echo(f"  {count} x {old} becomes {new}")
    _show(changes[:show])
    return Exit.COMPLETED


def _changes(before: TextModel, after: TextModel, utterances: Sequence[_Utterance]) -> list[_Change]:
    said = [utterance.turn for utterance in utterances]
    (old, _), (new, _) = before.probabilities(said), after.probabilities(said)
    changes = [
        _Change(utterance, EMOTIONS[one.argmax()], EMOTIONS[other.argmax()], float(one.max()), float(other.max()))
        for utterance, one, other in zip(utterances, old, new, strict=True)
        if one.argmax() != other.argmax()
    ]
    return sorted(changes, key=lambda change: -min(change.confidence_before, change.confidence_after))


def _show(changes: Sequence[_Change]) -> None:
    if not changes:
        return
    table = plain_table("A", "B", "label", "words")
    for change in changes:
        words = printable(change.utterance.turn.text)
        table.add_row(
            worded(change.before, change.confidence_before),
            worded(change.after, change.confidence_after),
            change.utterance.label or "",
            words,
        )
    output().print(table)


def _read(dataset: Path) -> list[_Utterance]:
    if dataset.suffix != ".jsonl":
        return [_Utterance(Turn(line.text, line.before), EMOTIONS[line.emotion]) for line in read_lines(dataset)]
    utterances: list[_Utterance] = []
    try:
        for line in dataset.read_bytes().splitlines():
            document = msgspec.json.decode(line, type=_Document)
            if document.analysis is not None:
                utterances += map(_Utterance, turns([said.text for said in document.analysis.utterances]))
    except msgspec.DecodeError as error:
        raise Misused(f"{dataset} is not a file of analyses: {error}; `valence analyse --json` writes one document a line") from error
    return utterances
