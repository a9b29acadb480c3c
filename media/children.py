"""A child process that opens strangers' files: starting it, ending it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec

from media.limits import MediaLimits
from media.wire import Closed, Wire

#: Seconds until a new child must be ready: it imports PyAV and opens a test sound.
START_SECONDS = 60.0
_ROOT = str(Path(__file__).resolve().parent.parent)
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from media.child import main; main(int(sys.argv[2]), sys.argv[3].encode())"


class ChildFault(Exception):
    """Our own code failed in a child, or no child can be started: no file's fault, so the process should stop and say so."""


class Child:
    """One process and the conversation with it."""

    def __init__(self, limits: MediaLimits) -> None:
        self.files = 0
        self.ready = False
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, _ROOT, str(theirs.fileno()), msgspec.json.encode(limits).decode()],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                # No credentials in the environment; one thread for numpy, whose pool of threads would fill the address space.
                env={"PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )
        self.wire = Wire(ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self) -> None:
        """Wait until it has imported all it needs and opened a test sound; ChildFault when it does not get there."""
        try:
            self.wire.receive(START_SECONDS)
        except (Closed, TimeoutError) as error:
            self.kill()
            raise ChildFault(
                "a media child did not start; its error is on standard error above: "
                "check that av can be imported and that the memory limit leaves room for it"
            ) from error
        self.ready = True

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def interrupt(self) -> None:
        """End it under the hands of the thread that talks to it, which then sees it gone."""
        self._process.kill()

    def kill(self) -> int:
        """End it, whatever it does, and say how it ended."""
        self._process.kill()
        self.wire.close()
        status = self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        return status
