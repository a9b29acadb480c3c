"""The data sets that the text model is made and judged with: MELD and GoEmotions, read from a folder of yours."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from model.text_tokens import UTTERANCES_BEFORE
from schemas.analysis import EMOTIONS, SENTIMENTS

#: The variable that names the folder with `meld/` and `goemotions/`. It has no default: the sets are not ours to ship.
DATA_VARIABLE = "VALENCE_DATA_DIR"
WHERE_PUBLISHED = (
    "MELD: github.com/declare-lab/MELD, data/MELD/{train,dev,test}_sent_emo.csv into meld/ (GPL-3.0); "
    "GoEmotions: github.com/monologg/GoEmotions-pytorch, data/{ekman,original}/{train.tsv,labels.txt} as "
    "goemotions/data_{ekman,original}_{train.tsv,labels.txt} (data by Google, CC BY 4.0)"
)

#: How many labels GoEmotions has before they are grouped.
COMMENT_LABELS = 28
#: The sentiment that a label of GoEmotions implies; confusion, curiosity, realization and surprise lean either way.
_LEANINGS = {
    "positive": "admiration amusement approval caring desire excitement gratitude joy love optimism pride relief",
    "negative": "anger annoyance disappointment disapproval disgust embarrassment fear grief nervousness remorse sadness",
    "neutral": "neutral",
}
_LEANING = {label: leaning for leaning, labels in _LEANINGS.items() for label in labels.split()}
#: MELD's files hold Windows-1252 punctuation that was read as Latin-1.
_MISREAD = str.maketrans({chr(code): bytes([code]).decode("cp1252") for code in (0x85, 0x91, 0x92, 0x93, 0x94, 0x96, 0x97)})


#: What a file in MELD's form must have; more columns do no harm.
COLUMNS = ("Utterance", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")


class DataError(Exception):
    """A data set cannot be used; the message says why, and what to do."""


class DataMissing(DataError):
    """The data sets are not where they are needed; the message says where they are published."""


class DataInvalid(DataError):
    """A file is not in MELD's form; the message names the file and the row."""


@dataclass(frozen=True)
class Line:
    """An utterance of a dialogue: what was said before it, the latest last, and the indices of its emotion and its sentiment."""

    text: str
    before: tuple[str, ...]
    emotion: int
    sentiment: int


@dataclass(frozen=True)
class Comment:
    """A comment of GoEmotions: its labels, their groups, and the index of the sentiment on which they agree, if they do."""

    text: str
    labels: tuple[int, ...]
    groups: tuple[int, ...]
    leaning: int | None


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


def read_meld(folder: Path, split: str) -> list[Line]:
    """One official split of MELD (`train`, `dev` or `test`)."""
    return read_lines(_existing(folder / "meld" / f"{split}_sent_emo.csv"))


def read_lines(path: Path) -> list[Line]:
    """A file in MELD's form, in its order; DataInvalid where it is not."""
    rows = list(_rows(path))
    if not rows:
        raise _invalid(path, "it has no utterances")
    dialogues: dict[str, list[tuple[int, str]]] = {}
    for row in rows:
        dialogues.setdefault(row.dialogue, []).append((row.number, row.text))
    for dialogue in dialogues.values():
        dialogue.sort()
    lines = []
    for row in rows:
        before = [text for number, text in dialogues[row.dialogue] if number < row.number]
        lines.append(Line(row.text, tuple(before[-UTTERANCES_BEFORE:]), row.emotion, row.sentiment))
    return lines


class _Row(NamedTuple):
    text: str
    emotion: int
    sentiment: int
    dialogue: str
    number: int


def _rows(path: Path) -> Iterator[_Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=1):
                yield _row(number, row)
    except OSError as error:
        raise DataMissing(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, csv.Error) as error:
        raise _invalid(path, str(error)) from error


def _invalid(path: Path, reason: str) -> DataInvalid:
    columns, last = ", ".join(COLUMNS[:-1]), COLUMNS[-1]
    labels = f"emotions are {', '.join(EMOTIONS)}, sentiments {', '.join(SENTIMENTS)}"
    return DataInvalid(f"{path} is not in MELD's form: {reason}; it must be a csv file with the columns {columns} and {last}; {labels}")


def _row(number: int, row: dict[str, str]) -> _Row:
    if missing := [name for name in COLUMNS if row.get(name) is None]:
        raise ValueError(f"row {number} is without {', '.join(missing)}")
    emotion, sentiment = row["Emotion"].strip().lower(), row["Sentiment"].strip().lower()
    if emotion not in EMOTIONS or sentiment not in SENTIMENTS or not row["Utterance_ID"].strip().isdecimal():
        raise ValueError(
            f"row {number} has the emotion {emotion!r}, the sentiment {sentiment!r} and the Utterance_ID {row['Utterance_ID']!r}"
        )
    text = row["Utterance"].translate(_MISREAD)
    return _Row(text, EMOTIONS.index(emotion), SENTIMENTS.index(sentiment), row["Dialogue_ID"], int(row["Utterance_ID"]))


def read_goemotions(folder: Path) -> list[Comment]:
    """The training split of GoEmotions, with its 28 labels and with Ekman's groups."""
    groups, grouped = _labelled(folder / "goemotions", "ekman")
    labels, labelled = _labelled(folder / "goemotions", "original")
    finer = {comment: numbers for _, numbers, comment in labelled}
    comments = []
    for text, numbers, comment in grouped:
        names = [labels[number] for number in finer[comment]]
        leanings = {_LEANING[name] for name in names if name in _LEANING}
        comments.append(
            Comment(
                text=text,
                labels=finer[comment],
                groups=tuple(EMOTIONS.index(groups[number]) for number in numbers),
                leaning=SENTIMENTS.index(leanings.pop()) if len(leanings) == 1 else None,
            )
        )
    return comments


def _labelled(folder: Path, form: str) -> tuple[list[str], Iterator[tuple[str, tuple[int, ...], str]]]:
    names = _existing(folder / f"data_{form}_labels.txt").read_text(encoding="utf-8").split()
    lines = _existing(folder / f"data_{form}_train.tsv").read_text(encoding="utf-8").split("\n")
    rows = (line.split("\t") for line in lines if line)
    return names, ((text, tuple(int(number) for number in numbers.split(",")), comment) for text, numbers, comment in rows)
