"""The text model on what a recogniser makes of spoken lines: whole dialogues are spoken, written down by pocketsphinx, and scored."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

import numpy as np

from model.plain_text import plain
from model.text import TextModel
from model.text_tokens import UTTERANCES_BEFORE
from model.training.text.data import Line
from model.training.text.forms import recognised, written
from model.training.text.scores import SetScores, judge
from model.training.text.speech import VOICES, speak
from model.voice_segments import SAMPLE_RATE, Sound, find_voice
from model.word_error import spoken_words, word_error_rate
from model.words import WordSource

#: Dialogues are taken until they have this many lines.
LINES = 100
_SEED = 1
#: Around each line, for the detector of voice.
_PAUSE = np.zeros(SAMPLE_RATE // 2, np.float32)


@dataclass(frozen=True)
class Spoken:
    """The scores of lines as they are written, as a recogniser without an error would write them, and as they were heard.

    `word_error` is the share of all words that was heard wrongly; of `unheard` lines no word was understood.
    """

    lines: int
    dialogues: int
    word_error: float
    unheard: int
    scores: SetScores


def score_spoken(model: TextModel, lines: Sequence[Line], recogniser: WordSource) -> Spoken:
    """Speak some dialogues of a set, write down what is heard, and score it. The same set gives the same dialogues."""
    chosen = _some(_dialogues(lines))
    heard = [list(_heard(dialogue, recogniser)) for dialogue in chosen]
    said = [line for dialogue in chosen for line in dialogue]
    forms = {
        "as written": [written(line) for line in said],
        "as recognised": [recognised(line) for line in said],
        "spoken": [line for dialogue in heard for line in dialogue],
    }
    pairs = [(line.text, other.text) for line, other in zip(said, forms["spoken"], strict=True) if spoken_words(line.text)]
    sizes = [len(spoken_words(text)) for text, _ in pairs]
    return Spoken(
        lines=len(said),
        dialogues=len(chosen),
        word_error=float(np.average([word_error_rate(*pair) for pair in pairs], weights=sizes)),
        unheard=sum(not line.text for line in forms["spoken"]),
        scores={name: judge(model, form) for name, form in forms.items()},
    )


def _dialogues(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines by dialogue; one begins where nothing was said before."""
    dialogues: list[list[Line]] = []
    for line in lines:
        if not line.before:
            dialogues.append([])
        dialogues[-1].append(line)
    return dialogues


def _some(dialogues: list[list[Line]]) -> list[list[Line]]:
    shuffled = random.Random(_SEED).sample(dialogues, len(dialogues))
    count, chosen = 0, []
    for dialogue in shuffled:
        if count >= LINES:
            break
        chosen.append(dialogue)
        count += len(dialogue)
    return chosen


def _heard(dialogue: Sequence[Line], recogniser: WordSource) -> Iterator[Line]:
    """Each line as it was heard, with those before it as they were heard."""
    texts: list[str] = []
    for line, voice in zip(dialogue, cycle(VOICES), strict=False):
        text = _written_down(speak(plain(line.text), voice), recogniser)
        yield replace(line, text=text, before=tuple(texts[-UTTERANCES_BEFORE:]))
        texts.append(text)


def _written_down(sound: Sound, recogniser: WordSource) -> str:
    words = recogniser.transcribe(find_voice([np.concatenate([_PAUSE, sound, _PAUSE])])).words
    return " ".join(word.text for word in words)
