"""The committed clips: small, with their scripts, and different from each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.captions import parse_sidecar
from model.word_error import spoken_words
from samples.make import as_srt
from samples.pictures import HEIGHT, WIDTH, draw
from samples.script import DIALOGUE, ERRAND, read_script
from schemas.analysis import EMOTIONS

_CLIPS = (DIALOGUE, ERRAND)


@pytest.mark.parametrize("clip", _CLIPS)
def test_a_clip_is_at_most_a_megabyte(clip: Path) -> None:
    assert clip.stat().st_size <= 1_000_000


@pytest.mark.parametrize("clip", _CLIPS)
def test_a_script_gives_every_line_its_time_in_order(clip: Path) -> None:
    times = [time for line in read_script(clip).lines for time in (line.start, line.end)]

    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_the_dialogue_changes_its_mood() -> None:
    moods = {line.mood for line in read_script(DIALOGUE).lines}

    assert {"anger", "joy", "neutral", "sadness", "surprise"} <= moods <= set(EMOTIONS)


def test_the_second_clip_says_other_things() -> None:
    first, second = ({line.text for line in read_script(clip).lines} for clip in _CLIPS)
    words = [set(spoken_words(" ".join(lines))) for lines in (first, second)]

    assert not first & second
    assert len(words[0] & words[1]) < len(words[1]) / 2


def test_the_caption_track_says_what_the_script_says_when_it_says_it() -> None:
    script = read_script(DIALOGUE)

    cues = parse_sidecar(as_srt(script))

    assert [(cue.text, cue.start, cue.end) for cue in cues] == [(line.text, line.start, line.end) for line in script.lines]


def test_a_picture_shows_who_speaks() -> None:
    left, right, nobody = (draw(speaker, "joy", 0.5) for speaker in ("left", "right", None))

    assert left.shape == (HEIGHT, WIDTH, 3)
    assert (left[:, : WIDTH // 2] != nobody[:, : WIDTH // 2]).any()
    assert (left[:, WIDTH // 2 :] == nobody[:, WIDTH // 2 :]).all()
    assert (right[:, WIDTH // 2 :] != nobody[:, WIDTH // 2 :]).any()
