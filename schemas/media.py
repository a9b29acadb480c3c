"""What is known of a media file after looking at it."""

from __future__ import annotations

import msgspec


class VideoInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The picture track: codec name, width and height in pixels, frames a second (None where the file does not say)."""

    codec: str
    width: int
    height: int
    frame_rate: float | None = None


class AudioInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The sound track: codec name, samples a second, channels."""

    codec: str
    sample_rate: int
    channels: int


class MediaInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A container and the tracks that decode: at least one of `video` and `audio` is there.

    `duration_seconds` is what the container claims, None where it claims nothing; limits are enforced on what is decoded.
    """

    container: str
    bytes: int
    duration_seconds: float | None = None
    video: VideoInfo | None = None
    audio: AudioInfo | None = None
    has_captions: bool = False
