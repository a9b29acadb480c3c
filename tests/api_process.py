"""The API as a real process, for tests over HTTP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import httpx

#: Small, so that a test can exceed it.
UPLOAD_LIMIT = 32 * 1024**2


@dataclass
class ApiProcess:
    """A running API: where it is, and its process."""

    url: str
    process: subprocess.Popen[bytes]
    #: Where it serves /readyz and /metrics.
    health_url: str

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


@contextmanager
def running(module: str, environment: dict[str, str], url: str, *, page: str, health_url: str = "") -> Iterator[ApiProcess]:
    """A process of ours until the end of the body, from the moment that its page is there, at `health_url` where that is another port."""
    process = subprocess.Popen([sys.executable, "-m", module], env={**os.environ, **environment})
    try:
        wait_until(lambda: process.poll() is not None or _answers((health_url or url) + page), 60)
        assert process.poll() is None, f"{module} has ended with code {process.returncode}"
        yield ApiProcess(url, process, health_url or url)
    finally:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Return as soon as a condition holds; fail if it never does."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError(f"not so after {seconds} s")


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


Starter = Callable[..., AbstractContextManager[ApiProcess]]
