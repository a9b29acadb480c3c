"""The container's settings and profiles: explicit, and never replaced in silence."""

from __future__ import annotations

import pytest

from model.errors import ProfileUnavailable, SettingsInvalid
from model.profiles import require_available
from model.settings import read_settings


def test_a_profile_must_be_named() -> None:
    with pytest.raises(SettingsInvalid, match="VALENCE_MODEL_PROFILE=bundled"):
        read_settings({})


def test_settings_and_limits_are_read_from_the_environment() -> None:
    settings, limits = read_settings(
        {
            "VALENCE_MODEL_PROFILE": "bundled",
            "VALENCE_MODEL_PORT": "18080",
            "VALENCE_LIMITS_SOUND_SECONDS": "60",
            "VALENCE_LIMITS_WIDTH": "640",
        }
    )

    assert (settings.profile, settings.port) == ("bundled", 18080)
    assert (limits.media().sound_seconds, limits.media().width) == (60.0, 640)


@pytest.mark.parametrize(("name", "value"), [("VALENCE_MODEL_CONCURRENT_VIDEOS", "0"), ("VALENCE_MODEL_PORT", "http")])
def test_a_setting_that_cannot_be_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=name.rpartition("MODEL_")[2].lower()):
        read_settings({"VALENCE_MODEL_PROFILE": "bundled", name: value})


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ProfileUnavailable, match="'bundeled'"):
        require_available("bundeled")
