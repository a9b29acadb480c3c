"""What the supervisor promises, shown with small children of Python; Linux's /proc tells what is left."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from local import keeper
from local.child import Child
from local.errors import ChildUnknown, StackFailed
from local.supervisor import Supervisor

SERVES = "import pathlib, signal, sys; pathlib.Path(sys.argv[1]).touch(); signal.pause()"
DIES = "print('the disk is full'); raise SystemExit(3)"
SERVES_AT_THE_SEVENTH_START = (
    """
import pathlib, signal, sys
starts = pathlib.Path(sys.argv[2])
with starts.open("a") as file:
    print("started", file=file)
if len(starts.read_text().split()) < 7:
    raise SystemExit(1)
"""
    + SERVES
)
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SERVES
HAS_CHILDREN = "import subprocess, sys; subprocess.Popen(['sleep', '1000']); " + SERVES
NOTES_ITS_END = """
import pathlib, signal, sys
def end(*_):
    with open(sys.argv[2], "a") as order:
        print(sys.argv[3], file=order)
    raise SystemExit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1]).touch()
while True:
    signal.pause()
"""


def child(folder: Path, program: str, *arguments: str, name: str = "one", **changes: Any) -> Child:
    ready = folder / f"{name}.ready"

    async def answers() -> bool:
        return ready.exists()

    fields: dict[str, Any] = {"server": False, "grace": 10.0, "environment": dict(os.environ), "folder": folder, "ready": answers}
    argv = (sys.executable, "-S", "-c", program, str(ready), *arguments)
    return Child(**{"name": name, "address": "nowhere", "argv": argv, **fields, **changes})


class Lines(list[str]):
    """What was reported, and a way to wait for a line."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def add(self, line: str) -> None:
        self.append(line)
        self._more.set()

    async def until(self, wanted: Callable[[str], bool]) -> str:
        async with asyncio.timeout(20):
            while not (found := [line for line in self if wanted(line)]):
                self._more.clear()
                await self._more.wait()
        return found[0]


def pid_of(supervisor: Supervisor, name: str = "one") -> int:
    pid = next(status.pid for status in supervisor.status() if status.name == name)
    assert pid is not None
    return pid


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


async def test_a_dead_child_is_reported_with_the_last_lines_of_its_log_and_started_again(tmp_path: Path) -> None:
    lines = Lines()
    async with Supervisor(tmp_path / "logs", lines.add) as supervisor:
        await supervisor.start([child(tmp_path, "print('last words', flush=True); " + SERVES)])
        first = pid_of(supervisor)
        os.kill(first, signal.SIGKILL)
        report = await lines.until(lambda line: "died" in line)
        assert "one died (killed by SIGKILL)" in report
        assert "last words" in report
        await lines.until(lambda _: sum("is ready" in line for line in lines) == 2)
        assert pid_of(supervisor) != first


async def test_five_deaths_within_a_minute_stop_the_stack_and_say_why(tmp_path: Path) -> None:
    lines = Lines()
    async with Supervisor(tmp_path / "logs", lines.add) as supervisor:
        with pytest.raises(StackFailed, match=r"(?s)one died 5 times within a minute, last exit code 3.*the disk is full"):
            await supervisor.start([child(tmp_path, DIES)])
    delays = [line.split("restarting it in ")[1].split(" s")[0] for line in lines if "died" in line]
    assert delays == ["0.25", "0.5", "1", "2"]


async def test_a_server_whose_disk_is_full_is_started_until_there_is_room_and_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "ROOM_BYTES", 1 << 62)
    monkeypatch.setattr(keeper, "FULL_DISK_PAUSE", 0.01)
    lines = Lines()
    async with Supervisor(tmp_path / "logs", lines.add) as supervisor:
        await supervisor.start([child(tmp_path, SERVES_AT_THE_SEVENTH_START, str(tmp_path / "starts"), server=True)])
    (told,) = [line for line in lines if "died" in line]
    assert f"one died (exit code 1): the disk under {tmp_path} is full" in told
    assert "Make room" in told


async def test_a_full_disk_excuses_no_death_of_our_own_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "ROOM_BYTES", 1 << 62)
    monkeypatch.setattr(keeper, "_FIRST_BACKOFF", 0.01)
    async with Supervisor(tmp_path / "logs", lambda _: None) as supervisor:
        with pytest.raises(StackFailed, match="one died 5 times"):
            await supervisor.start([child(tmp_path, DIES)])


async def test_a_kill_that_was_asked_for_is_no_death_however_often(tmp_path: Path) -> None:
    lines = Lines()
    async with Supervisor(tmp_path / "logs", lines.add) as supervisor:
        await supervisor.start([child(tmp_path, SERVES)])
        for _ in range(6):
            before = pid_of(supervisor)
            supervisor.kill("one", signal.SIGKILL)
            await supervisor.until_ready()
            assert pid_of(supervisor) != before
    assert not [line for line in lines if "died" in line]


async def test_a_restart_ends_the_old_process_before_the_new_one_starts(tmp_path: Path) -> None:
    order = tmp_path / "order"
    async with Supervisor(tmp_path / "logs", lambda _: None) as supervisor:
        await supervisor.start([child(tmp_path, NOTES_ITS_END, str(order), "ended by SIGTERM")])
        old = pid_of(supervisor)
        await supervisor.restart("one")
        assert order.read_text() == "ended by SIGTERM\n"
        assert not psutil.pid_exists(old)
        assert pid_of(supervisor) != old


async def test_a_stage_is_known_by_its_name_and_each_replica_by_its_own(tmp_path: Path) -> None:
    replicas = [child(tmp_path, SERVES, name=f"validate-{slot}", group="validate") for slot in range(2)]
    async with Supervisor(tmp_path / "logs", lambda _: None) as supervisor:
        await supervisor.start(replicas)
        before = [pid_of(supervisor, "validate-0"), pid_of(supervisor, "validate-1")]
        await supervisor.restart("validate-1")
        assert pid_of(supervisor, "validate-0") == before[0]
        await supervisor.restart("validate")
        assert pid_of(supervisor, "validate-0") != before[0]
        with pytest.raises(ChildUnknown, match=r"nothing in this stack is called 'persist'; there are validate-0, validate-1"):
            supervisor.kill("persist", signal.SIGKILL)


async def test_our_processes_are_stopped_before_the_servers_that_they_need(tmp_path: Path) -> None:
    order = tmp_path / "order"
    async with Supervisor(tmp_path / "logs", lambda _: None) as supervisor:
        await supervisor.start([child(tmp_path, NOTES_ITS_END, str(order), "server", name="server", server=True)])
        await supervisor.start([child(tmp_path, NOTES_ITS_END, str(order), "ours", name="ours")])
    assert order.read_text().split() == ["ours", "server"]


async def test_a_child_that_does_not_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    async with Supervisor(tmp_path / "logs", lambda _: None) as supervisor:
        await supervisor.start([child(tmp_path, DEAF, grace=0.1)])
        deaf = pid_of(supervisor)
    assert not psutil.pid_exists(deaf)


async def test_what_a_child_has_started_does_not_outlive_it(tmp_path: Path) -> None:
    lines = Lines()
    async with Supervisor(tmp_path / "logs", lines.add) as supervisor:
        await supervisor.start([child(tmp_path, HAS_CHILDREN)])
        [sleeper] = descendants(pid_of(supervisor))
        os.kill(pid_of(supervisor), signal.SIGKILL)
        await lines.until(lambda line: "died" in line)
        await asyncio.to_thread(psutil.wait_procs, [sleeper], 10)
        assert not sleeper.is_running()


async def test_a_child_that_never_serves_fails_the_start_by_name(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async with Supervisor(tmp_path / "logs", lambda _: None) as supervisor:
        with pytest.raises(StackFailed, match=r"one was not ready after 0\.3 s; its log is empty"):
            await supervisor.start([child(tmp_path, SERVES, ready=never, ready_within=0.3)])


async def test_a_fault_in_a_readiness_question_is_not_swallowed(tmp_path: Path) -> None:
    async def broken() -> bool:
        raise ZeroDivisionError

    async with Supervisor(tmp_path / "logs", lambda _: None) as supervisor:
        with pytest.raises(ZeroDivisionError):
            await supervisor.start([child(tmp_path, SERVES, ready=broken)])


SUPERVISES = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_local_supervisor import HAS_CHILDREN, child
from local.supervisor import Supervisor
async def main():
    folder = Path(sys.argv[1])
    async with Supervisor(folder / "logs", lambda line: None) as supervisor:
        await supervisor.start([child(folder, HAS_CHILDREN)])
        print("up", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def start_supervisor(folder: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    command = [sys.executable, "-c", SUPERVISES, str(folder)]
    supervisor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == "up\n"
    supervisor.stdout.close()
    return supervisor, descendants(supervisor.pid)


def test_a_killed_supervisor_leaves_no_child_and_no_child_of_a_child(tmp_path: Path) -> None:
    supervisor, family = start_supervisor(tmp_path)
    assert "sleep" in {process.name() for process in family}
    supervisor.kill()
    supervisor.wait()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []


if sys.platform == "linux":  # elsewhere there is no parent-death signal and the watchdog stands alone

    def test_children_die_with_a_killed_supervisor_even_if_its_watchdog_was_killed_first(tmp_path: Path) -> None:
        supervisor, family = start_supervisor(tmp_path)
        [sleeper] = [process for process in family if process.name() == "sleep"]
        for process in family:
            if "watchdog.py" in " ".join(process.cmdline()):
                process.kill()
        supervisor.kill()
        supervisor.wait()
        _, alive = psutil.wait_procs([process for process in family if process != sleeper], timeout=10)
        sleeper.kill()  # nobody promised this one: its own parent did not ask for the signal
        assert alive == []
