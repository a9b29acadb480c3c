"""In which order a stack starts, and what it says when that fails; without servers, whose own tests are next door."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from local.background import running_stack
from local.errors import StackFailed
from local.processes import OurProcess
from local.stack import Stack

#: A stack that has not stopped by then will not.
_LONGEST_SECONDS = 20.0


def serving(name: str, *, early: bool = False) -> OurProcess:
    return OurProcess(name, ("tests.answering",), early=early)


def run(stack: Stack) -> None:
    """Run a stack that is to stop by itself; if it does not, it is stopped, and so is a preparation that waits in its thread."""

    async def for_a_while() -> None:
        async with asyncio.timeout(_LONGEST_SECONDS):
            await stack.run_until_stopped()

    given_up = threading.Timer(_LONGEST_SECONDS, stack._serving.set)
    given_up.start()
    try:
        asyncio.run(for_a_while())
    finally:
        given_up.cancel()


def test_what_needs_nothing_made_first_is_up_before_that_is_made_and_the_rest_after(tmp_path: Path) -> None:
    said = list[str]()
    early_is_up = threading.Event()

    def report(line: str) -> None:
        said.append(line.split()[0])
        if line.startswith("early"):
            early_is_up.set()

    def prepare(stack: Stack) -> None:
        stack.wait_for_servers()
        assert early_is_up.wait(20)
        report("prepared")

    rows = [serving("late"), serving("early", early=True), serving("sagemaker")]
    with running_stack(Stack(tmp_path, servers=(), processes=rows, prepare=prepare, report=report)):
        assert said[:2] == ["early", "prepared"]
        assert sorted(said[2:]) == ["late", "sagemaker"]


def test_a_preparation_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    def prepare(stack: Stack) -> None:
        stack.wait_for_servers()
        raise StackFailed("the disk is full")

    stack = Stack(tmp_path, servers=(), processes=(), prepare=prepare)
    with pytest.raises(StackFailed, match="the disk is full"):
        run(stack)


def test_a_preparation_that_waits_for_a_server_that_never_serves_ends_with_the_stack(tmp_path: Path) -> None:
    ended = threading.Event()

    def prepare(stack: Stack) -> None:
        try:
            stack.wait_for_servers()
        except StackFailed:
            ended.set()
            raise

    (tmp_path / "postgres").touch()  # where its folder is to be
    with pytest.raises(FileExistsError):
        run(Stack(tmp_path, servers=("postgres",), processes=(), prepare=prepare))
    assert ended.is_set()
