"""Captions as words: sidecar files, what is not speech, times of words."""

from __future__ import annotations

import pytest

from media.decoded import Cue
from model.captions import into_utterances, parse_sidecar, words_of


def _cue(text: str, start: float = 0.0, end: float = 1.0) -> Cue:
    return Cue(start=start, end=end, text=text)


def test_subrip_is_read_whatever_its_line_ends_and_byte_order_mark() -> None:
    text = "﻿1\r\n00:00:01,500 --> 00:00:02,750\r\n<i>Good</i> morning\r\nall\r\n\r\n2\r\n01:00:00,000 --> 01:00:01,000\r\nBye\r\n"

    assert parse_sidecar(text) == (_cue("Good morning\nall", 1.5, 2.75), _cue("Bye", 3600.0, 3601.0))


def test_webvtt_is_read_with_its_settings_notes_and_short_times() -> None:
    text = (
        "WEBVTT\n\nNOTE made by hand\n\nSTYLE\n::cue { color: red }\n\nintro\n"
        "00:01.000 --> 00:02.000 align:start line:0\n<v Ann>Tea &amp; cake?</v>\n"
    )

    assert parse_sidecar(text) == (_cue("Tea & cake?", 1.0, 2.0),)


def test_cues_are_put_in_order_of_time() -> None:
    text = "1\n00:00:05,000 --> 00:00:06,000\nlater\n\n2\n00:00:01,000 --> 00:00:02,000\nfirst\n"

    assert [cue.text for cue in parse_sidecar(text)] == ["first", "later"]


@pytest.mark.parametrize("text", ["", "no captions at all", "1\n00:00:xx,000 --> 00:00:02,000\nhm\n"])
def test_text_without_times_has_no_cues(text: str) -> None:
    assert parse_sidecar(text) == ()


def test_sounds_dashes_and_notes_are_not_words() -> None:
    cues = [_cue("[door slams]"), _cue("- Who's there?\n- (SIGHS) Me. ♪"), _cue("♪♪")]

    assert [[word.text for word in words] for words in into_utterances(cues)] == [["Who's", "there?", "Me."]]


def test_a_cues_time_is_shared_out_among_its_words_by_their_length() -> None:
    words = words_of(_cue("to be tomorrow", start=10.0, end=12.0))

    assert [(word.text, word.start, word.end) for word in words] == [
        ("to", 10.0, 10.333),
        ("be", 10.333, 10.667),
        ("tomorrow", 10.667, 12.0),
    ]
    assert all(word.confidence is None for word in words)


def test_a_cue_that_ends_before_it_starts_gives_words_without_length() -> None:
    assert [(word.start, word.end) for word in words_of(_cue("well well", start=5.0, end=3.0))] == [(5.0, 5.0), (5.0, 5.0)]
