"""The place in the queue and the time that is left, over a clock of the test's own."""

from __future__ import annotations

import itertools

import pytest

from api.forecast import AtHand, Finished, Forecast
from schemas.resources import Stage
from schemas.status import RANK, Status

RECEIVED, VALIDATED, ANALYSING = (RANK[status] for status in (Status.RECEIVED, Status.VALIDATED, Status.ANALYSING))


def finished(start: float, end: float, media_seconds: float = 10.0) -> Finished:
    """One that was checked for a second, handed over in another, and analysed from `start` to `end`."""
    return Finished(media_seconds=media_seconds, received=start - 2, validated=start - 1, analysing=start, completed=end)


def seconds_left(forecast: Forecast, status: Status, since: float, now: float) -> int:
    progress = forecast.of(status, since, now)
    assert progress is not None
    assert progress.seconds_left is not None
    return progress.seconds_left


def test_where_nothing_was_measured_the_place_is_told_and_no_time() -> None:
    progress = Forecast([AtHand(ANALYSING, 1.0, 10.0), AtHand(ANALYSING, 2.0, 10.0)], []).of(Status.ANALYSING, 2.0, 3.0)
    assert progress is not None
    assert (progress.stage, progress.ahead, progress.seconds_left) == (Stage.ANALYSE, 1, None)


@pytest.mark.parametrize("status", [Status.CREATED, Status.UPLOADING, Status.COMPLETED, Status.FAILED])
def test_what_is_not_in_work_has_no_place(status: Status) -> None:
    assert Forecast([], [finished(0, 5)]).of(status, 1.0, 2.0) is None


def test_before_one_are_those_that_are_further_and_those_that_came_earlier_into_its_stage() -> None:
    work = [AtHand(RECEIVED, 5.0, None), AtHand(RECEIVED, 7.0, None), AtHand(VALIDATED, 9.0, 1.0), AtHand(ANALYSING, 8.0, 1.0)]
    forecast = Forecast(work, [])
    found = [
        forecast.of(status, since, 10.0) for status, since in ((Status.ANALYSING, 8.0), (Status.VALIDATED, 9.0), (Status.RECEIVED, 7.0))
    ]
    assert [progress.ahead for progress in found if progress is not None] == [0, 1, 3]


def test_idle_time_does_not_count_as_slowness_and_what_was_done_side_by_side_counts_together() -> None:
    lone = Forecast([AtHand(ANALYSING, 1_000.0, 10.0)], [finished(0, 5), finished(500, 505)])
    assert seconds_left(lone, Status.ANALYSING, 1_000.0, 1_000.0) == 5
    queue = [AtHand(ANALYSING, 1_000.0 + number, 10.0) for number in range(11)]
    two_at_once = [finished(0, 10), finished(0, 10), finished(20, 30), finished(20, 30)]
    side_by_side = Forecast(queue, two_at_once)  # two in ten seconds, each takes ten
    assert seconds_left(side_by_side, Status.ANALYSING, 1_010.0, 1_000.0) == 10 * 5 + 10


def test_a_long_video_before_one_is_waited_for_longer_than_a_short_one() -> None:
    measured = [finished(0, 5)]
    left = [
        seconds_left(Forecast([AtHand(ANALYSING, 100.0, ahead), AtHand(ANALYSING, 101.0, 10.0)], measured), Status.ANALYSING, 101.0, 101.0)
        for ahead in (10.0, 1_000.0)
    ]
    assert left == [9, 504]


def test_who_has_still_to_be_checked_and_handed_over_waits_for_that_too() -> None:
    forecast = Forecast([AtHand(RECEIVED, 100.0, None)], [finished(50, 55)])
    assert seconds_left(forecast, Status.RECEIVED, 100.0, 100.0) == 5 + 1 + 1


def test_a_checking_that_is_slower_than_the_model_is_what_is_waited_for() -> None:
    measured = [Finished(media_seconds=10.0, received=0.0, validated=20.0, analysing=21.0, completed=22.0)]
    queue = [AtHand(RECEIVED, 100.0 + number, None) for number in range(5)]
    assert seconds_left(Forecast(queue, measured), Status.RECEIVED, 104.0, 100.0) == 4 * 20 + 20 + 1 + 1


def test_the_time_left_falls_as_time_passes_and_does_not_jump() -> None:
    lengths = [10.0, 40.0, 5.0, 120.0, 10.0, 30.0]
    came = [1_000.0 + place / 100 for place in range(6)]
    ends, now = [], 1_000.0
    for length in lengths:  # one model that takes half a second for a second of video
        now += length / 2
        ends.append(now)
    told = []
    for tick in range(int((ends[-1] - 1_000.0) * 2)):
        now = 1_000.0 + tick / 2
        done = [finished(came[place], ends[place], lengths[place]) for place in range(6) if ends[place] <= now]
        work = [AtHand(ANALYSING, came[place], lengths[place]) for place in range(6) if ends[place] > now]
        left = seconds_left(Forecast(work, [finished(900, 905), *done]), Status.ANALYSING, came[-1], now)
        assert left == pytest.approx(ends[-1] - now, abs=2)
        told.append(left)
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(told))


def test_what_takes_longer_than_was_thought_is_due_at_any_moment_and_never_in_less_than_none() -> None:
    assert seconds_left(Forecast([AtHand(ANALYSING, 100.0, 10.0)], [finished(0, 5)]), Status.ANALYSING, 100.0, 900.0) == 0
