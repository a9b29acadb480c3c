"""Which parts make up a file, and why some do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from api.completion import check, choose
from api.multiparts import Unsent
from api.problems import ContentTooLarge, PartsDiffer, PartsMissing, Problem, SizeMismatch
from runtime.parts import Part
from schemas.jobs import AnalysisOptions
from schemas.resources import SentPart, Upload
from schemas.status import Status

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = 100


def unsent(declared: int | None) -> Unsent:
    upload = Upload(
        id=uuid4(),
        filename="clip.mp4",
        content_type=None,
        bytes=declared,
        source="s3://valence/uploads/x/source",
        options=AnalysisOptions(),
        media=None,
        attempt=1,
        status=Status.UPLOADING,
        sequence=2,
        failure=None,
        created_at=NOW,
        updated_at=NOW,
    )
    return Unsent(upload, SIZE, "id", None)


def part(number: int, size: int = SIZE, etag: str = "a", age: int = 0) -> Part:
    return Part(number, size, etag, NOW - timedelta(seconds=age))


@pytest.mark.parametrize(
    ("declared", "sizes"),
    [(1, {1: 1}), (100, {1: 100}), (101, {1: 100, 2: 1}), (250, {1: 100, 2: 100, 3: 50}), (None, {1: 7}), (None, {1: 100, 2: 100})],
)
def test_the_parts_of_a_file_are_accepted(declared: int | None, sizes: dict[int, int]) -> None:
    check(unsent(declared), [part(number, size) for number, size in sizes.items()], 1_000)


@pytest.mark.parametrize(
    ("declared", "sizes", "refusal"),
    [
        (0, {}, PartsMissing),
        (101, {2: 1}, PartsMissing),
        (None, {1: 100, 3: 5}, PartsMissing),
        (None, {}, PartsMissing),
        (250, {1: 100, 2: 99, 3: 50}, SizeMismatch),
        (250, {1: 100, 2: 100, 3: 51}, SizeMismatch),
        (None, {1: 99, 2: 1}, SizeMismatch),
        (None, {1: 101}, SizeMismatch),
        (None, dict.fromkeys(range(1, 12), 100), ContentTooLarge),
    ],
)
def test_what_is_not_the_file_is_refused_for_the_reason_that_is_true(
    declared: int | None, sizes: dict[int, int], refusal: type[Problem]
) -> None:
    with pytest.raises(refusal):
        check(unsent(declared), [part(number, size) for number, size in sizes.items()], 1_000)


def test_a_long_list_of_missing_parts_is_cut() -> None:
    with pytest.raises(PartsMissing, match="1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 90 more"):
        check(unsent(10_000), [], 100_000)


def test_of_versions_of_a_part_the_newest_counts_and_within_a_second_the_one_that_fits() -> None:
    old, new = part(1, etag="old", age=1), part(1, etag="new")
    assert choose(unsent(100), [new, old], None) == [new]
    assert choose(unsent(100), [part(1, 99, "short"), new], None) == [new]
    assert choose(unsent(100), [new, new], None) == [new]
    assert choose(unsent(100), [new, old], [SentPart(number=1, etag='"old"')]) == [old]


def test_versions_that_nothing_tells_apart_are_refused() -> None:
    with pytest.raises(PartsDiffer, match="part 1 came twice"):
        choose(unsent(100), [part(1, etag="a"), part(1, etag="b")], None)
