"""How values, statuses and steps are put into words."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from cli.journeys import Journey
from cli.progress import now, steps
from cli.results import summary
from cli.wording import clock, explained, outlook, printable, size
from schemas.analysis import Gap
from schemas.failures import Failure
from schemas.resources import Progress, Stage
from schemas.status import Status
from tests.scripted_api import ANALYSIS, SILENT


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0:00.0"), (9.96, "0:10.0"), (59.96, "1:00.0"), (65.24, "1:05.2"), (3599.96, "1:00:00.0"), (3665.2, "1:01:05.2")],
)
def test_a_time_is_a_clock_to_the_tenth_of_a_second(seconds: float, words: str) -> None:
    assert clock(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (5 * 1024**2, "5 MiB"), (5 * 1024**3, "5.0 GiB")]
)
def test_a_size_has_the_unit_that_suits_it(count: int, words: str) -> None:
    assert size(count) == words


def test_text_of_strangers_loses_what_commands_a_terminal_and_keeps_the_rest() -> None:
    assert printable("a\x1b[2Jb\r\n\x07c\u202ed — größe 😀") == "a [2Jb   c d — größe 😀"


def test_a_failure_says_whether_trying_again_helps() -> None:
    failure = Failure(code="not_media", message="no media")
    assert explained(Status.REJECTED, failure) == "rejected: no media (not_media; trying again does not help)"
    again = msgspec.structs.replace(failure, retryable=True)
    assert explained(Status.FAILED, again).endswith("(not_media; trying again can help)")


def a_journey(status: Status | None, sent: int = 10) -> Journey:
    return Journey(Path("a.mp4"), bytes=10, sent=sent, upload_id=uuid4(), status=status)


@pytest.mark.parametrize(
    ("journey", "done", "doing"),
    [
        (a_journey(None, sent=0), "", "sending 0 % of 10 bytes"),
        (a_journey(Status.CREATED, sent=4), "", "sending 40 % of 10 bytes"),
        (a_journey(Status.UPLOADING), "", "storing 10 bytes"),
        (a_journey(Status.RECEIVED), "✓ sent", "validating"),
        (a_journey(Status.VALIDATED), "✓ sent  ✓ validated", "handing over to the model"),
        (a_journey(Status.ANALYSING), "✓ sent  ✓ validated", "analysing"),
        (a_journey(Status.COMPLETED), "✓ sent  ✓ validated  ✓ analysed", "fetching the analysis"),
        (a_journey(Status.COMPLETED)._replace(analysis=ANALYSIS), "✓ sent  ✓ validated  ✓ analysed", None),
        (a_journey(Status.CANCELLED), "✗ cancelled", None),
        (
            a_journey(None)._replace(refused=True, failure=Failure(code="x", message="no")),
            "✗ refused: no (x; trying again does not help)",
            None,
        ),
    ],
)
def test_progress_shows_what_is_done_and_what_is_being_done(journey: Journey, done: str, doing: str | None) -> None:
    assert steps(journey).plain == done
    assert now(journey) == doing


def test_the_summary_counts_what_is_felt_and_names_the_models() -> None:
    assert summary(ANALYSIS) == ["1 utterance in 0:01.5: 1 joy; 1 positive.", "Analysed in 0.2 s: text by scripted (abababab)."]


def test_the_summary_says_what_could_not_be_read() -> None:
    broken = msgspec.structs.replace(SILENT, gaps=(Gap(start=1.0, reason="the file ends early"), Gap(start=0.0, end=0.0, reason="x")))
    assert summary(broken)[1:3] == ["Not read: from 0:01.0 to the end, the file ends early.", "Not read: from 0:00.0 to 0:00.0, x."]


@pytest.mark.parametrize(
    ("ahead", "seconds_left", "words"),
    [
        (0, None, ""),
        (3, None, "3 before it"),
        (0, 40, "about 40 s left"),
        (12, 200, "12 before it, about 3 min left"),
        (9_000, 36_000, "9000 before it, about 10 h left"),
        (0, 0, "any moment now"),
    ],
)
def test_what_is_in_work_is_told_with_its_place_and_a_time_only_where_one_was_measured(
    ahead: int, seconds_left: int | None, words: str
) -> None:
    progress = Progress(stage=Stage.ANALYSE, ahead=ahead, seconds_left=seconds_left)
    assert outlook(progress) == words
    journey = Journey(Path("a.mp4"), 1, status=Status.ANALYSING, progress=progress)
    assert now(journey) == ", ".join(["analysing", *([words] if words else [])])
