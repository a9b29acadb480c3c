"""`valence model score` and `compare` as people run them: on the bundled model, one of their own, and sets of theirs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cli.exits import Exit, Misused
from cli.model_compare import compare
from model.profiles import BUNDLED_FOLDER
from model.text import TOKENIZER_FILE, WEIGHTS_FILE
from schemas.analysis import EMOTIONS
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


def kept(path: Path, name: str, *utterances: tuple[float, str, str]) -> Path:
    """An archive with one analysis: when each utterance starts, its words, and the emotion that was surest."""
    path.mkdir(exist_ok=True)
    said = []
    for start, text, emotion in utterances:
        emotions = {one: 0.7 if one == emotion else 0.05 for one in EMOTIONS}
        scores = {"emotions": emotions, "sentiments": {"negative": 0.1, "neutral": 0.8, "positive": 0.1}}
        said.append({"start": start, "end": start + 1, "text": text, "words": [], "scores": scores})
    ref = {"role": "text", "name": "an-old-model", "sha256": "0" * 64}
    (path / f"{name}.json").write_text(json.dumps({"models": [ref], "utterances": said}), encoding="utf-8")
    return path


def test_analyses_that_were_kept_are_read_again_by_both_models(tmp_path: Path, gloomy: Path) -> None:
    lines = tmp_path / "analyses.jsonl"
    documents = [{"file": "a.mp4", "analysis": {"utterances": [{"text": "The train leaves at ten."}]}}, {"file": "b.mp4", "analysis": None}]
    lines.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")

    done = run(tmp_path, "compare", BUNDLED_FOLDER, gloomy, lines)

    assert done.returncode == 0
    assert "disagree on the emotion of 1 of 1 utterances" in done.stdout
    assert "is right on" not in done.stdout


def test_two_archives_of_the_same_videos_show_what_has_changed_class_by_class(tmp_path: Path) -> None:
    old = kept(tmp_path / "old", "a", (0, "Well.", "neutral"), (2, "Oh no!", "fear"), (4, "Fine, then.", "neutral"), (9, "Bye.", "joy"))
    kept(old, "deleted since", (0, "Hm.", "sadness"))
    again = ((0.1, "Well.", "neutral"), (2.2, "Oh no!", "surprise"), (3.9, "Fine then.", "anger"), (9.6, "Bye!", "joy"))
    new = kept(tmp_path / "new", "a", *again)

    done = run(tmp_path, "compare", old, new)

    assert done.returncode == 0, done.stderr
    assert f"A is {old}, 2 analyses: text by an-old-model (00000000)." in done.stdout
    assert "disagree on the emotion of 2 of 3 utterances" in done.stdout, "the last one shares less than half of its time"
    assert "agree on 33.3 % of the emotions and 100.0 % of the sentiments" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["emotion", "neutral", "2", "1", "1"] in rows
    assert ["emotion", "surprise", "0", "1", "0"] in rows
    assert "1 x fear becomes surprise" in done.stdout
    assert ["fear", "70", "%", "surprise", "70", "%", "a", "0:02.2", "Oh", "no!"] in rows


def test_an_archive_is_compared_with_what_a_model_says_of_its_words_today(tmp_path: Path, gloomy: Path) -> None:
    old = kept(tmp_path / "old", "a", (0, "The train leaves at ten.", "neutral"), (2, "I miss her so much.", "sadness"))

    forwards, backwards = run(tmp_path, "compare", old, gloomy), run(tmp_path, "compare", gloomy, old)

    assert "disagree on the emotion of 1 of 2 utterances" in forwards.stdout
    assert "1 x neutral becomes sadness" in forwards.stdout
    assert "1 x sadness becomes neutral" in backwards.stdout


@pytest.mark.parametrize(
    ("sides", "words"),
    [
        (("model", "model"), "name what they shall read"),
        (("old", "old", "old"), "is one too many"),
        (("old", "empty"), "holds neither a text model"),
        (("old", "other"), "hold no utterances of the same videos"),
        (("words", "model"), "has no scores for 'Hm.'"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(tmp_path: Path, sides: tuple[str, ...], words: str) -> None:
    kept(tmp_path / "old", "a", (0, "Well.", "neutral"))
    kept(tmp_path / "other", "b", (0, "Well.", "neutral"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "a.json").write_text(json.dumps({"utterances": [{"text": "Hm."}]}), encoding="utf-8")

    command: Callable[..., Exit] = compare.callback  # type: ignore[assignment]  # click's, as it was defined
    with pytest.raises(Misused, match=words):
        command(*[BUNDLED_FOLDER if side == "model" else tmp_path / side for side in sides], *[None] * (3 - len(sides)), show=0)


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("Utterance\nHi\n", "lines.csv", "row 1 is without Emotion, Sentiment"),
        ("{", "lines.jsonl", "holds no analyses"),
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
