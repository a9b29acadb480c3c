"""Which models the container runs: a profile is named explicitly and never replaced by another."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import ProfileUnavailable

if TYPE_CHECKING:
    from model.pipeline import TextScorer
    from model.senses import Senses
    from model.settings import Settings
    from model.text import TextModel
    from model.words import WordSource

#: Small weights that the repository carries: works without a network.
BUNDLED = "bundled"
HUB = "hub"
BUNDLED_FOLDER = Path(__file__).parent / "bundled"


@dataclass(frozen=True)
class Models:
    """The loaded models of a profile, ready to work."""

    words: WordSource
    text: TextScorer
    senses: Senses


def require_available(profile: str) -> None:
    """Raise ProfileUnavailable for a name that is no profile."""
    if profile not in (BUNDLED, HUB):
        raise ProfileUnavailable(f"VALENCE_MODEL_PROFILE is {profile!r}, which is no profile: set it to {BUNDLED!r} or {HUB!r}")


def default_folder(profile: str) -> Path:
    """Where the weights of a profile lie unless something else is said."""
    if profile == BUNDLED:
        return BUNDLED_FOLDER
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "valence" / "models"


def load_models(settings: Settings, folder: Path) -> Models:
    """Load the profile of the settings, with the weights of `folder`; nothing is fetched, and nothing takes the place of what is missing.

    Raises ProfileUnavailable, WeightsUnreadable, WeightsMissing, WeightsRefused.
    """
    require_available(settings.profile)
    return _load_hub(settings, folder) if settings.profile == HUB else _load_bundled(settings, folder)


# Each profile's libraries are imported only where it runs: `bundled` works without torch, `hub` without pocketsphinx.


def _load_bundled(settings: Settings, folder: Path) -> Models:
    from model import text
    from model.words_by_sphinx import Sphinx

    weights = text.load(folder, settings.text_threads)
    senses = _senses(settings, lambda: weights)
    words = Sphinx(settings.recogniser_processes)
    words.warm_up()
    return Models(words, weights, senses)


def _senses(settings: Settings, encoder: Callable[[], TextModel]) -> Senses:
    """The fusion that the settings name, and the text model that it reads the words by."""
    from model.senses import WordsAlone

    if settings.fusion is None:
        return WordsAlone()
    try:
        from model.feelings import Fusion
    except ImportError as error:
        raise ProfileUnavailable(
            f"VALENCE_MODEL_FUSION is set, and {error.name} is not installed: `pip install valence[hub]` brings what voice and face need"
        ) from error
    return Fusion(Path(settings.fusion), encoder())


def _load_hub(settings: Settings, folder: Path) -> Models:
    from model.weight_files import require_all

    require_all(settings, folder)
    # Read when huggingface_hub is first imported: whatever a checkpoint says, loading it asks nobody.
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        from model import text, text_by_checkpoints, words_by_whisper
    except ImportError as error:
        raise ProfileUnavailable(f"the profile 'hub' needs more packages ({error}): install valence[hub]") from error

    scorer = text_by_checkpoints.load(folder, settings.emotion, settings.sentiment, settings.languages)
    # A fusion is trained on the repository's own text model, and reads the words by it here too.
    senses = _senses(settings, lambda: text.load(BUNDLED_FOLDER))
    return Models(words_by_whisper.load(folder, settings.whisper), scorer, senses)
