"""A data set in MELD's form: a table a split, and a folder a split with one short video an utterance."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.training.fusion.errors import DatasetInvalid
from schemas.analysis import EMOTIONS, SENTIMENTS

#: Each split's folder of videos, named as in MELD's archive; it may lie one or two folders deep.
VIDEO_FOLDERS = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}
SPLITS = tuple(VIDEO_FOLDERS)
_COLUMNS = ("Utterance", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")
#: MELD's tables hold Windows-1252 punctuation that was read as Latin-1.
_MISREAD = str.maketrans({chr(code): bytes([code]).decode("cp1252") for code in (0x85, 0x91, 0x92, 0x93, 0x94, 0x96, 0x97)})


@dataclass(frozen=True)
class Sample:
    """One labelled utterance: `emotion` and `sentiment` are indices; `video` is where its clip should lie, None without videos."""

    dialogue: str
    number: str
    text: str
    emotion: int
    sentiment: int
    video: Path | None

    @property
    def name(self) -> str:
        """As MELD names the clip."""
        return f"dia{self.dialogue}_utt{self.number}"


def read_split(folder: Path, split: str, *, videos: bool) -> list[Sample]:
    """The samples of one split, in the table's order. Raises DatasetInvalid, which names the file, the line and what was expected."""
    table = folder / f"{split}_sent_emo.csv"
    clips = _video_folder(folder, split) if videos else None
    try:
        with table.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [column for column in _COLUMNS if column not in (reader.fieldnames or ())]:
                raise DatasetInvalid(f"{table} has no column {missing[0]!r}; MELD's form needs {', '.join(_COLUMNS)}")
            samples = [_sample(row, clips, f"{table}, line {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetInvalid(f"{table} cannot be read: {error}; a data set in MELD's form has {{train,dev,test}}_sent_emo.csv") from error
    if not samples:
        raise DatasetInvalid(f"{table} has no rows")
    return samples


def _sample(row: dict[str, str], clips: Path | None, where: str) -> Sample:
    if any(row[column] is None for column in _COLUMNS):
        raise DatasetInvalid(f"{where}: the row is too short")
    dialogue, number = row["Dialogue_ID"].strip(), row["Utterance_ID"].strip()
    if not (dialogue.isalnum() and number.isalnum()):
        raise DatasetInvalid(f"{where}: {dialogue!r} and {number!r} are no ids of a dialogue and an utterance")
    return Sample(
        dialogue=dialogue,
        number=number,
        text=row["Utterance"].translate(_MISREAD),
        emotion=_index(row["Emotion"], EMOTIONS, where),
        sentiment=_index(row["Sentiment"], SENTIMENTS, where),
        video=clips / f"dia{dialogue}_utt{number}.mp4" if clips is not None else None,
    )


def _index(name: str, names: Sequence[str], where: str) -> int:
    try:
        return names.index(name.strip().lower())
    except ValueError:
        raise DatasetInvalid(f"{where}: {name!r} is none of {', '.join(names)}") from None


def _video_folder(folder: Path, split: str) -> Path:
    wanted = VIDEO_FOLDERS[split]
    for pattern in (wanted, f"*/{wanted}", f"*/*/{wanted}"):
        if found := next((path for path in sorted(folder.glob(pattern)) if path.is_dir()), None):
            return found
    raise DatasetInvalid(
        f"{folder} has no folder {wanted} with the videos of {split!r}; unpack MELD.Raw there, or train without them: --modalities text"
    )


def fingerprint(folder: Path) -> str:
    """A hash of the tables: the same for the same labels and words."""
    digest = hashlib.sha256()
    for split in SPLITS:
        digest.update((folder / f"{split}_sent_emo.csv").read_bytes())
    return digest.hexdigest()
