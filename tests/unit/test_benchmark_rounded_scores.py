"""What rounding costs in scores: heads are fitted to what the exact encoder says of train, and judge each precision on dev."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from benchmarks.rounded_scores import scores
from benchmarks.rounding import EXACT
from model.training.text.data import DataMissing
from schemas.analysis import EMOTIONS

_LEANING = {"joy": "positive", "neutral": "neutral", "surprise": "positive"}


def exact(texts: Sequence[str]) -> torch.Tensor:
    """An encoder that tells the emotion that a text names."""
    return torch.eye(len(EMOTIONS))[[EMOTIONS.index(text.split()[0]) for text in texts]]


def blind_to_joy(texts: Sequence[str]) -> torch.Tensor:
    """The same, rounded until joy looks like anger to it."""
    return exact([text.replace("joy", "anger") for text in texts])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """MELD's two splits: in train each emotion four times, in dev twice."""
    (tmp_path / "meld").mkdir()
    for split, times in (("train", 4), ("dev", 2)):
        rows = [f"{emotion} {n},{emotion},{_LEANING.get(emotion, 'negative')},{n},{n}" for emotion in EMOTIONS for n in range(times)]
        table = "\n".join(["Utterance,Emotion,Sentiment,Dialogue_ID,Utterance_ID", *rows])
        (tmp_path / "meld" / f"{split}_sent_emo.csv").write_text(table, encoding="utf-8")
    return tmp_path


def test_what_a_precision_no_longer_tells_apart_it_loses_in_weighted_f1(data: Path) -> None:
    found = scores({EXACT: exact, "rounded": blind_to_joy}, data)

    assert found[EXACT] == {"emotion": 1.0, "sentiment": 1.0}
    # Of seven emotions five are right always, joy never, and of what is called anger half is.
    assert found["rounded"]["emotion"] == pytest.approx((5 + 2 / 3) / 7)
    # Of 14 lines 8 are negative and 4 positive; 10 are now called negative, and half of the positive ones are found.
    assert found["rounded"]["sentiment"] == pytest.approx((8 * 16 / 18 + 4 * 2 / 3 + 2) / 14)


def test_without_the_set_there_are_no_scores(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match=r"train_sent_emo\.csv is missing"):
        scores({EXACT: exact}, tmp_path)
