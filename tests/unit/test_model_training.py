"""Training and judging: deterministic, calibrated, honest about missing data."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from model.text import WEIGHTS_FILE
from model.training.__main__ import main
from model.training.data import DATA_VARIABLE, UNLABELLED, DataMissing, data_folder, read_goemotions, read_meld
from model.training.score import calibration_error, class_f1, judge, score
from model.training.train import fit_temperature, train
from schemas.analysis import EMOTIONS, SENTIMENTS

_SAID = {
    "anger": "Get out, I hate this noise",
    "disgust": "That soup is rotten, how gross",
    "fear": "I am scared of the dark stairs",
    "joy": "We won, what a lovely day",
    "neutral": "The bus stops at the corner",
    "sadness": "I cried when she left us",
    "surprise": "What, you are here already",
}
_LEANS = dict(zip(EMOTIONS, ("negative", "negative", "negative", "positive", "neutral", "negative", "positive"), strict=True))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder laid out like the published sets, with sentences of ours."""
    (tmp_path / "meld").mkdir()
    for split, mark in (("train", "."), ("dev", "!"), ("test", "?")):
        with (tmp_path / "meld" / f"{split}_sent_emo.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["Sr No.", "Utterance", "Emotion", "Sentiment"])
            rows.writerows([number, said + mark, emotion, _LEANS[emotion]] for number, (emotion, said) in enumerate(_SAID.items()))
    (tmp_path / "goemotions").mkdir()
    (tmp_path / "goemotions" / "data_ekman_labels.txt").write_text("\n".join(EMOTIONS), encoding="utf-8")
    (tmp_path / "goemotions" / "data_ekman_train.tsv").write_text(
        "what a lovely surprise\t6\ta1\nlovely and sad\t3,5\ta2\nhow lovely\t3\ta3\n", encoding="utf-8"
    )
    return tmp_path


def test_training_twice_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    train(data, tmp_path / "first.npz")
    train(data, tmp_path / "second.npz")

    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()


def test_scores_come_from_the_weights_on_both_forms_of_the_test_split(data: Path, tmp_path: Path) -> None:
    train(data, tmp_path / WEIGHTS_FILE)

    _, (written, recognised) = score(data, tmp_path)

    assert written.emotion.weighted_f1 == pytest.approx(1)  # the same seven sentences with another mark at the end
    assert recognised.emotion.weighted_f1 == pytest.approx(1)
    assert recognised.sentiment.class_f1.keys() == set(SENTIMENTS)


def test_a_comment_with_two_labels_teaches_nothing_and_surprise_teaches_no_sentiment(data: Path) -> None:
    comments = read_goemotions(data)

    assert list(comments.texts) == ["what a lovely surprise", "how lovely"]
    assert comments.sentiments.tolist() == [UNLABELLED, SENTIMENTS.index("positive")]


def test_misread_punctuation_of_the_published_files_is_put_right(data: Path) -> None:
    path = data / "meld" / "dev_sent_emo.csv"
    path.write_text("Utterance,Emotion,Sentiment\nIt\x92s fine\x85,neutral,neutral\n", encoding="utf-8")

    assert read_meld(data, "dev").texts == ["It’s fine…"]


def test_a_missing_file_is_named_with_the_place_where_it_is_published(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match=r"train_sent_emo\.csv is missing.*declare-lab/MELD"):
        read_meld(tmp_path, "train")


@pytest.mark.parametrize("command", [[], ["score"]])
def test_without_the_data_the_command_says_where_it_is_published_and_exits_2(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)

    assert main(command) == 2
    assert "github.com/declare-lab/MELD" in capsys.readouterr().err


def test_the_data_folder_has_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, "")

    with pytest.raises(DataMissing):
        data_folder()


def test_a_temperature_undoes_exaggerated_confidence() -> None:
    random = np.random.default_rng(7)
    honest = random.normal(size=(4000, 3))
    chances = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
    labels = np.array([random.choice(3, p=row) for row in chances])

    assert fit_temperature(honest * 2.5, labels) == pytest.approx(2.5, rel=0.1)


def test_calibration_error_is_the_distance_of_confidence_from_accuracy() -> None:
    sure = np.tile(np.array([0.9, 0.1], np.float32), (10, 1))

    assert calibration_error(sure, np.array([0] * 9 + [1])) == pytest.approx(0.0, abs=1e-6)
    assert calibration_error(sure, np.array([0] * 5 + [1] * 5)) == pytest.approx(0.4, abs=1e-6)


def test_f1_weighs_classes_by_how_often_they_occur() -> None:
    labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])

    assert class_f1(labels, predicted, 3) == pytest.approx([0.8, 2 / 3, 0.0])
    scores = judge(np.eye(3, dtype=np.float32)[predicted], labels, ("a", "b", "c"))
    assert scores.weighted_f1 == pytest.approx(0.8 * 0.75 + 2 / 3 * 0.25)
    assert scores.macro_f1 == pytest.approx((0.8 + 2 / 3) / 3)
