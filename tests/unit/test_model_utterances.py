"""Words into utterances: pauses end them, long ones are cut."""

from __future__ import annotations

import pytest

from model.utterances import LONGEST_SECONDS, MOST_WORDS, PAUSE_IN_SENTENCE_SECONDS, PAUSE_SECONDS, into_utterances, text_of
from schemas.analysis import Word


def _words(*starts: float, seconds: float = 0.3) -> list[Word]:
    return [Word(text=f"w{start}", start=start, end=start + seconds) for start in starts]


def test_no_words_make_no_utterances() -> None:
    assert list(into_utterances([])) == []


def test_a_pause_ends_an_utterance() -> None:
    words = _words(0.0, 0.4, 0.7 + PAUSE_SECONDS, 1.1 + PAUSE_SECONDS)

    assert [len(utterance) for utterance in into_utterances(words)] == [2, 2]


def test_a_breath_does_not_end_an_utterance() -> None:
    words = _words(0.0, 0.3 + PAUSE_SECONDS - 0.01)

    assert [len(utterance) for utterance in into_utterances(words)] == [2]


def test_a_long_utterance_is_cut_at_its_longest_pause() -> None:
    starts = [n * 0.5 for n in range(40)]
    starts = [start + (0.2 if n >= 15 else 0.0) for n, start in enumerate(starts)]

    assert [len(utterance) for utterance in into_utterances(_words(*starts))] == [15, 25]


def test_no_utterance_is_longer_than_the_limits_and_no_word_is_lost() -> None:
    words = _words(*(n * 0.31 for n in range(500)))

    utterances = list(into_utterances(words))

    assert [word for utterance in utterances for word in utterance] == words
    assert max(len(utterance) for utterance in utterances) <= MOST_WORDS
    assert max(utterance[-1].end - utterance[0].start for utterance in utterances) <= LONGEST_SECONDS
    assert min(len(utterance) for utterance in utterances) > 10  # cut in the middle, not peeled word by word


def test_a_single_endless_word_is_an_utterance() -> None:
    assert [len(utterance) for utterance in into_utterances(_words(0.0, seconds=60.0))] == [1]


def _said(text: str, pause: float = 0.1) -> list[str]:
    words = [Word(text=word, start=n * (0.3 + pause), end=n * (0.3 + pause) + 0.3) for n, word in enumerate(text.split())]
    return [" ".join(word.text for word in utterance) for utterance in into_utterances(words)]


def test_a_sentence_is_an_utterance() -> None:
    assert _said('He said "Go!" I went. Did you? Yes') == ['He said "Go!"', "I went.", "Did you?", "Yes"]


@pytest.mark.parametrize("text", ["Dr. Green is here", "J. R. Tribbiani", "I was... thinking", "It costs 3.50 dollars", "the U.S. Army"])
def test_a_full_stop_inside_a_sentence_ends_nothing(text: str) -> None:
    assert _said(text) == [text]


def test_a_speaker_who_thinks_in_the_middle_of_a_sentence_is_not_cut() -> None:
    assert _said("I think we should go. Now.", pause=1.0) == ["I think we should go.", "Now."]
    assert len(_said("I think we should go. Now.", pause=PAUSE_IN_SENTENCE_SECONDS)) == 6


def test_words_are_written_together_where_their_language_does_so() -> None:
    words = [Word(text=text, start=0.0, end=0.0) for text in ("你", "好。")]

    assert text_of(words, "zh") == "你好。"
    assert text_of(words, None) == "你 好。"
