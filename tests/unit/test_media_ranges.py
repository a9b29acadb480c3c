"""Reading by ranges: exact, few requests, flat memory, honest errors."""

from __future__ import annotations

import io

import pytest

from media.ranges import BLOCK_BYTES, KEPT_BLOCKS, LONGEST_RUN, MemoryRanges, RangeFile, ReadsTooMuch, WrongRangeLength

DATA = bytes(range(256)) * (BLOCK_BYTES // 64)  # four blocks


class Answering:
    """A source that answers every range with what it is told to."""

    def __init__(self, size: int, answer: bytes | Exception) -> None:
        self.size = size
        self.answer = answer

    def read_range(self, offset: int, length: int) -> bytes:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Zeros:
    """A large source of zeros that notes the ranges it is asked for."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.asked: list[tuple[int, int]] = []

    def read_range(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        return bytes(length)


def test_reading_and_seeking_give_the_bytes_of_the_object() -> None:
    file = RangeFile(MemoryRanges(DATA + b"end"))
    assert file.read(5) == DATA[:5]
    assert file.seek(-3, io.SEEK_END) == len(DATA)
    assert file.read(100) == b"end"
    assert file.read(1) == b""
    file.seek(BLOCK_BYTES - 2)
    assert file.read(4) == DATA[BLOCK_BYTES - 2 : BLOCK_BYTES]  # never across a block, as a raw read may be short
    assert file.seek(-4, io.SEEK_CUR) == BLOCK_BYTES - 4


def test_a_read_never_gives_more_than_was_asked_for() -> None:
    file = RangeFile(MemoryRanges(DATA))
    for size in (1, 7, 32_768, BLOCK_BYTES - 1):
        assert len(file.read(size)) <= size
    assert file.read(0) == b""


@pytest.mark.parametrize("position", [2**63 - 1, 2**63, 2**70])
def test_a_seek_past_every_end_reads_nothing_and_asks_for_nothing(position: int) -> None:
    file = RangeFile(MemoryRanges(DATA))
    assert file.seek(position) <= 2**63 - 1
    assert file.read(10) == b""
    assert file.requests == 0


def test_a_seek_before_the_start_is_the_start() -> None:
    file = RangeFile(MemoryRanges(DATA))
    assert file.seek(-5) == 0


@pytest.mark.parametrize("answer", [b"x" * 9, b"x" * 11])
def test_an_answer_of_another_length_than_asked_for_is_an_error(answer: bytes) -> None:
    with pytest.raises(WrongRangeLength, match="instead of 10"):
        RangeFile(Answering(10, answer)).read(4)


def test_what_the_source_raises_comes_through_once_and_is_kept() -> None:
    away = ConnectionError("S3 is away")
    file = RangeFile(Answering(10, away))
    with pytest.raises(ConnectionError):
        file.read(4)
    assert file.failure is away
    assert file.read(4) == b""


def test_small_sequential_reads_become_few_growing_requests() -> None:
    source = Zeros(64 * 1024**2)
    file = RangeFile(source)
    while file.read(32_768):
        pass
    assert file.requests == len(source.asked) < 25
    assert file.fetched_bytes == source.size
    assert max(length for _, length in source.asked) == LONGEST_RUN * BLOCK_BYTES


def test_going_back_and_forth_in_kept_blocks_asks_for_nothing_again() -> None:
    source = Zeros(8 * 1024**2)
    file = RangeFile(source)
    for _ in range(100):
        for position in (0, 4 * 1024**2, 8 * 1024**2 - 10):
            file.seek(position)
            file.read(10)
    assert file.requests == 3


def test_memory_stays_flat_over_a_large_object() -> None:
    file = RangeFile(Zeros(256 * 1024**2))
    while file.read(1024**2):
        assert len(file._blocks) <= KEPT_BLOCKS


def test_a_file_that_makes_its_reader_fetch_too_much_is_stopped() -> None:
    file = RangeFile(Zeros(1024**3), most_bytes=10 * BLOCK_BYTES)
    for position in range(0, 500 * BLOCK_BYTES, 50 * BLOCK_BYTES):
        file.seek(position)
        file.read(10)
    file.seek(600 * BLOCK_BYTES)
    with pytest.raises(ReadsTooMuch):
        file.read(10)
    assert file.fetched_bytes == 10 * BLOCK_BYTES
