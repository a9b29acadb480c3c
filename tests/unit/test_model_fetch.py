"""`valence model fetch`: what it gets, what it leaves alone, and what it leaves behind when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest
import whisper

from model.errors import FetchFailed, WeightsRefused
from model.fetch import fetch
from model.profiles import HUB, load_models
from model.settings import Settings
from tests.command_line import valence
from tests.tiny_checkpoints import scripted_whisper, write_emotion, write_sentiment


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the hub for this test: names of classifiers are found in it, and there is a Whisper is published as tiny-script."""
    hub = tmp_path / "hub"
    hub.mkdir()
    monkeypatch.chdir(hub)
    monkeypatch.setattr(whisper, "available_models", lambda: ["tiny-script"])
    monkeypatch.setattr(whisper, "load_model", lambda name, device: scripted_whisper())
    return hub


def _settings(hub: Path) -> Settings:
    return Settings(profile=HUB, whisper="tiny-script", emotion=write_emotion(hub), sentiment=write_sentiment(hub))


def test_what_was_fetched_loads_and_is_not_fetched_again(published: Path, tmp_path: Path) -> None:
    settings, folder = _settings(published), tmp_path / "models"

    first, again = list(fetch(settings, folder)), list(fetch(settings, folder))

    assert [line.split()[0] for line in first[:3]] == ["got", "got", "got"]
    assert [line.endswith("is there") for line in again[:3]] == [True, True, True]
    assert {file.suffix for file in folder.rglob("*.safetensors")} == {".safetensors"}
    assert load_models(settings, folder).words.name == "whisper"


def test_a_name_that_nobody_published_is_said_and_leaves_nothing_behind(published: Path, tmp_path: Path) -> None:
    settings, folder = _settings(published), tmp_path / "models"
    wrong = Settings(profile=HUB, whisper="enormous", emotion=settings.emotion, sentiment=settings.sentiment)

    with pytest.raises(FetchFailed, match=r"enormous cannot be fetched \(published are tiny-script"):
        list(fetch(wrong, folder))
    assert list(folder.rglob("*")) == []


def test_a_checkpoint_with_other_labels_is_fetched_and_then_refused(published: Path, tmp_path: Path) -> None:
    settings = _settings(published)
    swapped = Settings(profile=HUB, whisper="tiny-script", emotion=settings.sentiment, sentiment=settings.emotion)

    with pytest.raises(WeightsRefused, match="expected were anger"):
        list(fetch(swapped, tmp_path / "models"))


def test_the_command_says_that_the_bundled_profile_needs_nothing(tmp_path: Path) -> None:
    done = valence(tmp_path, "model", "fetch", VALENCE_MODEL_PROFILE="bundled")

    assert done.returncode == 1
    assert "only 'hub' needs fetching" in done.stderr


def test_the_command_tells_a_path_that_is_not_there_from_a_name(tmp_path: Path) -> None:
    done = valence(tmp_path, "model", "fetch", "--into", str(tmp_path / "models"), VALENCE_MODEL_WHISPER="/nowhere/small.pt")

    assert done.returncode == 1
    assert "/nowhere/small.pt is a path and nothing is there" in done.stderr
