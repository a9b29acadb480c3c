"""What is reached on a set without a network: a score means little until one knows what the simplest ways reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from model.training.text.data import Line
from model.training.text.measures import f1_by_class, weighted
from schemas.analysis import EMOTIONS

#: The better of 1 and 4 on MELD dev.
_C = 4.0
_WORD_OR_MARK = r"\w+|[^\w\s]"


def most_frequent(train: Sequence[Line], test: Sequence[Line]) -> float:
    """Weighted F1, in 0..1, of answering each utterance of `test` with the emotion that `train` has most often."""
    often = np.bincount([line.emotion for line in train]).argmax()
    return _weighted_f1(test, np.full(len(test), often))


def weighed_words(train: Sequence[Line], test: Sequence[Line]) -> float:
    """Weighted F1, in 0..1, of a logistic regression over the words of an utterance and their pairs, weighed by TF-IDF."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORD_OR_MARK)
    model = make_pipeline(words, LogisticRegression(C=_C, class_weight="balanced", max_iter=1_000))
    model.fit([line.text for line in train], [line.emotion for line in train])
    return _weighted_f1(test, model.predict([line.text for line in test]))


def _weighted_f1(lines: Sequence[Line], predicted: npt.ArrayLike) -> float:
    labels = np.array([line.emotion for line in lines])
    return weighted(f1_by_class(labels, np.asarray(predicted, np.int64), len(EMOTIONS)), labels)
