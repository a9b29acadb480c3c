"""What is felt in a text: seven emotion and three sentiment probabilities, from weights that the repository carries."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.errors import WeightsUnreadable
from model.text_features import SLOTS, features
from schemas.analysis import EMOTIONS, SENTIMENTS, EmotionScores, ModelRef, Scores, SentimentScores

#: The file in a model folder that holds the text model.
WEIGHTS_FILE = "text-ngrams.npz"

Floats = npt.NDArray[np.float32]


def softmax(logits: Floats) -> Floats:
    """Turn logits [classes] into probabilities."""
    exponents = np.exp((logits - logits.max()).astype(np.float64))
    return np.asarray(exponents / exponents.sum(), np.float32)


@dataclass(frozen=True)
class Head:
    """One linear classifier: `weights` [SLOTS, classes], `bias` [classes], and the temperature that calibrates it."""

    weights: Floats
    bias: Floats
    temperature: float

    def probabilities(self, numbers: npt.NDArray[np.int64], values: Floats) -> Floats:
        """Calibrated probabilities [classes] of one text's features."""
        logits = self.bias + values @ self.weights[numbers]
        return softmax(np.asarray(logits / self.temperature, np.float32))


@dataclass(frozen=True)
class TextModel:
    """Two heads over the same n-grams; `ref` names the weights and their hash."""

    ref: ModelRef
    emotion: Head
    sentiment: Head

    @property
    def refs(self) -> tuple[ModelRef, ...]:
        """The one model that reads both."""
        return (self.ref,)

    @property
    def languages(self) -> tuple[str, ...]:
        """What it was trained on."""
        return ("en",)

    def score_many(self, texts: Sequence[str]) -> list[Scores]:
        """What is felt in each utterance of a video, by its words alone; `texts` come in the order in which they were said."""
        emotions, sentiments = self.probabilities(texts)
        return [
            Scores(
                emotions=EmotionScores(**dict(zip(EMOTIONS, _rounded(emotion), strict=True))),
                sentiments=SentimentScores(**dict(zip(SENTIMENTS, _rounded(sentiment), strict=True))),
            )
            for emotion, sentiment in zip(emotions, sentiments, strict=True)
        ]

    def probabilities(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Emotion [texts, 7] and sentiment [texts, 3] probabilities of many texts."""
        vectors = [features(text) for text in texts]
        emotions = np.array([self.emotion.probabilities(*vector) for vector in vectors], np.float32)
        sentiments = np.array([self.sentiment.probabilities(*vector) for vector in vectors], np.float32)
        return emotions.reshape(-1, len(EMOTIONS)), sentiments.reshape(-1, len(SENTIMENTS))

    def embed(self, texts: Sequence[str]) -> Floats:
        """What a fusion with voice and face reads of each utterance: [texts, width], of any one width.

        Of n-grams, the log-probabilities of both heads; of an encoder, its pooled hidden state.
        """
        return np.asarray(np.log(np.concatenate(self.probabilities(texts), axis=1) + np.float32(1e-6)), np.float32)


def _rounded(probabilities: Floats) -> list[float]:
    # Six places are more than the weights know, and half the size of the document.
    return [round(float(probability), 6) for probability in probabilities]


def load(folder: Path) -> TextModel:
    """Read the text model of a model folder; WeightsUnreadable where it is missing or not what it should be."""
    path = folder / WEIGHTS_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsUnreadable(path, str(error)) from error
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            heads = {role: _head(arrays, role, len(names)) for role, names in (("emotion", EMOTIONS), ("sentiment", SENTIMENTS))}
            name = str(arrays["name"])
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsUnreadable(path, str(error)) from error
    ref = ModelRef(role="text", name=name, sha256=hashlib.sha256(content).hexdigest())
    return TextModel(ref=ref, emotion=heads["emotion"], sentiment=heads["sentiment"])


def _head(arrays: np.lib.npyio.NpzFile, role: str, classes: int) -> Head:
    weights = arrays[f"{role}_weights"]
    if weights.shape != (SLOTS, classes):
        raise ValueError(f"{role}_weights has the shape {weights.shape}, expected {(SLOTS, classes)}")
    return Head(weights.astype(np.float32), arrays[f"{role}_bias"].astype(np.float32), float(arrays[f"{role}_temperature"]))


def save(path: Path, name: str, emotion: Head, sentiment: Head) -> None:
    """Write the two heads as float16; the same heads give the same bytes."""
    np.savez_compressed(
        path,
        allow_pickle=False,
        name=np.array(name),
        emotion_weights=emotion.weights.astype(np.float16),
        emotion_bias=emotion.bias,
        emotion_temperature=np.array(emotion.temperature, np.float32),
        sentiment_weights=sentiment.weights.astype(np.float16),
        sentiment_bias=sentiment.bias,
        sentiment_temperature=np.array(sentiment.temperature, np.float32),
    )
