"""The examples of a page of documentation, run as a reader would: all of one language, from top to bottom, as one program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

DOCS = Path(__file__).parents[1] / "docs"
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_SECONDS = 120


def _node() -> str:
    """Playwright brings its own Node: whoever can run the tests has it."""
    return str(compute_driver_executable()[0])


#: How a program of each language is run.
PROGRAMS = {
    "sh": lambda file: ["bash", "-euo", "pipefail", file],
    "python": lambda file: [sys.executable, file],
    "js": lambda file: [_node(), file],
}
_SUFFIX = {"sh": "sh", "python": "py", "js": "mjs"}


def examples(page: str, language: str) -> str:
    """The examples of a page in one language, one after another."""
    found = [block["code"] for block in _BLOCK.finditer((DOCS / page).read_text()) if block["language"] == language]
    assert found, f"docs/{page} has no example in {language}"
    return "\n".join(found)


def run(page: str, language: str, folder: Path, **environment: str) -> str:
    """Run a page's examples of one language in a folder; returns what they print. A failure shows what went wrong."""
    file = folder / f"example.{_SUFFIX[language]}"
    file.write_text(examples(page, language))
    done = subprocess.run(
        PROGRAMS[language](str(file)),
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"docs/{page}, the examples in {language}:\n{done.stdout}{done.stderr}"
    return done.stdout
