"""The recogniser on the sample clips: it listens, whatever the order, and survives the death of its processes."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from pocketsphinx import Decoder

from model.errors import RecogniserDied
from model.voice_segments import SAMPLE_RATE, VoiceSegment, find_voice
from model.word_error import word_error_rate
from model.words_by_sphinx import Sphinx, recognise, to_pcm
from samples.script import DIALOGUE, ERRAND, read_script
from samples.sounds import spoken
from schemas.analysis import Word

#: Measured: 0.118 and 0.078. Decoders of sound differ in their last bits, and a word may change with them.
_BOUNDS = ((DIALOGUE, 0.22), (ERRAND, 0.12))


@functools.cache
def _segments(clip: Path) -> list[VoiceSegment]:
    return list(find_voice([spoken(clip)]))


@pytest.fixture(scope="module")
def heard() -> dict[Path, tuple[Word, ...]]:
    """The words of the samples."""
    with closing(Sphinx(processes=2)) as sphinx:
        return {clip: sphinx.transcribe(_segments(clip)).words for clip, _ in _BOUNDS}


@pytest.mark.parametrize(("clip", "bound"), _BOUNDS)
def test_what_is_said_in_a_sample_is_recognised(heard: dict[Path, tuple[Word, ...]], clip: Path, bound: float) -> None:
    words = heard[clip]

    assert word_error_rate(read_script(clip).text, " ".join(word.text for word in words)) < bound


def test_words_come_in_order_with_times_inside_their_lines(heard: dict[Path, tuple[Word, ...]]) -> None:
    words = heard[ERRAND]
    lines = read_script(ERRAND).lines

    assert [word.start for word in words] == sorted(word.start for word in words)
    for word in words:
        assert any(line.start - 0.25 <= word.start < word.end <= line.end + 0.25 for line in lines), word
        assert word.confidence is not None


def test_what_was_heard_before_changes_no_word() -> None:
    segments = _segments(ERRAND)[:2]
    decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")

    forwards = [recognise(decoder, segment) for segment in segments]
    backwards = [recognise(decoder, segment) for segment in reversed(segments)]

    assert forwards == backwards[::-1]


@pytest.mark.parametrize("length", [0, 1, 159, 160, 1000])
def test_segments_too_short_for_a_word_have_none(length: int) -> None:
    decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")

    assert recognise(decoder, VoiceSegment(0.0, np.zeros(length, np.float32))) == []


class _Deadly(VoiceSegment):
    """A segment over which every process ends that is to listen to it."""

    def __reduce__(self) -> tuple[Callable[[int], object], tuple[int]]:
        return os._exit, (1,)


def _deadly() -> VoiceSegment:
    return _Deadly(0.0, np.zeros(SAMPLE_RATE, np.float32))


def test_a_segment_over_which_processes_end_fails_its_video_and_no_other() -> None:
    with closing(Sphinx(processes=1)) as sphinx:
        with pytest.raises(RecogniserDied) as raised:
            sphinx.transcribe([_deadly()])
        assert raised.value.retryable

        assert sphinx.transcribe(_segments(ERRAND)[:1]).words


def test_processes_that_were_killed_before_or_while_a_video_is_listened_to_cost_it_nothing() -> None:
    segments = _segments(ERRAND)[:2]

    def kill_then_go_on() -> Iterator[VoiceSegment]:
        kill_all()
        yield from segments[:1]
        kill_all()
        yield from segments[1:]

    others = multiprocessing.active_children()

    def kill_all() -> None:
        for process in set(multiprocessing.active_children()) - set(others):
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)

    with closing(Sphinx(processes=1)) as sphinx:
        undisturbed = sphinx.transcribe(segments).words
        assert sphinx.transcribe(kill_then_go_on()).words == undisturbed


def test_a_closed_recogniser_fails_what_it_is_given_and_starts_nothing() -> None:
    others = multiprocessing.active_children()
    sphinx = Sphinx(processes=1)
    sphinx.close()
    with pytest.raises(RecogniserDied):
        sphinx.transcribe(_segments(ERRAND))
    assert set(multiprocessing.active_children()) <= set(others)


def test_samples_beyond_full_scale_are_clipped_and_do_not_wrap() -> None:
    assert to_pcm(np.array([2.0, -2.0, 0.0], np.float32)).tolist() == [32767, -32767, 0]
