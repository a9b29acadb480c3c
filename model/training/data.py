"""The data sets that the text model is made and judged with: MELD and GoEmotions, read from a folder of yours."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from schemas.analysis import EMOTIONS, SENTIMENTS

#: The variable that names the folder with `meld/` and `goemotions/`. It has no default: the sets are not ours to ship.
DATA_VARIABLE = "VALENCE_DATA_DIR"
WHERE_PUBLISHED = (
    "MELD: github.com/declare-lab/MELD, data/MELD/{train,dev,test}_sent_emo.csv into meld/ (GPL-3.0); "
    "GoEmotions in Ekman's groups: github.com/monologg/GoEmotions-pytorch, data/ekman/{train.tsv,labels.txt} as "
    "goemotions/data_ekman_train.tsv and goemotions/data_ekman_labels.txt (data by Google, CC BY 4.0)"
)

#: The sentiment that each emotion of GoEmotions implies; surprise leans either way and teaches no sentiment.
_SENTIMENT_OF = {
    "anger": "negative",
    "disgust": "negative",
    "fear": "negative",
    "joy": "positive",
    "neutral": "neutral",
    "sadness": "negative",
}
#: MELD's files hold Windows-1252 punctuation that was read as Latin-1.
_MISREAD = str.maketrans({chr(code): bytes([code]).decode("cp1252") for code in (0x85, 0x91, 0x92, 0x93, 0x94, 0x96, 0x97)})

#: A label that the example does not have.
UNLABELLED = -1


class DataMissing(Exception):
    """The data sets are not where they are needed; the message says where they are published."""


@dataclass(frozen=True)
class Examples:
    """Texts with the index of their emotion and of their sentiment (`UNLABELLED` where there is none)."""

    texts: Sequence[str]
    emotions: npt.NDArray[np.int64]
    sentiments: npt.NDArray[np.int64]


def data_folder() -> Path:
    """The folder that `VALENCE_DATA_DIR` names; DataMissing where it names none."""
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        raise DataMissing(f"{DATA_VARIABLE} is not set: name the folder that holds the data sets. {WHERE_PUBLISHED}")
    return Path(named)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise DataMissing(f"{path} is missing. {WHERE_PUBLISHED}")
    return path


def read_meld(folder: Path, split: str) -> Examples:
    """One official split of MELD (`train`, `dev` or `test`)."""
    with _existing(folder / "meld" / f"{split}_sent_emo.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return Examples(
        texts=[row["Utterance"].translate(_MISREAD) for row in rows],
        emotions=np.array([EMOTIONS.index(row["Emotion"]) for row in rows]),
        sentiments=np.array([SENTIMENTS.index(row["Sentiment"]) for row in rows]),
    )


def read_goemotions(folder: Path) -> Examples:
    """The training split of GoEmotions in Ekman's groups, comments with exactly one label."""
    names = _existing(folder / "goemotions" / "data_ekman_labels.txt").read_text(encoding="utf-8").split()
    texts, emotions, sentiments = [], [], []
    for line in _existing(folder / "goemotions" / "data_ekman_train.tsv").read_text(encoding="utf-8").split("\n"):
        if not line:
            continue
        text, labels, _ = line.split("\t")
        if "," in labels:
            continue
        emotion = names[int(labels)]
        texts.append(text)
        emotions.append(EMOTIONS.index(emotion))
        sentiment = _SENTIMENT_OF.get(emotion)
        sentiments.append(UNLABELLED if sentiment is None else SENTIMENTS.index(sentiment))
    return Examples(texts, np.array(emotions), np.array(sentiments))
