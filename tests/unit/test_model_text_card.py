"""What the model card is made from: temperatures fitted on dev, and lines that were spoken and listened to, or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from model import text
from model.plain_text import is_as_recognised
from model.profiles import BUNDLED_FOLDER
from model.text_tokens import Turn
from model.training import __main__ as training
from model.training.text import baselines, card, speech, spoken
from model.training.text.calibration import calibrate
from model.training.text.data import Line
from model.training.text.scores import score
from model.words import Transcript
from schemas.analysis import EMOTIONS, ModelRef, Word

_ROOT = Path(__file__).parents[2]


class _Exaggerating:
    """A text model whose logits are true of written text, and three times as sure as they should be of a recogniser's."""

    def __init__(self, honest: npt.NDArray[np.float32]) -> None:
        self._honest = honest

    def logits(self, said: list[Turn]) -> dict[str, npt.NDArray[np.float32]]:
        factor = 3.0 if is_as_recognised(said[0].text) else 1.0
        return {"emotion": self._honest * np.float32(factor), "sentiment": self._honest[:, :3]}


def test_each_form_of_the_text_gets_a_temperature_of_its_own() -> None:
    dice = np.random.default_rng(5)
    honest = dice.normal(scale=1.5, size=(3000, 7)).astype(np.float32)
    chances = text.softmax(honest).astype(np.float64)
    labels = [int(dice.choice(7, p=row / row.sum())) for row in chances]
    lines = [Line("Well.", (), label, label % 3) for label in labels]

    said = calibrate(_Exaggerating(honest), lines)  # type: ignore[arg-type]  # as far as calibration knows a model

    assert float(said["emotion_temperature_written"]) == pytest.approx(1.0, rel=0.1)
    assert float(said["emotion_temperature_recognised"]) == pytest.approx(3.0, rel=0.1)


class _Deaf:
    """A recogniser that hears every line wrongly in the same way, and the second not at all."""

    name = "deaf"
    ref = ModelRef(role="words", name="deaf", sha256="0" * 64)

    def __init__(self) -> None:
        self.listened = 0

    def transcribe(self, segments: Iterable[Any]) -> Transcript:
        self.listened += 1
        said = "" if self.listened == 2 else "what a day"
        return Transcript(tuple(Word(text=word, start=0.0, end=0.0) for word in said.split()))

    def close(self) -> None:
        pass


@pytest.fixture
def speaking(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is spoken, and in which voice; it makes no sound."""
    said: list[tuple[str, str]] = []

    def speak(words: str, voice: str) -> npt.NDArray[np.float32]:
        said.append((words, voice))
        return np.zeros(1_600, np.float32)

    monkeypatch.setattr(spoken, "speak", speak)
    return said


def test_spoken_lines_are_scored_by_what_was_heard_of_them_and_of_those_before(
    speaking: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ("What a day!", "Oh no…", "What a mess!")
    lines = [Line(words, texts[:number], EMOTIONS.index("joy"), 2) for number, words in enumerate(texts)]
    model = text.load(BUNDLED_FOLDER)
    read: list[list[Turn]] = []
    monkeypatch.setattr(text.TextModel, "probabilities", _noting(text.TextModel.probabilities, read))

    found = spoken.score_spoken(model, lines, _Deaf())

    assert speaking == [("What a day!", "rms"), ("Oh no...", "slt"), ("What a mess!", "rms")]
    assert (found.lines, found.dialogues, found.unheard) == (3, 1, 1)
    assert found.word_error == pytest.approx(3 / 8), "a word of the last, and both of the second, of eight"
    assert read[-1] == [Turn("what a day", ()), Turn("", ("what a day",)), Turn("what a day", ("what a day", ""))]
    assert list(found.scores) == ["as written", "as recognised", "spoken"]


def _noting(probabilities: Callable[..., Any], read: list[list[Turn]]) -> Callable[..., Any]:
    def noted(model: text.TextModel, said: list[Turn]) -> Any:
        read.append(said)
        return probabilities(model, said)

    return noted


def test_dialogues_are_chosen_by_lot_and_always_the_same(speaking: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoken, "LINES", 3)
    lines = [Line(f"Line {number}.", () if number % 2 == 0 else (f"Line {number - 1}.",), 0, 0) for number in range(40)]
    model = text.load(BUNDLED_FOLDER)

    first, second = (spoken.score_spoken(model, lines, _Deaf()) for _ in range(2))

    assert (first.lines, first.dialogues) == (4, 2)
    assert speaking[:4] == speaking[4:]
    assert speaking[0][0] != "Line 0.", "not simply the first"
    assert first.word_error == second.word_error


def test_a_card_without_a_voice_says_so_and_so_does_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    model, lines = text.load(BUNDLED_FOLDER), [Line("Well.", (), emotion, 0) for emotion in 4 * list(range(len(EMOTIONS)))]
    (tmp_path / "docs").mkdir()

    assert training._spoken(model, lines) is None
    written = card.write(tmp_path, model, score(model, lines), card.Simple(0.3127, 0.5561), None, "")

    assert "no ffmpeg with flite is here" in capsys.readouterr().err
    assert "Left out when this card was made" in written
    assert "| always the most frequent class | 31.3 | recomputed |" in written
    assert "logistic regression | 55.6 | recomputed |" in written
    assert (tmp_path / card.CARD).read_text(encoding="utf-8") == written


def test_what_is_reached_without_a_network_is_the_score_of_ways_that_learn_from_the_training_split_alone() -> None:
    joy, neutral = EMOTIONS.index("joy"), EMOTIONS.index("neutral")
    train = [Line("We won!", (), joy, 2)] * 4 + [Line("The bus stops.", (), neutral, 1)] * 5
    test = [Line("They won!", (), joy, 2), Line("The bus is here.", (), neutral, 1)]

    assert baselines.most_frequent(train, test) == pytest.approx(1 / 3), "neutral always: half of it right, and no joy"
    assert baselines.weighed_words(train, test) == 1.0


@pytest.mark.parametrize(("listed", "can"), [(" ... flite             |->A       Synthesize voice", True), (" ... aformat  A->A", False)])
def test_an_ffmpeg_without_flite_has_no_voice(monkeypatch: pytest.MonkeyPatch, listed: str, can: bool) -> None:
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/ffmpeg")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: SimpleNamespace(stdout=f"Filters:\n{listed}\n"))

    assert speech.can_speak() == can
