"""Finding voice in a sound track, whatever its blocks, without holding much of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from model.voice_segments import LONGEST_SECONDS, SAMPLE_RATE, VoiceSegment, find_voice
from samples import sounds
from samples.script import DIALOGUE, read_script

Sound = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def spoken() -> Sound:
    """The sound of the sample dialogue."""
    return sounds.spoken(DIALOGUE)


def _in_blocks(sound: Sound, length: int) -> Iterator[Sound]:
    for start in range(0, len(sound), length):
        yield sound[start : start + length]


def _span(segment: VoiceSegment) -> tuple[float, float]:
    return segment.start, segment.end


def test_every_line_of_the_script_lies_in_a_segment(spoken: Sound) -> None:
    spans = [_span(segment) for segment in find_voice([spoken])]

    for line in read_script(DIALOGUE).lines:
        heard = sum(max(0.0, min(end, line.end) - max(start, line.start)) for start, end in spans)
        assert heard > 0.9 * (line.end - line.start), line


def test_segments_are_the_tracks_own_samples_in_order_and_do_not_overlap(spoken: Sound) -> None:
    end = 0
    for segment in find_voice([spoken]):
        first = round(segment.start * SAMPLE_RATE)
        assert first >= end
        end = first + len(segment.samples)
        assert np.array_equal(segment.samples, spoken[first:end])


@pytest.mark.parametrize("length", [100, 479, 80_000])
def test_the_length_of_the_blocks_changes_nothing(spoken: Sound, length: int) -> None:
    start = spoken[: 15 * SAMPLE_RATE]

    whole, parts = list(find_voice([start])), list(find_voice(_in_blocks(start, length)))

    assert [_span(segment) for segment in parts] == [_span(segment) for segment in whole]
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(whole, parts, strict=True))


def test_speech_that_is_cut_off_at_the_end_is_not_dropped(spoken: Sound) -> None:
    line = read_script(DIALOGUE).lines[0]

    segments = list(find_voice([spoken[: round((line.end - 0.5) * SAMPLE_RATE)]]))

    assert _span(segments[-1])[1] > line.end - 0.6


def test_speech_without_a_pause_is_cut_and_none_of_it_is_lost(spoken: Sound) -> None:
    line = read_script(DIALOGUE).lines[1]
    endless = np.tile(spoken[round(line.start * SAMPLE_RATE) : round((line.start + 1.2) * SAMPLE_RATE)], 50)

    segments = list(find_voice(_in_blocks(endless, 80_000)))

    lengths = [len(segment.samples) / SAMPLE_RATE for segment in segments]
    assert max(lengths) <= LONGEST_SECONDS + 0.1
    assert sum(lengths) > 58.0


def test_speech_that_ends_where_it_was_cut_leaves_nothing_behind(spoken: Sound) -> None:
    line = read_script(DIALOGUE).lines[1]
    talk = np.tile(spoken[round(line.start * SAMPLE_RATE) : round((line.start + 1.2) * SAMPLE_RATE)], 17)[: round(20.1 * SAMPLE_RATE)]

    segments = list(find_voice([np.concatenate([talk, np.zeros(5 * SAMPLE_RATE, np.float32)])]))

    assert all(segment.end > segment.start for segment in segments)
    assert segments[-1].end < 21.0


@pytest.mark.parametrize("blocks", [[], [np.empty(0, np.float32)], [np.zeros(511, np.float32)]])
def test_no_sound_holds_no_voice(blocks: list[Sound]) -> None:
    assert list(find_voice(blocks)) == []


@pytest.mark.parametrize(("name", "sound"), sounds.unspoken(10.0).items())
def test_silence_tones_and_noise_hold_no_voice(name: str, sound: Sound) -> None:
    assert list(find_voice([sound])) == [], name


def test_speech_in_noise_as_loud_as_itself_is_found(spoken: Sound) -> None:
    line = read_script(DIALOGUE).lines[0]

    (segment,) = find_voice([sounds.with_noise(spoken[: round((line.end + 0.3) * SAMPLE_RATE)], 0.0)])

    assert segment.start < line.start
    assert segment.end > line.end - 0.1
