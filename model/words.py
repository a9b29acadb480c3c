"""The step from stretches of voice to words: what every recogniser gives, whichever it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from model.voice_segments import VoiceSegment
from schemas.analysis import ModelRef, Word


@dataclass(frozen=True)
class Transcript:
    """What was said in one video: words in order of time, and their language as ISO 639-1, None where nobody knows it."""

    words: tuple[Word, ...]
    language: str | None = None


class WordSource(Protocol):
    """A loaded recogniser; any number of threads may use one at the same time."""

    @property
    def name(self) -> str:
        """What an analysis says its words come from."""

    @property
    def ref(self) -> ModelRef:
        """Its weights."""

    def transcribe(self, segments: Iterable[VoiceSegment]) -> Transcript:
        """Turn stretches of voice, taken one after another as the video is decoded, into words with their times.

        Raises ModelError when it cannot; what taking a segment raises comes through.
        """

    def close(self) -> None:
        """End what was started for it; videos that are listened to fail."""
