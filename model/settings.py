"""The container's settings, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from media.limits import MediaLimits
from model.errors import SettingsInvalid
from model.profiles import default_folder

_PREFIX = "VALENCE_MODEL_"
_LIMITS_PREFIX = "VALENCE_LIMITS_"

Count = Annotated[int, msgspec.Meta(ge=1)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
T = TypeVar("T", bound=msgspec.Struct)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`VALENCE_MODEL_*`. The profile has no default: which models judge people is never decided by silence."""

    profile: str
    #: The folder that holds the weights, in the container of SageMaker /opt/ml/model. By itself what the repository carries, and for
    #: `hub` where `valence model fetch` puts them.
    folder: str | None = None
    #: Of `hub`: the names of checkpoints below the folder, or their paths.
    whisper: str = "small"
    emotion: str = "j-hartmann/emotion-english-distilroberta-base"
    sentiment: str = "lxyuan/distilbert-base-multilingual-cased-sentiments-student"
    #: Of `hub`: the languages that both text checkpoints were trained on, as ISO 639-1 with commas between.
    text_languages: str = "en"
    #: The folder of a fusion that `valence model train` wrote; without it the words alone decide.
    fusion: str | None = None
    #: 127.0.0.1 by itself; a container sets 0.0.0.0 to be reached.
    host: str = "127.0.0.1"
    port: Port = 8080
    #: Videos analysed at the same time; more wait their turn.
    concurrent_videos: Count = 2
    #: Processes that listen, shared by all videos; each takes some 160 MB.
    recogniser_processes: Count = 2
    #: Threads of the text model.
    text_threads: Count = 1
    #: The largest video that is accepted as the body of a request. It is kept in a temporary file, not in memory.
    body_bytes: Count = 1024**3
    #: How long after SIGTERM videos in work may take to end; SageMaker kills after 30 s.
    drain_seconds: Seconds = 15.0

    @property
    def weights_folder(self) -> Path:
        """Where the weights of the profile lie."""
        return Path(self.folder) if self.folder is not None else default_folder(self.profile)

    @property
    def languages(self) -> tuple[str, ...]:
        """`text_languages`, one by one."""
        return tuple(filter(None, map(str.strip, self.text_languages.split(","))))


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`VALENCE_LIMITS_*`: what is accepted, by the same names as in the rest of Valence."""

    upload_bytes: Count = MediaLimits().bytes
    sound_seconds: Seconds = MediaLimits().sound_seconds
    width: Count = MediaLimits().width
    height: Count = MediaLimits().height

    def media(self) -> MediaLimits:
        """The same as the limits of opening media."""
        return MediaLimits(bytes=self.upload_bytes, sound_seconds=self.sound_seconds, width=self.width, height=self.height)


def _read(kind: type[T], prefix: str, environment: Mapping[str, str]) -> T:
    names = {field.name: prefix + field.name.upper() for field in msgspec.structs.fields(kind)}
    given = {field: environment[variable] for field, variable in names.items() if variable in environment}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(f"the settings {prefix}* are not valid: {error}") from error


def read_settings(environment: Mapping[str, str]) -> tuple[Settings, Limits]:
    """The settings and limits that the environment gives; SettingsInvalid names the one that is wrong."""
    if not environment.get(_PREFIX + "PROFILE"):
        raise SettingsInvalid(f"{_PREFIX}PROFILE is not set: say which models to run, {_PREFIX}PROFILE=bundled works without a network")
    return _read(Settings, _PREFIX, environment), _read(Limits, _LIMITS_PREFIX, environment)
