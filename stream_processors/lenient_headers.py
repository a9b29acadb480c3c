r"""Records whose header names are not UTF-8: the broker takes them from any writer, and aiokafka would stop at them for ever.

aiokafka's fast reader raises UnicodeDecodeError in the middle of a batch, fetches it anew, and the partition never moves. Here such a batch
is read again by aiokafka's reader in plain Python, with `\xNN` in place of the bytes of a name that are not UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy

#: The first format whose records have headers.
_WITH_HEADERS = 2


def install() -> None:
    """Let every consumer of this process read such records: header names escaped, key, value and the values of headers untouched."""
    fetcher.MemoryRecords = _Records


class _Records(_MemoryRecordsPy):  # type: ignore[misc]
    """The batches of one answer to a fetch."""

    def next_batch(self) -> Any:
        whole = self._next_slice
        batch = super().next_batch()
        if batch is None or batch.magic < _WITH_HEADERS or batch.is_control_batch:
            return batch  # the broker alone writes control batches
        return _Batch(batch, whole)


class _Batch:
    """One batch: read fast, and from the first record on that cannot be read so, leniently."""

    def __init__(self, fast: Any, whole: memoryview) -> None:
        self._fast = fast
        self._whole = whole

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fast, name)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._fast:
                yield record
                read += 1
        except UnicodeDecodeError:
            yield from islice(_LenientBatch(self._whole), read, None)


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    """A batch in plain Python, which decodes nothing but the names of headers."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _LenientBytes(self._buffer)


class _LenientBytes(bytearray):
    """Bytes whose parts can all be decoded."""

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        part = super().__getitem__(index)
        return _LenientBytes(part) if isinstance(part, bytearray) else part

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)
