"""`python -m model.training train text` makes the bundled text model; `python -m model.training score` judges it and writes its card."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from model import text
from model.errors import WeightsUnreadable
from model.profiles import BUNDLED_FOLDER
from model.text import TextModel
from model.training.text import card
from model.training.text.baselines import most_frequent, weighed_words
from model.training.text.data import DataError, Line, data_folder, read_meld
from model.training.text.scores import score
from model.training.text.speech import can_speak
from model.training.text.spoken import Spoken, score_spoken
from model.training.text.tables import overview
from model.words_by_sphinx import Sphinx

_ROOT = Path(__file__).parents[2]
_RUNS = _ROOT / "build" / "training" / "text"
#: What `train` printed of the runs that the bundled model was chosen from, which the card quotes.
TRAINED = _ROOT / "docs" / "model-card" / "training.md"
#: The run that ships: on dev, as written, the best of seeds 1, 2 and 3 and of the average of their weights.
SEEDS = (1,)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 when the data sets are not there or cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m model.training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train a model; what was interrupted goes on")
    training.add_argument("model", choices=("text",))
    training.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="a run each; the model is the average of their weights")
    training.add_argument("--runs", type=Path, default=_RUNS, help="where unfinished runs are kept (default: build/training/text)")
    training.add_argument("--output", type=Path, default=BUNDLED_FOLDER, help="the model folder to write (default: model/bundled)")
    commands.add_parser("score", help="score the bundled text model on MELD's test split and write docs/model-card.md")
    chosen = parser.parse_args(arguments)
    try:
        data = data_folder()
        if chosen.command == "train":
            _train(data, chosen.seeds, chosen.runs, chosen.output)
        else:
            print(_score(data))
    except (DataError, WeightsUnreadable) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _score(data: Path) -> str:
    model, train, lines = text.load(BUNDLED_FOLDER), read_meld(data, "train"), read_meld(data, "test")
    simple = card.Simple(most_frequent(train, lines), weighed_words(train, lines))
    return card.write(_ROOT, model, score(model, lines), simple, _spoken(model, lines), TRAINED.read_text(encoding="utf-8"))


def _spoken(model: TextModel, lines: Sequence[Line]) -> Spoken | None:
    if not can_speak():
        print("no ffmpeg with flite is here (Debian's has it): the card will say that spoken lines were left out", file=sys.stderr)
        return None
    recogniser = Sphinx(os.cpu_count() or 1)
    try:
        return score_spoken(model, lines, recogniser)
    finally:
        recogniser.close()


def _train(data: Path, seeds: Sequence[int], runs: Path, output: Path) -> None:
    # torch and what stands on it take seconds to load: scoring does without.
    from model.training.text.export import export
    from model.training.text.report import report
    from model.training.text.run import Run

    finished = [Run(data, runs, seed, lambda line: print(line, flush=True)).finish() for seed in seeds]
    model = export(finished, data, output)
    said = report(finished, data, runs)
    (TRAINED if output == BUNDLED_FOLDER else runs / TRAINED.name).write_text(said, encoding="utf-8")
    print(said, overview(score(model, read_meld(data, "dev"))), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
