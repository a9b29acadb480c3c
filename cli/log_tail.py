"""The last lines of log files, and then what is added to them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

#: Lines of each log that are shown at first.
LINES = 40
_BYTES = 64 * 1024
_LOOK_SECONDS = 0.3


def recent(files: Sequence[Path]) -> Iterator[str]:
    """The last lines of each file, with its name where there are several."""
    for file in files:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - _BYTES))
            for line in log.read().decode(errors="replace").splitlines()[-LINES:]:
                yield _named(file, line, files)


def follow(files: Sequence[Path]) -> Iterator[str]:
    """Lines as they are added, for ever. A log that is set aside because it has grown is read on from the start of its successor."""
    places = {file: file.stat().st_size for file in files}
    rests = dict.fromkeys(files, b"")
    while True:
        for file in files:
            size = file.stat().st_size if file.exists() else 0
            if size < places[file]:
                places[file] = 0
            if size == places[file]:
                continue
            with file.open("rb") as log:
                log.seek(places[file])
                added = log.read()
            places[file] += len(added)
            *lines, rests[file] = (rests[file] + added).split(b"\n")
            for line in lines:
                yield _named(file, line.decode(errors="replace"), files)
        time.sleep(_LOOK_SECONDS)


def _named(file: Path, line: str, files: Sequence[Path]) -> str:
    return f"{file.stem}: {line}" if len(files) > 1 else line
