"""`valence model train`: voice, face and fusion, from a folder in MELD's form to a checkpoint."""

from __future__ import annotations

import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli.exits import CommandFailed, Exit, Misused
from schemas.analysis import Modality

if TYPE_CHECKING:
    from model.training.fusion.run import Run
    from model.training.fusion.training import Task

#: As a shell says of a process that SIGTERM ended; SageMaker starts a spot training again.
_TERMINATED = 128 + signal.SIGTERM


@click.command()
@click.argument("dataset", type=click.Path(path_type=Path, file_okay=False, exists=True), required=False)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="The folder of the checkpoint; made if need be.")
@click.option("--work", type=click.Path(path_type=Path, file_okay=False), help="Cached features and the state; OUTPUT/work without it.")
@click.option(
    "--modalities",
    default="text,voice,face",
    show_default=True,
    help="Which to train, with commas between; the words alone need no videos.",
)
@click.option(
    "--face-weights",
    metavar="kinetics|none|FILE",
    help="Where the face tower starts: torchvision's weights (fetched), nothing, or a safetensors file of r3d_18. Needed with face.",
)
@click.option("--epochs", type=click.IntRange(1), help="At most so many; it ends earlier where dev gets no better.")
@click.option("--batch", type=click.IntRange(1), help="Utterances a step.")
@click.option("--seed", type=int, default=0, show_default=True, help="What all random numbers follow from.")
@click.option("--synthetic", is_flag=True, help="Make a small data set of its own, train tiny towers on it, and show what fusion is worth.")
def train(
    dataset: Path | None,
    output: Path | None,
    work: Path | None,
    modalities: str,
    face_weights: str | None,
    epochs: int | None,
    batch: int | None,
    seed: int,
    synthetic: bool,
) -> None:
    """Train voice, face and fusion on DATASET, a folder in MELD's form.

    It holds {train,dev,test}_sent_emo.csv and, for voice and face, the folders train_splits, dev_splits_complete and
    output_repeated_splits_test with a video an utterance. Stopped at any time, the same command goes on where it was.

    \b
      valence model train meld --output fusion --face-weights kinetics
      valence model train meld --output words --modalities text
      valence model train --synthetic
    """
    if synthetic == (dataset is not None):
        raise Misused("name a DATASET or say --synthetic, one of the two")
    if dataset is not None and output is None:
        raise Misused("name a folder for the checkpoint: --output")
    chosen = _modalities(modalities)
    changes = {name: value for name, value in (("epochs", epochs), ("batch", batch), ("seed", seed)) if value is not None}
    with ExitStack() as cleanup:
        if synthetic:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="valence-synthetic-")))
            task = _synthetic(folder, output or folder / "fusion", work, chosen, changes)
        else:
            assert dataset is not None
            assert output is not None
            task = _real(dataset, output, work, chosen, face_weights, changes)
        _train(task)
        if output is not None:
            click.echo(f"\nthe checkpoint is {output}: VALENCE_MODEL_FUSION={output}")


def _modalities(text: str) -> frozenset[Modality]:
    try:
        return frozenset(Modality(name.strip()) for name in text.split(","))
    except ValueError:
        raise Misused(f"--modalities is {text!r}: name one or more of {', '.join(Modality)}, with commas between") from None


def _synthetic(folder: Path, output: Path, work: Path | None, modalities: frozenset[Modality], changes: dict[str, Any]) -> Task:
    from model.training.fusion import synthetic
    from model.training.fusion.training import Task

    synthetic.make_dataset(folder / "dataset")
    recipe = msgspec.structs.replace(synthetic.RECIPE, **changes)
    return Task(folder / "dataset", output, work or folder / "work", modalities, recipe, synthetic.VOICE, synthetic.FACE)


def _real(
    dataset: Path, output: Path, work: Path | None, modalities: frozenset[Modality], face_weights: str | None, changes: dict[str, Any]
) -> Task:
    if (Modality.FACE in modalities) != (face_weights is not None):
        raise Misused(
            "say where the face tower starts: --face-weights kinetics (fetched from download.pytorch.org), a file, or none"
            if face_weights is None
            else "--face-weights is given, and face is not among the modalities"
        )
    from model.training.fusion.recipe import Recipe
    from model.training.fusion.training import Task

    weights = None if face_weights in (None, "none") else face_weights
    return Task(dataset, output, work or output / "work", modalities, Recipe(**changes), face_weights=weights)


def _train(task: Task) -> None:
    from model import text
    from model.profiles import BUNDLED_FOLDER
    from model.training.fusion.errors import Interrupted, TrainingError
    from model.training.fusion.judgement import table
    from model.training.fusion.training import train

    def hold(run: Run) -> None:
        signal.signal(signal.SIGTERM, lambda *_: run.stop.set())

    try:
        result = train(task, text.load(BUNDLED_FOLDER), lambda line: click.echo(line), hold)
    except Interrupted:
        click.echo(f"interrupted: the state is in {task.work}, the same command goes on from it", err=True)
        raise SystemExit(_TERMINATED) from None
    except TrainingError as error:
        raise CommandFailed(str(error), Exit.NOT_COMPLETED) from error
    click.echo(f"\non the test split:\n{table(result.rows)}")
