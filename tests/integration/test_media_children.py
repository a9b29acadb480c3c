"""Children that open files: what happens to one of them is that file's rejection, and nobody else's trouble."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from media import pool as pool_module
from media.children import ChildFault
from media.decoding import decoding
from media.limits import MediaLimits, Rejected
from media.pool import MediaPool, PoolClosed
from media.ranges import MemoryRanges, WrongRangeLength
from schemas.failures import RejectionCode
from tests import media_samples
from tests.media_samples import clip, inflating_header, raw_sound, tone

CLIP = clip()


@pytest.fixture
def pool() -> Iterator[MediaPool]:
    with MediaPool(MediaLimits(), size=1) as pool:
        pool.start()
        yield pool


class Interfering:
    """A good file whose first range is answered only after something was done."""

    def __init__(self, deed: Callable[[], object], data: bytes = CLIP) -> None:
        self.size, self._data = len(data), data
        self._deed: Callable[[], object] | None = deed

    def read_range(self, offset: int, length: int) -> bytes:
        if self._deed is not None:
            deed, self._deed = self._deed, None
            deed()
        return self._data[offset : offset + length]


def kill(pool: MediaPool, number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(pool.pids[0], number)


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


async def test_a_child_says_what_a_file_is_and_takes_the_next(pool: MediaPool) -> None:
    before = pool.pids
    for _ in range(3):
        info = await pool.probe(MemoryRanges(CLIP))
        assert info.video is not None
        assert info.audio is not None
    assert pool.pids == before


async def test_a_refused_file_costs_no_child(pool: MediaPool) -> None:
    before = pool.pids
    with pytest.raises(Rejected) as caught:
        await pool.probe(MemoryRanges(media_samples.FORM))
    assert caught.value.code is RejectionCode.FORM_DATA
    assert pool.pids == before


async def test_a_child_killed_in_the_middle_is_the_files_rejection_and_is_replaced(pool: MediaPool) -> None:
    before = pool.pids
    with pytest.raises(Rejected, match="crashed") as caught:
        await pool.probe(Interfering(kill(pool, signal.SIGKILL)))
    assert caught.value.code is RejectionCode.UNSAFE_MEDIA
    assert gone(before[0])
    assert (await pool.probe(MemoryRanges(CLIP))).video is not None
    assert pool.pids != before


def test_a_child_that_died_idle_is_nobodys_rejection(pool: MediaPool) -> None:
    os.kill(pool.pids[0], signal.SIGKILL)
    os.waitid(os.P_PID, pool.pids[0], os.WEXITED | os.WNOWAIT)
    assert pool.probe_blocking(MemoryRanges(CLIP)).video is not None


async def test_a_signal_to_the_whole_group_is_no_fault_of_the_file(pool: MediaPool) -> None:
    assert os.getpgid(pool.pids[0]) != os.getpgid(0)
    for number in (signal.SIGTERM, signal.SIGINT):
        assert (await pool.probe(Interfering(kill(pool, number)))).video is not None


async def test_a_file_that_hangs_its_child_is_rejected_when_the_clock_runs_out_and_holds_up_nobody() -> None:
    with MediaPool(MediaLimits(probe_seconds=2.0), size=2) as pool:
        pool.start()
        stuck: list[int] = []
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()

        def stop_the_child_that_reads() -> None:
            stuck.extend(child.pid for child in pool._busy)
            os.kill(stuck[0], signal.SIGSTOP)
            loop.call_soon_threadsafe(stopped.set)

        hanging = asyncio.create_task(pool.probe(Interfering(stop_the_child_that_reads)))
        await stopped.wait()
        for _ in range(5):
            assert (await pool.probe(MemoryRanges(CLIP))).video is not None
        assert not hanging.done()
        with pytest.raises(Rejected, match="within 2 seconds") as caught:
            await hanging
        assert caught.value.code is RejectionCode.UNSAFE_MEDIA
        assert gone(stuck[0])


async def test_waiting_for_the_source_is_not_counted_against_the_file(pool: MediaPool, monkeypatch: pytest.MonkeyPatch) -> None:
    hour_later = 0.0

    def an_hour_passes() -> None:
        nonlocal hour_later
        hour_later = 3600.0

    real = time.monotonic
    monkeypatch.setattr("media.visit.time.monotonic", lambda: real() + hour_later)
    assert (await pool.probe(Interfering(an_hour_passes))).video is not None
    assert hour_later


async def test_a_header_that_inflates_past_the_memory_limit_is_rejected_and_the_child_replaced() -> None:
    with MediaPool(MediaLimits(memory_bytes=512 * 1024**2), size=1) as pool:
        pool.start()
        before = pool.pids
        with pytest.raises(Rejected) as caught:
            await pool.probe(MemoryRanges(inflating_header(600)))
        assert caught.value.code is RejectionCode.UNSAFE_MEDIA
        assert (await pool.probe(MemoryRanges(CLIP))).video is not None
        assert pool.pids != before


async def test_an_error_of_the_source_reaches_the_caller_as_it_is_and_the_child_lives(pool: MediaPool) -> None:
    before, away = pool.pids, ConnectionError("S3 is away")

    def fail() -> None:
        raise away

    with pytest.raises(ConnectionError) as caught:
        await pool.probe(Interfering(fail))
    assert caught.value is away
    assert (await pool.probe(MemoryRanges(CLIP))).video is not None
    assert pool.pids == before


async def test_a_source_that_answers_with_more_than_was_asked_for_is_an_error_of_the_source(pool: MediaPool) -> None:
    class IgnoresRanges:
        size = len(CLIP) // 2

        def read_range(self, offset: int, length: int) -> bytes:
            return CLIP

    with pytest.raises(WrongRangeLength):
        await pool.probe(IgnoresRanges())
    assert (await pool.probe(MemoryRanges(CLIP))).video is not None


async def test_many_files_at_once_each_get_their_own_answer() -> None:
    with MediaPool(MediaLimits(), size=2) as pool:
        files = [clip(seconds=0.4, size=(32 + 2 * i, 32), audio=None) for i in range(6)]
        mixed = [MemoryRanges(data) for data in files for _ in range(3)]
        answers = await asyncio.gather(*(pool.probe(source) for source in mixed))
        assert [info.video.width for info in answers if info.video] == [32 + 2 * (i // 3) for i in range(18)]
        assert len(pool.pids) <= 2


async def test_a_child_is_replaced_after_its_number_of_files(pool: MediaPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "FILES_PER_CHILD", 2)
    first = pool.pids
    await pool.probe(MemoryRanges(CLIP))
    assert pool.pids == first
    await pool.probe(MemoryRanges(CLIP))
    await pool.probe(MemoryRanges(CLIP))
    assert pool.pids != first
    assert gone(first[0])


async def test_closing_is_not_the_fault_of_the_file_that_is_open() -> None:
    pool = MediaPool(MediaLimits(), size=1)
    pool.start()
    pids = pool.pids
    closing: list[asyncio.Future[None]] = []
    loop = asyncio.get_running_loop()

    def close_meanwhile() -> None:
        closing.append(loop.run_in_executor(None, pool.close))
        while not pool._closed or not gone_or_zombie(pids[0]):
            pass

    with pytest.raises(PoolClosed):
        await pool.probe(Interfering(close_meanwhile))
    await closing[0]
    assert gone(pids[0])
    with pytest.raises(PoolClosed):
        await pool.probe(MemoryRanges(CLIP))
    with pytest.raises(PoolClosed):
        pool.probe_blocking(MemoryRanges(CLIP))


def gone_or_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_child_that_cannot_start_is_a_fault_of_ours_and_no_rejection() -> None:
    with MediaPool(MediaLimits(memory_bytes=64 * 1024**2), size=1) as pool, pytest.raises(ChildFault, match="did not start"):
        pool.probe_blocking(MemoryRanges(CLIP))


def test_children_end_with_a_parent_that_was_killed() -> None:
    script = (
        "import os, signal\nfrom media.limits import MediaLimits\nfrom media.pool import MediaPool\n"
        "pool = MediaPool(MediaLimits(), size=2)\npool.start()\nprint(*pool.pids, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    while not all(gone_or_zombie(pid) for pid in pids):  # ends when they do; a child that stays fails by never ending
        os.sched_yield()


def test_a_child_has_neither_credentials_nor_the_parents_files(pool: MediaPool, tmp_path: Path) -> None:
    environment = Path(f"/proc/{pool.pids[0]}/environ").read_bytes().split(b"\0")
    assert {entry.split(b"=")[0] for entry in environment if entry} <= {b"PATH", b"OPENBLAS_NUM_THREADS", b"OMP_NUM_THREADS", b"LC_CTYPE"}
    with (tmp_path / "open-in-the-parent").open("w"):
        targets = [os.readlink(path) for path in Path(f"/proc/{pool.pids[0]}/fd").iterdir()]
    assert not [target for target in targets if "open-in-the-parent" in target]


def test_a_child_that_only_looks_does_not_load_numpy(pool: MediaPool) -> None:
    pool.probe_blocking(MemoryRanges(CLIP))
    assert "numpy" not in Path(f"/proc/{pool.pids[0]}/maps").read_text()


def test_sound_is_streamed_out_of_a_child_block_by_block(pool: MediaPool) -> None:
    data = clip(seconds=12, captions=((0.0, 1.0, b"hello"),))
    with decoding(pool, MemoryRanges(data), captions=True) as sound:
        blocks = list(sound)
        assert sound.decoded.has_sound
        assert [cue.text for cue in sound.decoded.cues] == ["hello"]
    assert [len(block) for block in blocks[:2]] == [80_000, 80_000]
    assert all(block.dtype == np.float32 for block in blocks)
    assert sum(map(len, blocks)) == pytest.approx(12 * 16_000, abs=2_000)


def test_a_decoding_left_early_leaves_the_pool_usable(pool: MediaPool) -> None:
    with decoding(pool, MemoryRanges(raw_sound(tone(60, 16_000)))) as sound:
        next(iter(sound))
        with pytest.raises(RuntimeError, match="not decoded to its end"):
            _ = sound.decoded
    assert pool.probe_blocking(MemoryRanges(CLIP)).video is not None


def test_a_child_killed_while_decoding_rejects_the_file_after_what_came_before(pool: MediaPool) -> None:
    def kill_after_the_first_block() -> None:
        with decoding(pool, MemoryRanges(raw_sound(np.zeros(400 * 16_000, np.float32)))) as sound:
            for count, _ in enumerate(sound):
                if count == 0:
                    os.kill(pool.pids[0], signal.SIGKILL)

    with pytest.raises(Rejected) as caught:
        kill_after_the_first_block()
    assert caught.value.code is RejectionCode.UNSAFE_MEDIA


def test_sound_that_is_too_long_is_rejected_while_it_is_streamed() -> None:
    with MediaPool(MediaLimits(sound_seconds=8), size=1) as pool:
        taken: list[int] = []

        def take_all() -> None:
            with decoding(pool, MemoryRanges(raw_sound(tone(20, 16_000)))) as sound:
                taken.extend(len(block) for block in sound)

        with pytest.raises(Rejected) as caught:
            take_all()
        assert caught.value.code is RejectionCode.TOO_LONG
        assert taken == [80_000]


def test_a_slow_reader_of_the_sound_is_not_counted_against_the_file_and_memory_stays_flat(pool: MediaPool) -> None:
    with decoding(pool, MemoryRanges(raw_sound(np.zeros(1800 * 16_000, np.float32)))) as sound:
        largest = 0
        for _ in sound:
            status = Path(f"/proc/{pool.pids[0]}/status").read_text()
            largest = max(largest, int(status.split("VmRSS:")[1].split()[0]))
    assert largest < 160 * 1024  # the file has 115 MB, of which the child keeps 16
