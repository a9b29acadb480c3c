"""The bundled text model: what it says, and what happens to weights that are not right."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from model.errors import WeightsUnreadable
from model.plain_text import as_recognised, plain
from model.profiles import BUNDLED_FOLDER
from model.text import HEADS, TOKENIZER_FILE, WEIGHTS_FILE, Temperatures, TextModel, load
from model.text_tokens import Turn, turns

ROOT = Path(__file__).parents[2]
#: Sentences of ours with what everybody would read in them, and the probabilities that these weights give.
PINNED = [
    ("Oh my god, you won the lottery!", "surprise", 0.7629, "positive", 0.7979),
    ("i am so happy for you thank you", "joy", 0.6323, "positive", 0.5990),
    ("Get out of my house, I hate you!", "anger", 0.5604, "negative", 0.9628),
    ("I miss her so much. I am so sorry.", "sadness", 0.8849, "negative", 0.8570),
    ("The train leaves at ten.", "neutral", 0.7813, "neutral", 0.7993),
    ("That is disgusting, there is hair in my soup.", "disgust", 0.9534, "negative", 0.8439),
    ("Don't go in there, I'm scared!", "fear", 0.8718, "negative", 0.8707),
    ("", "neutral", 0.5156, "neutral", 0.5510),
]


@pytest.fixture(scope="module")
def model() -> TextModel:
    return load(BUNDLED_FOLDER)


@pytest.mark.parametrize(("text", "emotion", "probability", "sentiment", "leaning"), PINNED)
def test_a_sentence_always_gets_the_probabilities_of_these_weights(
    model: TextModel, text: str, emotion: str, probability: float, sentiment: str, leaning: float
) -> None:
    (scores,) = model.score_many([text])

    assert (scores.emotion, scores.sentiment) == (emotion, sentiment)
    assert getattr(scores.emotions, emotion) == pytest.approx(probability, abs=0.01)
    assert getattr(scores.sentiments, sentiment) == pytest.approx(leaning, abs=0.01)


def test_words_as_a_recogniser_writes_them_are_calibrated_by_a_temperature_of_their_own(model: TextModel) -> None:
    doubtful = dataclasses.replace(model, temperatures=dict.fromkeys(HEADS, Temperatures(written=1.0, recognised=100.0)))
    emotions, sentiments = doubtful.probabilities([Turn("I hate you"), Turn("i hate you"), Turn("i hate you.", ["oh"])])

    assert [emotion.max() < 0.16 for emotion in emotions] == [False, True, False]
    assert [sentiment.max() < 0.36 for sentiment in sentiments] == [False, True, False]


def test_probabilities_sum_to_one(model: TextModel) -> None:
    (scores,) = model.score_many(["What? Are you serious?"])

    assert sum(msgspec.structs.astuple(scores.emotions)) == pytest.approx(1, abs=1e-5)
    assert sum(msgspec.structs.astuple(scores.sentiments)) == pytest.approx(1, abs=1e-5)


def test_an_utterance_is_scored_the_same_whatever_is_scored_beside_it(model: TextModel) -> None:
    said = [Turn("I love it!"), Turn("Leave me alone."), *(Turn("word " * length) for length in range(0, 90, 3))]
    emotions, sentiments = model.probabilities(said)

    for place in (0, 1, 20):
        emotion, sentiment = model.probabilities([said[place]])
        assert emotions[place] == pytest.approx(emotion[0], abs=1e-4)
        assert sentiments[place] == pytest.approx(sentiment[0], abs=1e-4)


def test_what_was_said_before_is_read_with_an_utterance(model: TextModel) -> None:
    _, after_good = model.score_many(["We won! This is wonderful!", "What?"])
    _, after_bad = model.score_many(["Your dog is dead.", "What?"])

    assert after_good.sentiments.negative < after_bad.sentiments.negative


def test_only_the_three_utterances_before_are_read() -> None:
    assert turns(["a", "b", "c", "d", "e"])[4] == Turn("e", ["b", "c", "d"])
    assert turns(["a"]) == [Turn("a", [])]


def test_a_video_without_utterances_has_no_scores(model: TextModel) -> None:
    assert model.score_many([]) == []
    assert model.embed([]).shape == (0, 384)


@pytest.mark.parametrize(
    "text",
    ["word " * 5000, "\0\x1b[2J", "😀" * 300, "ÄÖ 日本語 عربى", "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace")],
)
def test_whatever_is_said_gets_probabilities(model: TextModel, text: str) -> None:
    (scores,) = model.score_many([text])

    assert sum(msgspec.structs.astuple(scores.emotions)) == pytest.approx(1, abs=1e-5)


def test_each_utterance_has_an_embedding_for_a_fusion(model: TextModel) -> None:
    embedded = model.embed(["no", "I am so happy!"])

    assert embedded.shape == (2, 384)
    assert np.isfinite(embedded).all()
    assert np.linalg.norm(embedded[0] - embedded[1]) > 0.1


def test_the_model_is_named_by_the_hash_of_the_file_that_was_read(model: TextModel) -> None:
    assert model.ref.role == "text"
    assert model.ref.sha256 == hashlib.sha256((BUNDLED_FOLDER / WEIGHTS_FILE).read_bytes()).hexdigest()


def test_the_card_speaks_of_the_weights_in_the_repository(model: TextModel) -> None:
    card = (ROOT / "docs" / "model-card.md").read_text(encoding="utf-8")

    assert model.ref.sha256 in card
    assert model.ref.name in card


def test_what_the_repository_carries_of_it_stays_small() -> None:
    assert sum(file.stat().st_size for file in BUNDLED_FOLDER.iterdir()) <= 25_000_000


def test_it_works_without_torch_and_what_trains_it() -> None:
    program = """
import sys
from pathlib import Path
from model.text import load
assert load(Path(sys.argv[1])).score_many(["It works."])[0].emotion == "neutral"
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program, str(BUNDLED_FOLDER)], capture_output=True, text=True, check=True, cwd=ROOT)

    assert not {"torch", "transformers", "peft", "scipy", "onnx", "matplotlib"} & set(done.stdout.split())


def test_typographic_quotes_read_like_typewriter_quotes() -> None:
    assert plain("I can’t  say “no”…") == plain('I can\'t say "no"...')


def test_recognised_text_has_neither_capitals_nor_punctuation() -> None:
    assert as_recognised("Well, I can’t -- it’s 9 o'clock!") == "well i can't it's 9 o'clock"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A model folder of its own, to be damaged."""
    for name in (WEIGHTS_FILE, TOKENIZER_FILE):
        (tmp_path / name).write_bytes((BUNDLED_FOLDER / name).read_bytes())
    return tmp_path


@pytest.mark.parametrize("name", [WEIGHTS_FILE, TOKENIZER_FILE])
def test_a_missing_file_is_an_error_that_names_it_and_says_how_to_get_it(copied: Path, name: str) -> None:
    (copied / name).unlink()

    with pytest.raises(WeightsUnreadable, match=rf"{name}.*python -m model\.training train text"):
        load(copied)


@pytest.mark.parametrize("name", [WEIGHTS_FILE, TOKENIZER_FILE])
@pytest.mark.parametrize("keep", [0, 1_000, -1_000])
def test_a_damaged_file_is_refused_by_its_name(copied: Path, name: str, keep: int) -> None:
    (copied / name).write_bytes((copied / name).read_bytes()[:keep])

    with pytest.raises(WeightsUnreadable, match=name):
        load(copied)


def test_the_weights_of_another_model_are_refused(copied: Path) -> None:
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("a", "b")]
    other = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["a"], ["b"])], "other", values[:1], values[1:])
    onnx.save(onnx.helper.make_model(other, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9), copied / WEIGHTS_FILE)

    with pytest.raises(WeightsUnreadable, match=r"it takes \('a',\).*expected"):
        load(copied)


def test_another_tokenizer_is_refused(copied: Path) -> None:
    tokenizer = copied / TOKENIZER_FILE
    tokenizer.write_text(tokenizer.read_text(encoding="utf-8").replace('"lowercase":true', '"lowercase":false'), encoding="utf-8")

    with pytest.raises(WeightsUnreadable, match="not the tokenizer"):
        load(copied)


def test_weights_that_are_no_numbers_are_refused(copied: Path) -> None:
    graph = onnx.load(copied / WEIGHTS_FILE)
    bias = next(tensor for tensor in graph.graph.initializer if tensor.name == "heads.emotion.bias")
    bias.CopyFrom(numpy_helper.from_array(np.full(7, np.nan, np.float32), bias.name))
    onnx.save(graph, copied / WEIGHTS_FILE)

    with pytest.raises(WeightsUnreadable, match="not finite"):
        load(copied)


@pytest.mark.parametrize("missing", ["name", "emotion_temperature_written", "sentiment_temperature_recognised", "certain_from"])
def test_weights_that_do_not_say_how_they_are_calibrated_are_refused(copied: Path, missing: str) -> None:
    graph = onnx.load(copied / WEIGHTS_FILE)
    kept = {entry.key: entry.value for entry in graph.metadata_props if entry.key != missing}
    onnx.helper.set_model_props(graph, kept)
    onnx.save(graph, copied / WEIGHTS_FILE)

    with pytest.raises(WeightsUnreadable, match=missing):
        load(copied)
