"""Training the text model, for real, on a handful of sentences of ours."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from model.text import HEADS, WEIGHTS_FILE, load
from model.text_tokens import Turn
from model.training.text import network, run
from model.training.text.batches import epoch
from model.training.text.data import read_goemotions, read_meld
from model.training.text.export import Merged, export
from model.training.text.network import PretrainedStartMissing
from model.training.text.report import report
from model.training.text.run import Run, class_weights, text_tokens
from schemas.analysis import EMOTIONS

_SAID = {
    "anger": ("Get out, I hate this noise", "negative"),
    "disgust": ("That soup is rotten, how gross", "negative"),
    "fear": ("I am scared of the dark stairs", "negative"),
    "joy": ("We won, what a lovely day", "positive"),
    "neutral": ("The bus stops at the corner", "neutral"),
    "sadness": ("I cried when she left us", "negative"),
    "surprise": ("What, you are here already", "positive"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out like the published sets."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "meld").mkdir()
    for split in ("train", "dev", "test"):
        with (folder / "meld" / f"{split}_sent_emo.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["Utterance", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"])
            rows.writerows([text, emotion, sentiment, 0, number] for number, (emotion, (text, sentiment)) in enumerate(_SAID.items()))
    (folder / "goemotions").mkdir()
    for form, names in (("ekman", EMOTIONS), ("original", ("joy", "annoyance"))):
        (folder / "goemotions" / f"data_{form}_labels.txt").write_text("\n".join(names), encoding="utf-8")
        (folder / "goemotions" / f"data_{form}_train.tsv").write_text("lovely\t0\ta1\nso annoying\t1\ta2\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished run of two epochs."""
    torch.set_num_threads(1)  # more would wait for each other over sentences this few
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "EPOCHS", 2)
        yield Run(data, tmp_path_factory.mktemp("runs"), 5, lambda _: None).finish()


def test_an_interrupted_run_ends_as_one_that_was_not(data: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "EPOCHS", 2)
    interrupted = Run(data, tmp_path, 5, lambda _: None)
    monkeypatch.setattr(interrupted, "_epoch", _dying(interrupted, before=1))
    with pytest.raises(KeyboardInterrupt):
        interrupted.finish()

    monkeypatch.setattr(run, "TOLD_EVERY", 1)
    said: list[str] = []
    again = Run(data, tmp_path, 5, said.append).finish()

    assert said[0] == "seed 5: goes on after epoch 1"
    assert "epoch 2 of 2: 1/" in said[1]
    assert said[1].endswith(" 0 min left of this seed")
    assert said[-1] == f"  epoch 2 of 2 took 0 min and is kept in {again}"
    ours, theirs = (torch.load(path, weights_only=True)["network"] for path in (again, finished))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def _dying(training: Run, before: int):  # type: ignore[no-untyped-def]
    train = training._epoch

    def epoch_or_death(number: int) -> None:
        if number == before:
            raise KeyboardInterrupt
        train(number)

    return epoch_or_death


def test_what_ships_says_what_the_trained_network_says_and_is_a_quarter_of_its_size(data: Path, finished: Path, tmp_path: Path) -> None:
    model = export([finished], data, tmp_path)
    trained, said = Merged([finished]), [Turn(text) for text, _ in _SAID.values()]

    batch = model.tokens.batch([model.tokens.encode(turn) for turn in said])
    with torch.inference_mode():
        *heads, _ = trained(*map(torch.from_numpy, batch))
    for wanted, (head, logits) in zip(heads, model.logits(said).items(), strict=True):
        assert logits == pytest.approx(wanted.numpy(), abs=0.1), head
        assert np.abs(wanted.numpy()).max() > 0.05, head  # it learned something, or the comparison is empty
    assert (tmp_path / WEIGHTS_FILE).stat().st_size < 24_000_000
    assert load(tmp_path).ref == model.ref


def test_the_average_of_a_run_with_itself_is_that_run(finished: Path) -> None:
    one, two = Merged([finished]).state_dict(), Merged([finished, finished]).state_dict()

    assert all(torch.allclose(one[name], two[name]) for name in one)


def test_several_runs_are_told_one_by_one_with_their_mean_and_on_dev_with_what_they_are_worth_together(
    data: Path, finished: Path, tmp_path: Path
) -> None:
    other = tmp_path / "seed-6.pt"
    state = torch.load(finished, weights_only=True)
    state["network"] = {name: -values if name.startswith("heads.") else values for name, values in state["network"].items()}
    torch.save(state, other)

    dev, test = report([finished, other], data, tmp_path).strip().split("\n\n")

    def rows(table: str) -> dict[str, list[float]]:
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
        return {name: list(map(float, figures)) for name, *figures in cells}

    one, opposite, mean = (np.array(rows(test)[name]) for name in ("seed 5", "seed 6", "mean of 2"))
    assert not np.allclose(one, opposite)
    assert mean == pytest.approx((one + opposite) / 2, abs=0.06), "each is rounded"
    together = [name for name in rows(dev) if name not in rows(test)]
    assert together == ["average of the weights", "average of the answers"]
    assert rows(dev)["average of the weights"] != rows(dev)["seed 5"]
    assert (tmp_path / "average" / WEIGHTS_FILE).exists()


def test_exporting_twice_gives_the_same_bytes(data: Path, finished: Path, tmp_path: Path) -> None:
    first, second = (export([finished], data, tmp_path / name).ref.sha256 for name in ("first", "second"))

    assert first == second


def test_an_epoch_is_the_same_for_the_same_dice_and_another_for_others(data: Path) -> None:
    tokens, lines, comments = text_tokens(), read_meld(data, "train"), read_goemotions(data)

    def shown(seed: int) -> list[list[int]]:
        lessons = epoch(lines, comments, tokens, random.Random(seed))
        return [lesson.tokens[0].flatten().tolist() for lesson in lessons]

    assert shown(1) == shown(1)
    assert shown(1) != shown(2)


def test_rare_classes_count_for_more_and_the_mean_loss_stays_where_it_was() -> None:
    labels = [0] * 90 + [1] * 10
    weights = class_weights(labels, 2)

    assert weights[1] > weights[0]
    assert weights[labels].mean() == pytest.approx(1, abs=1e-6)
    assert HEADS["emotion"] == EMOTIONS


def test_another_pretrained_start_than_the_recipe_names_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PRETRAINED_SHA256", "0" * 64)

    with pytest.raises(PretrainedStartMissing, match=r"model\.safetensors has the SHA-256 53aa.*the recipe starts from 0000"):
        network.pretrained_folder()
