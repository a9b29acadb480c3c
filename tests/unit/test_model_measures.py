"""The measures of the model card mean what the card says they mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.training.text.calibration import fit_temperature
from model.training.text.measures import calibration_error, certain_from, f1_by_class, intervals, risk_coverage, weighted
from model.training.text.pictures import draw
from model.training.text.scores import HeadScores
from schemas.analysis import EMOTIONS, SENTIMENTS


def test_a_temperature_undoes_exaggerated_confidence() -> None:
    dice = np.random.default_rng(7)
    honest = dice.normal(size=(4000, 3))
    chances = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
    labels = np.array([dice.choice(3, p=row) for row in chances])

    assert fit_temperature(honest * 2.5, labels) == pytest.approx(2.5, rel=0.1)


def test_calibration_error_is_the_distance_of_confidence_from_accuracy() -> None:
    sure = np.tile(np.array([0.9, 0.1], np.float32), (10, 1))

    assert calibration_error(sure, np.array([0] * 9 + [1])) == pytest.approx(0.0, abs=1e-6)
    assert calibration_error(sure, np.array([0] * 5 + [1] * 5)) == pytest.approx(0.4, abs=1e-6)


def test_f1_weighs_classes_by_how_often_they_occur() -> None:
    labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    by_class = f1_by_class(labels, predicted, 3)

    assert by_class == pytest.approx([0.8, 2 / 3, 0.0])
    assert weighted(by_class, labels) == pytest.approx(0.8 * 0.75 + 2 / 3 * 0.25)


def test_an_interval_holds_the_score_narrows_with_more_utterances_and_is_the_same_each_time() -> None:
    labels = np.array([0, 1] * 50)
    predicted = np.where(np.arange(100) % 5 == 0, 1 - labels, labels)
    few, many = intervals(labels, predicted, 2), intervals(np.tile(labels, 9), np.tile(predicted, 9), 2)

    assert few.shape == (4, 2)
    assert (few[:, 0] < 0.8).all()
    assert (few[:, 1] > 0.8).all()
    assert (np.ptp(many, axis=1) < np.ptp(few, axis=1) / 2).all()
    assert (few == intervals(labels, predicted, 2)).all()


def test_keeping_only_what_is_sure_lowers_the_risk() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.55, 0.45]])
    confidence, coverage, risk = risk_coverage(probabilities, np.array([0, 1, 1, 0]))

    assert confidence == pytest.approx([0.9, 0.8, 0.6, 0.55])
    assert coverage == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert risk == pytest.approx([0, 0, 1 / 3, 1 / 4])


def test_certainty_begins_where_answers_are_right_often_enough() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])

    assert certain_from(probabilities, np.array([0, 0, 1, 1]), right=0.6) == pytest.approx(0.7)
    assert certain_from(probabilities, np.array([1, 1, 1, 1]), right=0.6) == 1.0
    assert certain_from(probabilities, np.array([0, 0, 0, 1]), right=0.6) == 0.0


def _scores() -> dict[str, dict[str, HeadScores]]:
    dice = np.random.default_rng(3)

    def head(names: tuple[str, ...]) -> HeadScores:
        probabilities = dice.dirichlet(np.ones(len(names)), size=200).astype(np.float32)
        return HeadScores(names, probabilities, dice.integers(len(names), size=200))

    return {
        form: {"emotion": head(EMOTIONS), "sentiment": head(SENTIMENTS)} for form in ("as written", "as recognised", "as written, alone")
    }


def test_pictures_of_the_same_scores_are_the_same_bytes(tmp_path: Path) -> None:
    shown = draw(_scores(), 0.4, tmp_path / "first")
    draw(_scores(), 0.4, tmp_path / "second")

    assert len(shown) == 5
    for name in shown:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
