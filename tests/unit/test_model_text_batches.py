"""Which texts are read together."""

from __future__ import annotations

from model.text_by_checkpoints import BATCH_TOKENS, batches


def test_texts_of_nearly_one_length_are_read_together_and_none_is_left_out() -> None:
    assert list(batches([5, 2, 9, 3, 8], most=10)) == [[1, 3], [0], [4], [2]]


def test_no_more_tokens_are_read_together_than_are_quick_with_their_padding() -> None:
    lengths = [4 + number % 37 for number in range(200)]
    read = list(batches(lengths))

    assert sorted(number for chosen in read for number in chosen) == list(range(200))
    assert all(len(chosen) * max(lengths[number] for number in chosen) <= BATCH_TOKENS for chosen in read)


def test_a_text_that_is_longer_than_all_of_that_is_read_alone() -> None:
    assert list(batches([300, 400], most=256)) == [[0], [1]]


def test_no_texts_are_no_batches() -> None:
    assert list(batches([])) == []
