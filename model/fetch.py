"""Getting the weights of the hub profile from where they are published, as safetensors, once and before the container starts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from model.errors import FetchFailed, ProfileUnavailable, WeightsMissing
from model.profiles import HUB, load_models
from model.settings import Settings
from model.weight_files import find_whisper


def fetch(settings: Settings, folder: Path) -> Iterator[str]:
    """Put each checkpoint that the settings name into the folder, unless it is there, and yield what was done; then load all of them.

    Pickled weights are opened by readers that run nothing in them, and written as safetensors: the container opens nothing else.
    Raises FetchFailed, ProfileUnavailable where its packages are not installed, and what loading the profile raises.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield f"{find_whisper(folder, settings.whisper)} is there"
    except WeightsMissing:
        yield f"got {_put(folder / f'{settings.whisper}.safetensors', settings.whisper, _fetch_whisper)}"
    for name in (settings.emotion, settings.sentiment):
        target = folder / name
        yield f"{target} is there" if target.exists() else f"got {_put(target, name, _fetch_classifier)}"
    load_models(settings, folder)
    yield f"the profile {HUB!r} loads from {folder}"


def _put(target: Path, name: str, get: Callable[[str, Path], None]) -> Path:
    """Have a checkpoint made beside its place and moved there when it is whole."""
    if Path(name).is_absolute():
        raise FetchFailed(f"{name} is a path and nothing is there: put the checkpoint there, or set a name that is published")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".fetching-", dir=target.parent))
    try:
        get(name, beside / "made")
        (beside / "made").rename(target)
    except ImportError as error:
        raise ProfileUnavailable(f"the profile {HUB!r} needs more packages ({error}): install valence[hub]") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise FetchFailed(f"{name} cannot be fetched ({error}): check its name and the network, and try again") from error
    finally:
        shutil.rmtree(beside)
    return target


# Each library is imported only where something is fetched by it: what cannot be fetched is said without its seconds.


def _fetch_whisper(name: str, target: Path) -> None:
    import whisper

    from model.whisper_checkpoint import save_whisper

    if name not in whisper.available_models():
        raise ValueError(f"published are {', '.join(whisper.available_models())}")
    save_whisper(target, whisper.load_model(name, device="cpu"))


def _fetch_classifier(name: str, target: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    AutoModelForSequenceClassification.from_pretrained(name).save_pretrained(target)
    AutoTokenizer.from_pretrained(name).save_pretrained(target)
