"""What the supervisor must know of a process in order to start it, know that it is ready, and stop it."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_LAUNCH = str(Path(__file__).with_name("launch.py"))

State = Literal["starting", "ready", "restarting", "stopped"]


def _nothing() -> None:
    pass


def launcher(user: str | None = None, *, passage: bool = False) -> tuple[str, ...]:
    """The start of a command line that makes a program a child of ours: another user if told so, and killed when this thread ends."""
    return (sys.executable, "-I", "-S", _LAUNCH, str(os.getpid()), user or "-", "through" if passage else "-")


@dataclass(frozen=True, kw_only=True)
class Child:
    """One process of the stack, a server or one of ours."""

    name: str
    #: Whether it is a server, which is stopped after everything that uses it.
    server: bool
    #: Where it listens, for the line that says it is up.
    address: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    #: Answers whether it serves by now. Must return within some seconds and raise nothing for "not yet".
    ready: Callable[[], Awaitable[bool]]
    #: Seconds that it may take at the start of the stack.
    ready_within: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    #: Seconds between the stop signal and SIGKILL.
    grace: float
    #: Run as this user (the supervisor must be root), passing through closed folders if `passage`.
    user: str | None = None
    passage: bool = False
    #: Another name it answers to, shared by all replicas of a stage.
    group: str = ""
    #: Called when it stopped within its grace.
    stopped_cleanly: Callable[[], None] = _nothing


@dataclass(frozen=True)
class ChildStatus:
    """How a child fares."""

    name: str
    state: State
    pid: int | None
    address: str
    restarts: int
