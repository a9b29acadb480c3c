"""The folder in which a stack keeps everything: whose it is now, what it remembers, how it is emptied."""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from local.errors import DataFolderForeign, DataFolderHeld, DataFolderUnusable

STACK_FILE = "stack.json"
_LOCK_FILE = "stack.lock"


def default_data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """`VALENCE_LOCAL_DATA_DIR`, else the place where this platform keeps a user's data."""
    if named := environment.get("VALENCE_LOCAL_DATA_DIR"):
        return Path(named)
    return _user_folder(environment, "Library/Application Support", "XDG_DATA_HOME", ".local/share")


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where files lie that every stack of this user shares and that can be made again."""
    return _user_folder(environment, "Library/Caches", "XDG_CACHE_HOME", ".cache")


def _user_folder(environment: Mapping[str, str], mac: str, variable: str, default: str) -> Path:
    if sys.platform == "darwin":
        return Path.home() / mac / "valence"
    return Path(environment.get(variable) or Path.home() / default) / "valence"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Be the only stack on `folder` inside the `with`.

    The kernel lets go of the lock when the process ends, however it ends. Raises DataFolderHeld with the holder's process id, and
    DataFolderUnusable where no file can be made.
    """
    with _lock_file(folder) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DataFolderHeld(folder, lock.read().strip() or "unknown") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _lock_file(folder: Path) -> TextIO:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / _LOCK_FILE).open("a+")
    except OSError as error:
        raise DataFolderUnusable(folder, error.strerror or str(error)) from error


def reset(folder: Path) -> None:
    """Empty the data folder: topics, objects, queues, database and logs are gone.

    Raises DataFolderHeld while a stack runs on it, DataFolderForeign if it is not a folder that a stack has used.
    """
    if not folder.exists():
        return
    if any(folder.iterdir()) and not (folder / STACK_FILE).exists():
        raise DataFolderForeign(folder)
    with held(folder):
        for entry in folder.iterdir():
            if entry.name == _LOCK_FILE:
                continue  # held: whoever starts next must find the same file
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def read_stack_file(folder: Path) -> dict[str, Any]:
    """What the last stack on `folder` wrote: addresses, environment, secrets; empty if there was none."""
    path = folder / STACK_FILE
    if not path.exists():
        return {}
    contents: dict[str, Any] = json.loads(path.read_text())
    return contents


def write_stack_file(folder: Path, contents: Mapping[str, Any]) -> None:
    """Replace stack.json in one step, readable by its owner alone: it holds passwords and keys."""
    temporary = folder / f"{STACK_FILE}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(contents, file, indent=2)
        file.write("\n")
    temporary.replace(folder / STACK_FILE)
