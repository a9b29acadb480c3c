"""The way of one video through the model: media, speech segments, words, utterances, what is felt in each, the analysis.

A step a module: `media.decoding` reads the video once, `voice_segments` finds where somebody may be speaking, a `WordSource` writes down
what, `utterances` groups it, a `TextScorer` says what is felt in the words, and the `senses`, if there are any, in voice and face and in
all of it together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from media.decoded import Cue, Decoded
from media.decoding import decoding
from media.limits import Rejected
from media.pool import MediaPool
from media.ranges import Ranges
from model import captions
from model.errors import Abandoned, MediaRefused
from model.parts import Part, Parts
from model.senses import Block, Felt, Recorder, Senses, Span, WordsAlone
from model.utterances import into_utterances, text_of
from model.voice_segments import find_voice
from model.words import WordSource
from schemas.analysis import Analysis, Modality, ModelRef, Moment, NoUtterances, Scores, Utterance, Word
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
    #: Where its time goes, filled in while it is analysed.
    parts: Parts = field(default_factory=Parts)
    #: Set when nobody waits for the answer any more: the analysis then ends as Abandoned.
    gone: threading.Event = field(default_factory=threading.Event)


class Analyser(Protocol):
    """Whatever analyses videos, from any number of threads at the same time."""

    def analyse(self, video: Video) -> Analysis:
        """Analyse one video, in the calling thread; ModelError says whose fault it is when there is no analysis."""

    def close(self) -> None:
        """End what was started for it; videos in work fail."""


class TextScorer(Protocol):
    """A loaded model of what is felt in words; any number of threads may use one at the same time."""

    @property
    def refs(self) -> tuple[ModelRef, ...]:
        """Its weights."""

    @property
    def languages(self) -> tuple[str, ...]:
        """What it was trained on, as ISO 639-1."""

    @property
    def certain_from(self) -> float:
        """Below this probability the most probable emotion should not be relied on; 0 where nobody measured that."""

    def score_many(self, texts: Sequence[str]) -> list[Scores]:
        """What is felt in each of the texts, in their order."""


@dataclass(frozen=True)
class Said:
    """What was said in one video, before anything is read from it: utterances of at least one word, in order of time.

    `words_from` and `models` say who wrote it down; both are empty where there was nothing to listen to.
    """

    decoded: Decoded
    recorder: Recorder
    utterances: tuple[tuple[Word, ...], ...]
    words_from: str | None
    models: tuple[ModelRef, ...] = ()
    language: str | None = None


@dataclass(frozen=True)
class Pipeline:
    """The loaded models of a profile, as an Analyser."""

    profile: str
    media: MediaPool
    words: WordSource
    text: TextScorer
    senses: Senses = field(default_factory=WordsAlone)

    def analyse(self, video: Video) -> Analysis:
        """Analyse one video, in the calling thread.

        Raises MediaRefused where the media is at fault, Abandoned, the source's own errors, and what the recogniser raises.
        """
        started = time.monotonic()
        try:
            with video.parts.during(Part.DECODE):
                info = self.media.probe_blocking(video.source)
            said = self._read_captions(video, info) or self._listen(video)
            utterances = self._feel(said, video.parts)
            with video.parts.during(Part.SENSES):
                moments = () if utterances else self.senses.moments(said.recorder)
            return self._answer(said, utterances, moments, started)
        except Rejected as rejected:
            raise MediaRefused(rejected.code, rejected.message) from rejected

    def close(self) -> None:
        """End the processes; videos in work fail."""
        self.media.close()
        self.words.close()

    def _read_captions(self, video: Video, info: MediaInfo) -> Said | None:
        """The words of captions, if they were asked for and there are any: the sidecar's before the track's."""
        cues = video.sidecar() if video.options.captions else ()
        if not cues and not (video.options.captions and info.has_captions):
            return None
        recorder = self.senses.record()
        with decoding(self.media, video.source, captions=True, pictures=video.parts.watching(recorder.watcher)) as sound:
            for _ in _heard(sound, recorder, video):  # decoded all the same: its length counts, and its limits hold
                pass
            utterances = tuple(captions.into_utterances(cues or sound.decoded.cues))
        if not utterances:
            return None
        return Said(captions.compared(sound.decoded, utterances), recorder, utterances, CAPTIONS)

    def _listen(self, video: Video) -> Said:
        recorder = self.senses.record()
        with decoding(self.media, video.source, pictures=video.parts.watching(recorder.watcher)) as sound:
            voice = video.parts.each(Part.VOICE_ACTIVITY, find_voice(_heard(sound, recorder, video)))
            with video.parts.during(Part.WORDS):
                transcript = self.words.transcribe(recorder.voiced(voice))
        if not sound.decoded.has_sound:
            return Said(sound.decoded, recorder, (), None)
        utterances = tuple(into_utterances(transcript.words))
        return Said(sound.decoded, recorder, utterances, self.words.name, (self.words.ref,), transcript.language)

    def _feel(self, said: Said, parts: Parts) -> tuple[Utterance, ...]:
        texts = [text_of(words, said.language) for words in said.utterances]
        with parts.during(Part.TEXT):
            scores = self.text.score_many(texts)
        said_alone = zip(said.utterances, texts, scores, strict=True)
        spans = [Span(words[0].start, words[-1].end, text, alone) for words, text, alone in said_alone]
        with parts.during(Part.SENSES):
            felt = self.senses.feel(said.recorder, spans)
        return tuple(map(_utterance, said.utterances, texts, felt, map(self._certain_from, felt)))

    def _certain_from(self, felt: Felt) -> float:
        """The threshold of whoever gave the answer: what voice and face add is not what the text model's was measured on."""
        return self.text.certain_from if set(felt.modalities) == {Modality.TEXT} else self.senses.certain_from

    def _answer(self, said: Said, utterances: tuple[Utterance, ...], moments: tuple[Moment, ...], started: float) -> Analysis:
        reason = None
        if not utterances:
            reason = NoUtterances.NO_SPEECH if said.decoded.has_sound else NoUtterances.NO_AUDIO
        used = {modality for one in utterances for modality in one.modalities}
        used |= {modality for one in moments for modality in one.modalities}
        return Analysis(
            profile=self.profile,
            media_seconds=said.decoded.sound_seconds,
            compute_seconds=round(time.monotonic() - started, 3),
            models=said.models + (self.text.refs if utterances else ()) + (self.senses.refs if utterances or moments else ()),
            modalities=tuple(modality for modality in Modality if modality in used),
            words_from=said.words_from,
            language=said.language,
            text_languages=self.text.languages if utterances else (),
            language_supported=said.language in self.text.languages if utterances and said.language else None,
            reason=reason,
            utterances=utterances,
            moments=moments,
            gaps=said.decoded.gaps,
        )


def _heard(sound: Iterable[Block], recorder: Recorder, video: Video) -> Iterator[Block]:
    for block in video.parts.each(Part.SENSES, recorder.heard(video.parts.each(Part.DECODE, sound))):
        if video.gone.is_set():
            raise Abandoned
        yield block


def _utterance(words: Sequence[Word], text: str, felt: Felt, certain_from: float) -> Utterance:
    return Utterance(
        start=words[0].start,
        end=words[-1].end,
        text=text,
        words=tuple(words),
        scores=felt.scores,
        modalities=felt.modalities,
        agreement=felt.agreement,
        uncertain=getattr(felt.scores.emotions, felt.scores.emotion) < certain_from,
    )
