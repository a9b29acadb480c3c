"""Where processor time goes: seconds of user and system time of every child of a stack, with all that it started. Linux only."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from local.child import ChildStatus

_TICKS = os.sysconf("SC_CLK_TCK")
# Behind the program's name, which may hold spaces. Source: proc_pid_stat(5).
_PARENT, _UTIME, _CSTIME = 1, 11, 14


class _Process(NamedTuple):
    parent: int
    seconds: float


def processor_seconds(children: list[ChildStatus]) -> dict[str, float]:
    """Seconds used so far by each child and its descendants, by the child's name, and by this process as "load generator"."""
    processes = _processes()
    descendants = defaultdict(list)
    for pid, process in processes.items():
        descendants[process.parent].append(pid)

    def total(pid: int) -> float:
        own = processes[pid].seconds if pid in processes else 0.0
        return own + sum(total(child) for child in descendants[pid])

    own = os.times()
    return {**{child.name: total(child.pid or 0) for child in children}, "load generator": own.user + own.system}


def _processes() -> dict[int, _Process]:
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        # Its own time, and that of its children that have ended.
        ticks = sum(int(field) for field in fields[_UTIME : _CSTIME + 1])
        found[int(folder.name)] = _Process(int(fields[_PARENT]), ticks / _TICKS)
    return found
