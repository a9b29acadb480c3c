"""API keys, without a database."""

from __future__ import annotations

import pytest

from api import credentials


def test_a_key_says_what_it_is_and_reads_back() -> None:
    key = credentials.mint()
    assert credentials.PATTERN.fullmatch(key.text)
    assert credentials.parse(key.text) == key
    assert key.matches(key.digest)
    assert not credentials.mint().matches(key.digest)
    assert key.secret.encode() not in key.digest


def test_any_one_changed_character_is_told_from_a_key_that_does_not_exist() -> None:
    text = credentials.mint().text
    for place in range(len(text)):
        other = "x" if text[place] != "x" else "y"
        with pytest.raises(credentials.InvalidKey):
            credentials.parse(text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize("text", ["", "val_live_", "sk-123", "val_test_000000000000_" + "0" * 38])
def test_other_texts_are_no_keys(text: str) -> None:
    with pytest.raises(credentials.InvalidKey):
        credentials.parse(text)
