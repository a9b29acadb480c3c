"""`python -m model.training` makes the bundled weights and their card; `python -m model.training score` judges them."""

from __future__ import annotations

import argparse
import sys
import time

from model.profiles import BUNDLED_FOLDER
from model.text import WEIGHTS_FILE
from model.training.card import render
from model.training.data import DataMissing, data_folder
from model.training.score import score
from model.training.train import train


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 when the data sets are not there."""
    parser = argparse.ArgumentParser(prog="python -m model.training", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("train", "score"), default="train", help="default: train")
    command = parser.parse_args(arguments).command
    started = time.monotonic()
    try:
        folder = data_folder()
        if command == "train":
            train(folder, BUNDLED_FOLDER / WEIGHTS_FILE)
            print(f"trained in {time.monotonic() - started:.0f} s", file=sys.stderr)
        model, sets = score(folder, BUNDLED_FOLDER)
    except DataMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    card = render(model, sets)
    if command == "train":
        (BUNDLED_FOLDER / "README.md").write_text(card, encoding="utf-8")
    print(card)
    return 0


if __name__ == "__main__":
    sys.exit(main())
