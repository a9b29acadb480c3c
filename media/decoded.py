"""What decoding a file gives, as it travels from a child to its parent."""

from __future__ import annotations

import msgspec

from schemas.analysis import Gap

#: Samples a second of decoded sound: what recognisers take.
SAMPLE_RATE = 16_000


class Cue(msgspec.Struct, frozen=True, kw_only=True):
    """A caption: its start and end in seconds of the video, and its text, which is the uploader's and must be escaped."""

    start: float
    end: float
    text: str


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """What came out of a file: seconds of sound (silence in holes included), captions where asked for, and what could not be read."""

    has_sound: bool
    sound_seconds: float
    cues: tuple[Cue, ...] = ()
    gaps: tuple[Gap, ...] = ()
