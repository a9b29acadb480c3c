"""Which models the container runs: a profile is named explicitly and never replaced by another."""

from __future__ import annotations

from pathlib import Path

from model.errors import ProfileUnavailable

#: Small weights that the repository carries: works without a network.
BUNDLED = "bundled"
HUB = "hub"
BUNDLED_FOLDER = Path(__file__).parent / "bundled"


def require_available(profile: str) -> None:
    """Raise ProfileUnavailable unless this version can load the profile."""
    if profile == HUB:
        raise ProfileUnavailable(
            "the profile 'hub' (Whisper, RoBERTa, DistilBERT) is not in this version of Valence: set VALENCE_MODEL_PROFILE=bundled"
        )
    if profile != BUNDLED:
        raise ProfileUnavailable(f"VALENCE_MODEL_PROFILE is {profile!r}, which is no profile: set it to 'bundled'")
