"""Which models the container runs: a profile is named explicitly and never replaced by another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import ProfileUnavailable

if TYPE_CHECKING:
    from model.pipeline import TextScorer
    from model.senses import Senses
    from model.settings import Settings
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
    """Raise ProfileUnavailable unless this version can load the profile."""
    if profile == HUB:
        raise ProfileUnavailable(
            "the profile 'hub' (Whisper, RoBERTa, DistilBERT) is not in this version of Valence: set VALENCE_MODEL_PROFILE=bundled"
        )
    if profile != BUNDLED:
        raise ProfileUnavailable(f"VALENCE_MODEL_PROFILE is {profile!r}, which is no profile: set it to 'bundled'")


def load_models(settings: Settings, folder: Path) -> Models:
    """Load the profile of the settings, with the weights of `folder`; ProfileUnavailable, WeightsUnreadable."""
    require_available(settings.profile)
    # Each profile's libraries are imported only where it runs: `bundled` works without torch, `hub` without pocketsphinx.
    from model import text
    from model.words_by_sphinx import Sphinx

    weights, senses = text.load(folder), _senses(settings)
    words = Sphinx(settings.recogniser_processes)
    words.warm_up()
    return Models(words, weights, senses)


def _senses(settings: Settings) -> Senses:
    """The fusion that the settings name. It reads the words by the repository's own text model, whatever the profile's is."""
    from model import text
    from model.senses import WordsAlone

    if settings.fusion is None:
        return WordsAlone()
    try:
        from model.feelings import Fusion
    except ImportError as error:
        raise ProfileUnavailable(
            f"VALENCE_MODEL_FUSION is set, and {error.name} is not installed: `pip install valence[hub]` brings what voice and face need"
        ) from error
    return Fusion(Path(settings.fusion), text.load(BUNDLED_FOLDER))
