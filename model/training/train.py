"""Training the text model: logistic regression over hashed n-grams, then one temperature a head fitted on MELD dev."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from model.text import Floats, Head, save
from model.text_features import SLOTS, as_recognised, features
from model.training.data import UNLABELLED, Examples, read_goemotions, read_meld

MODEL_NAME = "valence-text-ngrams-1"
#: Chosen on MELD dev, as were the n-gram lengths: strength of the fit, how far rare classes are raised, and how much a
#: comment of GoEmotions counts against an utterance of MELD.
INVERSE_REGULARISATION = 0.6
RARE_CLASS_EXPONENT = 0.5
GOEMOTIONS_WEIGHT = 0.1
_ITERATIONS = 400
_TOLERANCE = 1e-3


def feature_matrix(texts: Sequence[str]) -> sparse.csr_matrix:
    """The features of many texts as a sparse matrix [texts, SLOTS]."""
    vectors = [features(text) for text in texts]
    ends = np.cumsum([0, *(len(numbers) for numbers, _ in vectors)])
    numbers = np.concatenate([numbers for numbers, _ in vectors])
    values = np.concatenate([values for _, values in vectors])
    return sparse.csr_matrix((values, numbers, ends), shape=(len(texts), SLOTS))


def _fit(matrix: sparse.csr_matrix, labels: npt.NDArray[np.int64], weights: npt.NDArray[np.float64], meld: npt.NDArray[np.int64]) -> Head:
    counts = np.bincount(meld)
    rarity = (counts.mean() / counts) ** RARE_CLASS_EXPONENT
    known = np.flatnonzero(labels != UNLABELLED)
    fitted = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=_ITERATIONS, tol=_TOLERANCE)
    fitted.fit(matrix[known], labels[known], sample_weight=(weights[known] * rarity[labels[known]]))
    # Rounded as the weights file rounds them, so that the temperature is fitted to what is shipped.
    shipped = fitted.coef_.T.astype(np.float16).astype(np.float32)
    return Head(shipped, fitted.intercept_.astype(np.float32), 1.0)


def fit_temperature(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> float:
    """The temperature under which the logits [n, classes] give the labels the highest likelihood."""

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        top = scaled.max(axis=1, keepdims=True)
        log_sum = top[:, 0] + np.log(np.exp(scaled - top).sum(axis=1))
        return float((log_sum - scaled[np.arange(len(labels)), labels]).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def train(folder: Path, weights_file: Path) -> None:
    """Train both heads on MELD's and GoEmotions' training splits and write the weights; dev fits only the temperatures."""
    meld, goemotions, dev = read_meld(folder, "train"), read_goemotions(folder), read_meld(folder, "dev")
    comments = [as_recognised(text) if index % 2 else text for index, text in enumerate(goemotions.texts)]
    matrix = feature_matrix([*meld.texts, *(as_recognised(text) for text in meld.texts), *comments])
    weights = np.concatenate([np.ones(2 * len(meld.texts)), np.full(len(comments), GOEMOTIONS_WEIGHT)])
    dev_matrix = feature_matrix([*dev.texts, *(as_recognised(text) for text in dev.texts)])

    def head(own: npt.NDArray[np.int64], foreign: npt.NDArray[np.int64], dev_labels: npt.NDArray[np.int64]) -> Head:
        fitted = _fit(matrix, np.concatenate([own, own, foreign]), weights, own)
        logits: Floats = dev_matrix @ fitted.weights + fitted.bias
        return replace(fitted, temperature=fit_temperature(logits.astype(np.float64), np.tile(dev_labels, 2)))

    emotion = head(meld.emotions, goemotions.emotions, dev.emotions)
    sentiment = head(meld.sentiments, goemotions.sentiments, dev.sentiments)
    save(weights_file, MODEL_NAME, emotion, sentiment)


def recognised(examples: Examples) -> Examples:
    """The same examples as a recogniser would write them."""
    return replace(examples, texts=[as_recognised(text) for text in examples.texts])
