"""Which status may follow which."""

from __future__ import annotations

from itertools import product

import pytest

from schemas.status import RANK, TERMINAL, Status, may_follow


def test_what_is_terminal_is_never_left_within_an_attempt() -> None:
    for old, new in product(TERMINAL, Status):
        assert not may_follow(old, 1, new, 1)


def test_topics_overtake_each_other_so_any_jump_forward_is_legal() -> None:
    assert may_follow(Status.RECEIVED, 1, Status.COMPLETED, 1)
    assert may_follow(Status.CREATED, 1, Status.REJECTED, 1)
    assert not may_follow(Status.ANALYSING, 1, Status.VALIDATED, 1)


@pytest.mark.parametrize("status", Status)
def test_a_repeat_changes_nothing(status: Status) -> None:
    assert not may_follow(status, 1, status, 1)


def test_what_an_older_attempt_still_tells_is_ignored() -> None:
    for old, new in product(Status, Status):
        assert not may_follow(old, 2, new, 1)


def test_a_new_attempt_begins_only_when_the_old_one_has_ended() -> None:
    for old in Status:
        assert may_follow(old, 1, Status.RECEIVED, 2) == (old in TERMINAL)
    assert not may_follow(Status.FAILED, 1, Status.UPLOADING, 2)


def test_a_dead_lettered_upload_may_still_end_otherwise() -> None:
    assert may_follow(Status.FAILED, 1, Status.COMPLETED, 1, dead_lettered=True)
    assert not may_follow(Status.FAILED, 1, Status.ANALYSING, 1, dead_lettered=True)


def test_every_status_has_its_rank() -> None:
    assert set(RANK) == set(Status)
    assert {Status.COMPLETED, Status.REJECTED, Status.FAILED, Status.EXPIRED, Status.CANCELLED} == TERMINAL
