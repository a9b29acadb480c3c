"""What a bulk ingestion has announced, in a file, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from runtime.errors import ValenceError

_LINE_BYTES = 33  # a UUID in hex and the end of the line


class JournalDamaged(ValenceError):
    """The file is not a journal of ours."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not a journal of upload ids: remove it and ingest again; nothing is analysed twice")


class Journal:
    """The ids of the uploads that the broker has acknowledged, one a line, in a file that only grows. Use it as `with`.

    Losing the file costs nothing but time: what is announced again is dropped by the chain, since its id is the same.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        self._file.seek(0)
        contents = self._file.read()
        whole = len(contents) - len(contents) % _LINE_BYTES
        try:
            self._ids = {UUID(line.decode()) for line in contents[:whole].splitlines()}
        except ValueError as error:
            self._file.close()
            raise JournalDamaged(path) from error
        self._file.truncate(whole)  # a line that a crash cut short was not written

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def __contains__(self, upload_id: UUID) -> bool:
        return upload_id in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, upload_ids: Iterable[UUID]) -> None:
        """Remember ids; they survive a crash once this returns."""
        new = list(upload_ids)
        self._file.write(b"".join(id.hex.encode() + b"\n" for id in new))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._ids.update(new)
