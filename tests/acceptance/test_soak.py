"""The soak in small, run as a user runs it: it passes on the stages as they are, and fails on stages that break their one promise."""

from __future__ import annotations

import subprocess
import sys

#: Far beyond what it takes: the run is bounded by itself.
_SECONDS = 600


def _soak(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.soak", "--small", "--seed", "1", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_SECONDS)


def test_nothing_is_lost_or_done_twice_while_processes_are_killed_at_work() -> None:
    done = _soak()
    assert done.returncode == 0, done.stdout
    assert "the soak has passed" in done.stdout


def test_the_soak_finds_the_losses_of_stages_that_acknowledge_first() -> None:
    done = _soak("--acknowledge-first")
    assert done.returncode == 1, done.stdout
    assert "never ended" in done.stdout, done.stdout
