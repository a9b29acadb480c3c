"""The bundled text model: what it says, and what happens to weights that are not right."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from model.errors import WeightsUnreadable
from model.profiles import BUNDLED_FOLDER
from model.text import WEIGHTS_FILE, Head, TextModel, load, save
from model.text_features import SLOTS, as_recognised, features
from schemas.analysis import EMOTIONS, SENTIMENTS


@pytest.fixture(scope="module")
def model() -> TextModel:
    return load(BUNDLED_FOLDER)


@pytest.mark.parametrize(
    ("text", "emotion", "probability", "sentiment", "leaning"),
    [
        ("Oh my god, you won the lottery!", "surprise", 0.728930, "positive", 0.726406),
        ("i am so happy for you thank you", "joy", 0.961820, "positive", 0.944450),
        ("Get out of my house, I hate you!", "anger", 0.788966, "negative", 0.936193),
        ("I miss her so much. I am so sorry.", "sadness", 0.905352, "negative", 0.671235),
        ("The train leaves at ten.", "neutral", 0.729554, "neutral", 0.766050),
        ("", "neutral", 0.613389, "neutral", 0.654744),
    ],
)
def test_a_sentence_always_gets_the_probabilities_of_these_weights(
    model: TextModel, text: str, emotion: str, probability: float, sentiment: str, leaning: float
) -> None:
    (scores,) = model.score_many([text])

    assert (scores.emotion, scores.sentiment) == (emotion, sentiment)
    assert getattr(scores.emotions, emotion) == pytest.approx(probability, abs=2e-4)
    assert getattr(scores.sentiments, sentiment) == pytest.approx(leaning, abs=2e-4)


def test_probabilities_sum_to_one(model: TextModel) -> None:
    (scores,) = model.score_many(["What? Are you serious?"])

    assert sum(msgspec.structs.astuple(scores.emotions)) == pytest.approx(1, abs=1e-5)
    assert sum(msgspec.structs.astuple(scores.sentiments)) == pytest.approx(1, abs=1e-5)


def test_many_texts_at_once_are_scored_as_each_alone(model: TextModel) -> None:
    texts = ["I love it!", "Leave me alone."]
    emotions, sentiments = model.probabilities(texts)

    assert emotions.shape == (2, len(EMOTIONS))
    assert sentiments.shape == (2, len(SENTIMENTS))
    for text, row in zip(texts, emotions, strict=True):
        assert row == pytest.approx(msgspec.structs.astuple(model.score_many([text])[0].emotions), abs=1e-6)


def test_a_video_without_utterances_has_no_scores(model: TextModel) -> None:
    assert model.score_many([]) == []


def test_the_model_is_named_by_the_hash_of_the_file_that_was_read(model: TextModel) -> None:
    assert model.ref.role == "text"
    assert model.ref.sha256 == hashlib.sha256((BUNDLED_FOLDER / WEIGHTS_FILE).read_bytes()).hexdigest()


def test_the_card_speaks_of_the_weights_beside_it(model: TextModel) -> None:
    card = (BUNDLED_FOLDER / "README.md").read_text(encoding="utf-8")

    assert model.ref.sha256 in card
    assert model.ref.name in card


def test_typographic_quotes_read_like_typewriter_quotes() -> None:
    typed, typeset = features('I can\'t say "no"...'), features("I can’t  say “no”…")

    assert typed[0].tolist() == typeset[0].tolist()
    assert typed[1].tolist() == typeset[1].tolist()


def test_shouting_is_heard() -> None:
    assert len(features("STOP it")[0]) > len(features("stop it")[0])


def test_recognised_text_has_neither_capitals_nor_punctuation() -> None:
    assert as_recognised("Well, I can’t -- it’s 9 o'clock!") == "well i can't it's 9 o'clock"


def _head(classes: int) -> Head:
    return Head(np.full((SLOTS, classes), 0.25, np.float32), np.zeros(classes, np.float32), 1.5)


def test_the_same_heads_are_written_as_the_same_bytes_and_read_back(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / WEIGHTS_FILE, "made-for-a-test", _head(7), _head(3))

    assert (tmp_path / "first" / WEIGHTS_FILE).read_bytes() == (tmp_path / "second" / WEIGHTS_FILE).read_bytes()
    again = load(tmp_path / "first")
    assert again.ref.name == "made-for-a-test"
    assert again.emotion.temperature == 1.5
    assert again.sentiment.weights.shape == (SLOTS, 3)


def test_missing_weights_are_an_error_that_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnreadable, match=r"python -m model\.training"):
        load(tmp_path)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    whole = (BUNDLED_FOLDER / WEIGHTS_FILE).read_bytes()
    (tmp_path / WEIGHTS_FILE).write_bytes(whole[: len(whole) // 2])

    with pytest.raises(WeightsUnreadable):
        load(tmp_path)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    save(tmp_path / WEIGHTS_FILE, "six-emotions", _head(6), _head(3))

    with pytest.raises(WeightsUnreadable, match="expected"):
        load(tmp_path)


def test_weights_are_never_unpickled(tmp_path: Path) -> None:
    with np.load(BUNDLED_FOLDER / WEIGHTS_FILE, allow_pickle=False) as arrays:
        pickled = {**arrays, "name": np.array(["name"], dtype=object)}
    np.savez(tmp_path / WEIGHTS_FILE, allow_pickle=True, **pickled)

    with pytest.raises(WeightsUnreadable, match="allow_pickle"):
        load(tmp_path)


def test_each_utterance_has_an_embedding_that_does_not_depend_on_its_neighbours(model: TextModel) -> None:
    one, many = model.embed(["I am so happy!"]), model.embed(["no", "I am so happy!"])
    assert np.isfinite(many).all()
    assert np.allclose(one[0], many[1], atol=1e-5)
    assert model.embed([]).shape == (0, one.shape[1])
