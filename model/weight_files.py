"""Where the checkpoints of the hub profile lie. No torch here: that one is missing is said before the seconds that importing it takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model.errors import WeightsMissing
from model.profiles import HUB
from model.settings import Settings


def require_all(settings: Settings, folder: Path) -> None:
    """WeightsMissing names the first checkpoint that is not there."""
    find_whisper(folder, settings.whisper)
    find_emotion(folder, settings.emotion)
    find_sentiment(folder, settings.sentiment)


def find_whisper(folder: Path, name: str) -> Path:
    """Where a Whisper lies, by its path or by its name below `folder`; WeightsMissing."""
    return _find(folder, "VALENCE_MODEL_WHISPER", name, ("", ".safetensors", ".pt"))


def find_emotion(folder: Path, name: str) -> Path:
    """Where a classifier of emotions lies, by its path or by its name below `folder`; WeightsMissing."""
    return _find(folder, "VALENCE_MODEL_EMOTION", name)


def find_sentiment(folder: Path, name: str) -> Path:
    """The same for sentiments."""
    return _find(folder, "VALENCE_MODEL_SENTIMENT", name)


def _find(folder: Path, setting: str, value: str, suffixes: Sequence[str] = ("",)) -> Path:
    """A path of its own, or a name below the folder of the models; nothing is looked for on the network."""
    places = [folder / (value + suffix) for suffix in suffixes]
    for place in places:
        if place.exists():
            return place
    raise WeightsMissing(HUB, setting, value, places)
