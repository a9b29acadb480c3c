"""One log file a child, appended to over restarts, the last one kept when it grows."""

from pathlib import Path
from typing import IO

_LARGEST = 16 * 1024 * 1024
_TAIL_LINES = 15
_TAIL_BYTES = 16 * 1024


def open_log(path: Path) -> IO[bytes]:
    """Open a child's log for appending, as its standard output; a large one is set aside as NAME.log.1 first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LARGEST:
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab")


def last_lines(path: Path) -> list[str]:
    """The last lines of a log, to say why a child died."""
    if not path.exists():
        return []
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
