"""Running `valence` as its users do: in a process of its own, judged by its exit code and its two outputs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: Every variable by which a command could find servers or a stack other than the one that a test means.
_FOREIGN = ("VALENCE_", "DATABASE_URL", "KAFKA_", "AWS_")
#: The demo starts everything and listens to a whole clip, on a machine that may have other work.
_PATIENCE_SECONDS = 300


def environment(tmp_path: Path, **variables: str) -> dict[str, str]:
    """An environment in which nothing is known but what is given; the local stack, reports and journals have folders of the test's own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    own = {"VALENCE_LOCAL_DATA_DIR": str(tmp_path / "no-stack"), "TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    own["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    return {**inherited, **own, **variables}


def valence(tmp_path: Path, *arguments: str, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. It never prints a stack trace, nor control codes where nothing is a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env=environment(tmp_path, **variables),
        input=typed,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    return done


def started(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    """A command that goes on; both its outputs are one."""
    command = [sys.executable, "-m", "cli", *arguments]
    return subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def until(process: subprocess.Popen[str], words: str) -> None:
    """Read what a command prints up to the first line with these words."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return
    raise AssertionError(f"it ended before it said {words!r}:\n{''.join(lines)}")
