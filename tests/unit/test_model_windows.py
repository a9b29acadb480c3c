"""Stretches of voice packed for a recogniser that listens to thirty seconds at a time."""

from __future__ import annotations

import numpy as np
import pytest

from model.voice_segments import SAMPLE_RATE, VoiceSegment
from model.windows import BETWEEN_SECONDS, WINDOW_SECONDS, Window, into_windows


def _segment(start: float, seconds: float) -> VoiceSegment:
    return VoiceSegment(start, np.full(round(seconds * SAMPLE_RATE), 0.5, np.float32))


def test_no_voice_makes_no_window() -> None:
    assert list(into_windows([])) == []


def test_hours_between_two_words_are_not_listened_to() -> None:
    (window,) = into_windows([_segment(10.0, 1.0), _segment(7000.0, 1.0)])

    assert len(window.samples) == round((2.0 + BETWEEN_SECONDS) * SAMPLE_RATE)


def test_windows_hold_every_stretch_in_order_and_are_no_longer_than_a_recogniser_hears() -> None:
    segments = [_segment(n * 9.0, 1.0 + n % 17) for n in range(60)]

    windows = list(into_windows(segments))

    assert [segment for window in windows for segment in window.segments] == segments
    assert max(len(window.samples) for window in windows) <= WINDOW_SECONDS * SAMPLE_RATE


@pytest.mark.parametrize(
    ("heard", "placed"),
    [
        ((0.2, 0.6), (10.2, 10.6)),
        ((0.9, 1.3), (10.9, 11.0)),  # runs into the silence after its stretch
        ((1.4, 1.8), (50.0, 50.3)),  # begins in the silence before its stretch
        ((2.0, 2.0), (50.5, 50.5)),
        ((3.4, 9.0), (51.9, 52.0)),  # beyond the end
    ],
)
def test_a_word_lies_in_the_stretch_that_holds_its_middle(heard: tuple[float, float], placed: tuple[float, float]) -> None:
    window = Window((_segment(10.0, 1.0), _segment(50.0, 2.0)))

    assert window.place(*heard) == pytest.approx(placed)
