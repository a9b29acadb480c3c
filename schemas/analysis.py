"""The analysis document: what the model found in one video, as the API serves it and PostgreSQL stores it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, get_args

import msgspec

Emotion = Literal["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"]
Sentiment = Literal["negative", "neutral", "positive"]
#: The order of every vector of emotion probabilities.
EMOTIONS: tuple[Emotion, ...] = get_args(Emotion)
#: The order of every vector of sentiment probabilities.
SENTIMENTS: tuple[Sentiment, ...] = get_args(Sentiment)

Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class EmotionScores(msgspec.Struct, frozen=True, kw_only=True):
    """Calibrated probabilities of the seven emotions; they sum to 1."""

    anger: Probability
    disgust: Probability
    fear: Probability
    joy: Probability
    neutral: Probability
    sadness: Probability
    surprise: Probability


class SentimentScores(msgspec.Struct, frozen=True, kw_only=True):
    """Calibrated probabilities of the three sentiments; they sum to 1."""

    negative: Probability
    neutral: Probability
    positive: Probability


class Modality(StrEnum):
    """A channel that feeling is read from."""

    TEXT = "text"
    VOICE = "voice"
    FACE = "face"


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """What one modality, or all of them fused, says of an utterance."""

    emotions: EmotionScores
    sentiments: SentimentScores

    @property
    def emotion(self) -> str:
        """The most probable emotion."""
        return max(EMOTIONS, key=lambda name: getattr(self.emotions, name))

    @property
    def sentiment(self) -> str:
        """The most probable sentiment."""
        return max(SENTIMENTS, key=lambda name: getattr(self.sentiments, name))


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A word with its start and end in seconds of the video, and the recogniser's confidence where it gives one."""

    text: str
    start: Seconds
    end: Seconds
    confidence: Probability | None = None


class Utterance(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of speech: start and end in seconds, words, and what is felt in it.

    `scores` are the answer; `modalities` are what each modality alone says, for those that were used. `agreement` is how much they
    agree about the emotion, 1 where they say the same and 0 where they exclude each other; None where only one was used. `uncertain`
    is true where the most probable emotion is so improbable that the model should not be relied on: its card says how often it is right
    above and below. The threshold is that of what gave the answer: the fusion's where voice or face were used, else the text model's. A
    model of which nobody measured that never says so.
    """

    start: Seconds
    end: Seconds
    text: str
    words: tuple[Word, ...]
    scores: Scores
    modalities: dict[Modality, Scores] = {}
    agreement: Probability | None = None
    uncertain: bool = False


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a video in which no word was understood: start and end in seconds, and what its voices and faces show.

    As of an utterance: `scores` are the answer, `modalities` what each alone says, `agreement` how much they agree.
    """

    start: Seconds
    end: Seconds
    scores: Scores
    modalities: dict[Modality, Scores]
    agreement: Probability | None = None


class ModelRef(msgspec.Struct, frozen=True, kw_only=True):
    """A model that made a part of the answer: its role, its name, and the SHA-256 of its weights in hex."""

    role: str
    name: str
    sha256: str


class NoUtterances(StrEnum):
    """Why a completed analysis has no utterances."""

    NO_AUDIO = "no_audio"
    NO_SPEECH = "no_speech"


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch that could not be read: from `start` seconds, to `end` or the end of the file where None, and why."""

    start: Seconds
    end: Seconds | None = None
    reason: str


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """Every utterance of one video with what is felt in it, and which models say so.

    Times are seconds from the start of the video. `words_from` is `captions` or the recogniser's name, None without sound.
    `reason` says why there are no utterances, where there are none; then `moments` are the stretches in which a face is seen or a voice
    heard all the same, if a model for them is loaded. `media_seconds` is what was decoded, `compute_seconds` what
    the work took.

    Languages are ISO 639-1. `text_languages` are those that the text model was trained on; where `language_supported` is false, its scores
    for this transcript mean little. It is None where nobody knows the language, as with captions.
    """

    profile: str
    media_seconds: Seconds
    compute_seconds: Seconds
    models: tuple[ModelRef, ...]
    modalities: tuple[Modality, ...]
    words_from: str | None = None
    language: str | None = None
    text_languages: tuple[str, ...] = ()
    language_supported: bool | None = None
    reason: NoUtterances | None = None
    utterances: tuple[Utterance, ...] = ()
    moments: tuple[Moment, ...] = ()
    gaps: tuple[Gap, ...] = ()
