"""Which uploads were begun and not finished, on this machine: so that the same command, run again, goes on with them."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from uuid import UUID

from local.data_folder import cache_folder

#: The API has forgotten by then what was begun.
_KEPT_SECONDS = 2 * 24 * 3600


class Entry:
    """What is remembered of one video: a small file with the id of its upload. Losing it costs the way that was made."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def upload_id(self) -> UUID | None:
        """The upload that this video has begun; None if there is none, or if the file was damaged."""
        try:
            return UUID(self._file.read_text().strip())
        except (FileNotFoundError, ValueError):
            return None

    def note(self, upload_id: UUID) -> None:
        """Remember an upload; it survives a crash once this returns."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_suffix(f".{os.getpid()}")
        with new.open("w") as file:
            file.write(f"{upload_id}\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._file)

    def forget(self) -> None:
        """The upload is whole."""
        self._file.unlink(missing_ok=True)


class Unsent:
    """The entries of the uploads that are on their way to one API."""

    def __init__(self, api_url: str, folder: Path | None = None) -> None:
        self._api_url = api_url
        self._folder = folder or cache_folder() / "uploads"

    def entry(self, video: Path) -> Entry:
        """The entry of a video, as it is now: changed, it has another one."""
        stat = video.stat()
        seen = f"{self._api_url} {video.resolve()} {stat.st_size} {stat.st_mtime_ns}"
        return Entry(self._folder / f"{hashlib.sha256(os.fsencode(seen)).hexdigest()[:32]}.upload")

    def tidy(self) -> None:
        """Remove entries that are of no use any more."""
        for file in self._folder.glob("*"):
            if file.stat().st_mtime < time.time() - _KEPT_SECONDS:
                file.unlink(missing_ok=True)
