"""`valence local` as its users run it: everything real, and nothing left behind."""

from __future__ import annotations

import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from local.data_folder import STACK_FILE, read_stack_file
from local.processes import PROCESSES
from local.servers import SERVERS
from samples.script import ERRAND
from tests.command_line import started, until, valence


class Up(NamedTuple):
    """A stack that `valence local up` keeps running."""

    process: subprocess.Popen[str]
    data: Path

    @property
    def family(self) -> list[psutil.Process]:
        """Every process of it but its own."""
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def local_up(data: Path) -> Iterator[Up]:
    """The stack on a data folder, once it is up."""
    with started(data.parent, "local", "up", "--data", str(data)) as process:
        until(process, f"valence analyse FILE --data {data}")
        yield Up(process, data)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A stack for the tests here, of which the last one kills it; on what it leaves it comes up again, until Ctrl-C ends it with 0."""
    data = tmp_path_factory.mktemp("local") / "data"
    with local_up(data) as stack:
        yield stack
        stack.process.kill()
    with local_up(data) as stack:
        left = stack.family
        stack.process.send_signal(signal.SIGINT)
        stack.process.communicate(timeout=60)
    assert stack.process.returncode == 0
    assert psutil.wait_procs(left, timeout=10)[1] == []


@pytest.fixture
def folder(up: Up) -> Path:
    """The data folder of the stack that is up."""
    return up.data


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return valence(folder.parent, *arguments, "--data", str(folder))


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    return {line.split()[0]: line.split() for line in done.stdout.splitlines()[2:]}


def test_status_shows_every_server_and_process_as_ready(folder: Path) -> None:
    done = run(folder, "local", "status")
    assert done.returncode == 0
    names = {name.removesuffix("-0") for name in rows(done)}
    assert names == {*SERVERS, *(process.name for process in PROCESSES)}
    assert {row[1] for row in rows(done).values()} == {"ready"}


def test_the_local_key_is_kept_where_only_its_owner_can_read_it(folder: Path) -> None:
    assert stat.S_IMODE((folder / STACK_FILE).stat().st_mode) == 0o600
    assert read_stack_file(folder)["api_key"].startswith("val_live_")


def test_commands_find_the_api_and_the_servers_by_the_data_folder_alone(folder: Path) -> None:
    assert run(folder, "uploads", "list").returncode == 0
    assert "local" in run(folder, "accounts", "list").stdout


def test_a_restart_comes_back_on_the_same_address_as_another_process(folder: Path) -> None:
    before = rows(run(folder, "local", "status"))["status-projector"]
    after = rows(run(folder, "local", "restart", "status-projector"))["status-projector"]
    assert after[2] == before[2]
    assert after[3] != before[3]


def test_logs_are_those_of_the_one_that_is_named(folder: Path) -> None:
    done = run(folder, "local", "logs", "api")
    assert done.returncode == 0
    assert '"process": "api"' in done.stdout
    unknown = run(folder, "local", "logs", "nobody")
    assert unknown.returncode == 2
    assert "there is no log of nobody" in unknown.stderr
    assert "outbox-relay" in unknown.stderr


def test_what_is_not_in_the_stack_is_named_with_what_is(folder: Path) -> None:
    done = run(folder, "local", "kill", "nobody")
    assert done.returncode == 1
    assert "'nobody'" in done.stderr
    assert "outbox-relay" in done.stderr


def test_a_running_stack_is_not_emptied(folder: Path) -> None:
    done = run(folder, "local", "reset", "--yes")
    assert done.returncode == 1
    assert "is held by the stack of process" in done.stderr
    assert (folder / "postgres").is_dir()


def test_a_second_stack_on_the_same_folder_is_refused(folder: Path) -> None:
    done = run(folder, "local", "up")
    assert done.returncode == 1
    assert "is held by the stack of process" in done.stderr


def test_a_sigkill_of_the_stack_while_a_video_is_analysed_leaves_no_process(up: Up) -> None:
    """The last test that needs the stack: those that open media and those that listen end too, which are children of children."""
    sending = started(up.data.parent, "analyse", str(ERRAND), "--data", str(up.data))
    with sending:
        until(sending, "errand.mp4: analysing")
        family = up.family
        (model,) = (process for process in family if process.cmdline()[1:] == ["-m", "model"])
        assert len(model.children()) >= 4
        up.process.kill()
        sending.kill()
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_without_a_stack_status_ends_with_3_and_says_how_to_start_one(tmp_path: Path) -> None:
    done = valence(tmp_path, "local", "status")
    assert done.returncode == 3
    assert "`valence local up`" in done.stderr


def test_reset_asks_and_then_empties_only_what_a_stack_has_used(tmp_path: Path) -> None:
    used, foreign = tmp_path / "used", tmp_path / "foreign"
    for place in (used, foreign):
        place.mkdir()
        (place / "something").touch()
    (used / STACK_FILE).write_text("{}")
    assert valence(tmp_path, "local", "reset", "--data", str(used)).returncode == 130  # nobody answers the question
    assert (used / "something").exists()
    assert valence(tmp_path, "local", "reset", "--yes", "--data", str(used)).returncode == 0
    assert not (used / "something").exists()
    assert valence(tmp_path, "local", "reset", "--yes", "--data", str(foreign)).returncode == 1
    assert (foreign / "something").exists()
