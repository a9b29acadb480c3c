"""The way of one video through the model: sound, words, utterances, what is felt in each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from media.decoded import Cue, Decoded
from media.decoding import decoding
from media.limits import Rejected
from media.pool import MediaPool
from media.ranges import Ranges
from model import captions
from model.errors import MediaRefused
from model.text import TextModel
from model.transcribe import LANGUAGE, RECOGNISER, Transcriber
from model.utterances import into_utterances
from model.voice_segments import find_voice
from schemas.analysis import Analysis, Modality, NoUtterances, Utterance, Word
from schemas.jobs import AnalysisOptions
from schemas.media import MediaInfo

#: What an analysis says where the words come from captions.
CAPTIONS = "captions"


def no_sidecar() -> tuple[Cue, ...]:
    """Where there is no place beside the video."""
    return ()


@dataclass(frozen=True)
class Video:
    """A video to analyse: where to read it, what was asked for, and where captions beside it would be found."""

    source: Ranges
    options: AnalysisOptions = field(default_factory=AnalysisOptions)
    sidecar: Callable[[], tuple[Cue, ...]] = no_sidecar
    #: Whose video it is, for the log; a video that came as a body belongs to no upload.
    upload_id: str | None = None


class Analyser(Protocol):
    """Whatever analyses videos, from any number of threads at the same time."""

    def analyse(self, video: Video) -> Analysis:
        """Analyse one video, in the calling thread; ModelError says whose fault it is when there is no analysis."""

    def close(self) -> None:
        """End what was started for it; videos in work fail."""


@dataclass(frozen=True)
class Pipeline:
    """The loaded models of a profile, as an Analyser."""

    profile: str
    media: MediaPool
    transcriber: Transcriber
    text: TextModel

    def analyse(self, video: Video) -> Analysis:
        """Analyse one video, in the calling thread.

        Raises MediaRefused where the media is at fault, the source's own errors, and RecogniserDied.
        """
        started = time.monotonic()
        try:
            info = self.media.probe_blocking(video.source)
            return self._captioned(video, info, started) or self._listened(video, started)
        except Rejected as rejected:
            raise MediaRefused(rejected.code, rejected.message) from rejected

    def close(self) -> None:
        """End the processes; videos in work fail."""
        self.media.close()
        self.transcriber.close()

    def _captioned(self, video: Video, info: MediaInfo, started: float) -> Analysis | None:
        """By captions, if they were asked for and there are any: the sidecar's before the track's."""
        cues = video.sidecar() if video.options.captions else ()
        if not cues and not (video.options.captions and info.has_captions):
            return None
        with decoding(self.media, video.source, captions=True) as sound:
            for _ in sound:  # decoded all the same: its length counts, and its limits hold
                pass
            utterances = self._scored(captions.into_utterances(cues or sound.decoded.cues))
        return self._answer(sound.decoded, utterances, CAPTIONS, started) if utterances else None

    def _listened(self, video: Video, started: float) -> Analysis:
        with decoding(self.media, video.source) as sound:
            words = list(self.transcriber.transcribe(find_voice(sound)))
        return self._answer(sound.decoded, self._scored(into_utterances(words)), RECOGNISER, started)

    def _scored(self, spoken: Iterable[tuple[Word, ...]]) -> tuple[Utterance, ...]:
        said = list(spoken)
        texts = [" ".join(word.text for word in words) for words in said]
        return tuple(
            Utterance(start=words[0].start, end=words[-1].end, text=text, words=words, scores=scores, modalities={Modality.TEXT: scores})
            for words, text, scores in zip(said, texts, self.text.score_many(texts), strict=True)
        )

    def _answer(self, decoded: Decoded, utterances: tuple[Utterance, ...], words_from: str, started: float) -> Analysis:
        reason = None
        if not utterances:
            reason = NoUtterances.NO_SPEECH if decoded.has_sound else NoUtterances.NO_AUDIO
        listened = words_from == RECOGNISER and decoded.has_sound
        return Analysis(
            profile=self.profile,
            media_seconds=decoded.sound_seconds,
            compute_seconds=round(time.monotonic() - started, 3),
            models=((self.transcriber.ref,) if listened else ()) + ((self.text.ref,) if utterances else ()),
            modalities=(Modality.TEXT,) if utterances else (),
            words_from=words_from if utterances or listened else None,
            language=LANGUAGE if listened else None,
            reason=reason,
            utterances=utterances,
            gaps=decoded.gaps,
        )
