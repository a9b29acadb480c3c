"""`valence model score` and `compare` as people run them: on the bundled model, one of their own, and sets of theirs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from model.profiles import BUNDLED_FOLDER
from model.text import TOKENIZER_FILE, WEIGHTS_FILE
from tests.command_line import valence

_CSV = """Utterance,Emotion,Sentiment,Dialogue_ID,Utterance_ID
"Oh my god, you won the lottery!",surprise,positive,0,0
I miss her so much. I am so sorry.,sadness,negative,0,1
The train leaves at ten.,neutral,neutral,1,0
"""


def run(tmp_path: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return valence(tmp_path, "model", *map(str, arguments))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "lines.csv"
    path.write_text(_CSV, encoding="utf-8")
    return path


@pytest.fixture
def gloomy(tmp_path: Path) -> Path:
    """The bundled model, to which everything is sad."""
    folder = tmp_path / "gloomy"
    folder.mkdir()
    (folder / TOKENIZER_FILE).write_bytes((BUNDLED_FOLDER / TOKENIZER_FILE).read_bytes())
    graph = onnx.load(BUNDLED_FOLDER / WEIGHTS_FILE)
    bias = next(tensor for tensor in graph.graph.initializer if tensor.name == "heads.emotion.bias")
    bias.CopyFrom(numpy_helper.from_array(np.array([0, 0, 0, 0, 0, 50, 0], np.float32), bias.name))
    onnx.save(graph, folder / WEIGHTS_FILE)
    return folder


def test_a_model_is_scored_on_a_set_of_ones_own(tmp_path: Path, dataset: Path) -> None:
    done = run(tmp_path, "score", BUNDLED_FOLDER, dataset)

    assert done.returncode == 0
    assert "on 3 utterances" in done.stdout
    assert "| as written | emotion | 100.0 " in done.stdout
    assert "| as recognised | sentiment |" in done.stdout


def test_two_models_are_compared_and_the_labels_say_which_is_right(tmp_path: Path, dataset: Path, gloomy: Path) -> None:
    done = run(tmp_path, "compare", BUNDLED_FOLDER, gloomy, dataset)

    assert done.returncode == 0
    assert "disagree on the emotion of 2 of 3 utterances" in done.stdout
    assert "A is right on 2 and B on 0" in done.stdout
    assert "1 x neutral becomes sadness" in done.stdout
    assert "The train leaves at ten." in done.stdout


def test_analyses_that_were_kept_are_read_again_by_both_models(tmp_path: Path, gloomy: Path) -> None:
    kept = tmp_path / "analyses.jsonl"
    documents = [{"file": "a.mp4", "analysis": {"utterances": [{"text": "The train leaves at ten."}]}}, {"file": "b.mp4", "analysis": None}]
    kept.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")

    done = run(tmp_path, "compare", BUNDLED_FOLDER, gloomy, kept)

    assert done.returncode == 0
    assert "disagree on the emotion of 1 of 1 utterances" in done.stdout
    assert "is right on" not in done.stdout


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("Utterance\nHi\n", "lines.csv", "row 1 is without Emotion, Sentiment"),
        ("{", "lines.jsonl", "is not a file of analyses"),
        ("", "lines.jsonl", "holds no utterances"),
    ],
)
def test_a_set_in_another_form_is_a_misuse_that_says_what_is_expected(tmp_path: Path, content: str, name: str, words: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")

    done = run(tmp_path, "compare", BUNDLED_FOLDER, BUNDLED_FOLDER, tmp_path / name)

    assert done.returncode == 2
    assert words in done.stderr


def test_a_folder_without_a_text_model_is_a_misuse_that_names_the_file(tmp_path: Path, dataset: Path) -> None:
    done = run(tmp_path, "score", tmp_path, dataset)

    assert done.returncode == 2
    assert WEIGHTS_FILE in done.stderr
