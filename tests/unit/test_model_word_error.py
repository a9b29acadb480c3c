"""The word error rate that the demo prints."""

from __future__ import annotations

import pytest

from model.word_error import word_error_rate


@pytest.mark.parametrize(
    ("script", "recognised", "rate"),
    [
        ("Good morning, all!", "good morning all", 0.0),
        ("I can’t go", "i can't go", 0.0),
        ("one two three four", "one too three four", 0.25),
        ("one two three four", "one three four", 0.25),
        ("one two three four", "one two two three four", 0.25),
        ("one two", "", 1.0),
        ("one", "six seven eight", 3.0),
    ],
)
def test_substituted_missing_and_added_words_count_against_the_scripts_length(script: str, recognised: str, rate: float) -> None:
    assert word_error_rate(script, recognised) == rate


def test_a_script_without_words_has_no_rate() -> None:
    with pytest.raises(ValueError, match="no words"):
        word_error_rate("...", "hello")
