"""The preparation of a stack that is told to stop."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from local.preparation import _finished
from local.stack import Stack


class Stopping(Stack):
    """A stack that was told to stop a moment ago."""

    stopping = True


def test_a_preparation_that_would_wait_for_ever_is_ended_with_its_stack(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.pause()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as waiting:
        assert _finished(waiting, Stopping(tmp_path)) == ("", "")
    assert waiting.returncode == -signal.SIGKILL
