"""The process that opens strangers' files: it has no credentials and no files, only a socket to its parent, who reads for it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path

import msgspec

from media.guard import confine
from media.limits import MediaLimits, Rejected
from media.probe import probe
from media.ranges import MemoryRanges
from media.wire import RANGE, Closed, Refusal, Tag, Task, Wire

#: A fifth of a second of H.264 and AAC, made by `python -m tests.media_samples`.
_GOOD_FILE = Path(__file__).with_name("self_test.mp4")


class SourceFailed(Exception):
    """The parent could not read the source; it knows why."""


class ParentRanges:
    """The source as the parent reads it."""

    def __init__(self, wire: Wire, size: int) -> None:
        self._wire = wire
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    def read_range(self, offset: int, length: int) -> bytes:
        self._wire.send(Tag.READ, RANGE.pack(offset, length))
        tag, data = self._wire.receive()
        if tag is Tag.SOURCE_FAILED:
            raise SourceFailed
        return bytes(data)


def main(descriptor: int, limits: bytes) -> None:
    """Serve the parent at the other end of `descriptor` until it closes."""
    # A signal to the whole group is meant for the parent, which must not take our death for the fault of a file.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    confine(msgspec.json.decode(limits, type=MediaLimits))
    wire = Wire(socket.socket(fileno=descriptor))
    _self_test()
    try:
        wire.send(Tag.READY)
        while True:
            _, task = wire.receive()
            _serve(wire, msgspec.json.decode(task, type=Task))
    except Closed:
        return


def _serve(wire: Wire, task: Task) -> None:
    source = ParentRanges(wire, task.size)
    try:
        if task.thumbnail:
            from media.thumbnail import thumbnail  # numpy with it, as below

            tag, outcome = Tag.THUMBNAIL, thumbnail(source, task.limits) or b""
        else:
            found = _decode(wire, source, task) if task.decode else probe(source, task.limits)
            tag, outcome = Tag.DONE, msgspec.json.encode(found)
    except Closed:
        raise
    except SourceFailed:
        wire.send(Tag.STOPPED)
    except Rejected as rejected:
        wire.send(Tag.REJECTED, msgspec.json.encode(Refusal(code=rejected.code, message=rejected.message)))
    except Exception:
        # The parent raises it: a fault of ours must stop the stage instead of refusing every file there is.
        wire.send(Tag.FAULT, traceback.format_exc().encode("utf-8", "replace"))
    else:
        wire.send(tag, outcome)


def _decode(wire: Wire, source: ParentRanges, task: Task) -> msgspec.Struct:
    from media.decode import decode  # numpy with it, which a child that only looks does without
    from media.pictures import Picture

    def watch(picture: Picture) -> None:
        wire.send(Tag.PICTURE, picture.packed())

    blocks = decode(source, task.limits, captions=task.captions, pictures=watch if task.pictures else None)
    while True:
        try:
            block = next(blocks)
        except StopIteration as end:
            outcome: msgspec.Struct = end.value
            return outcome
        wire.send(Tag.SOUND, block.tobytes())


def _self_test() -> None:
    """Open a good file: a child that cannot must not begin to refuse the files of others."""
    info = probe(MemoryRanges(_GOOD_FILE.read_bytes()), MediaLimits())
    if info.video is None or info.audio is None:
        raise RuntimeError(f"the self-test found {info} in {_GOOD_FILE.name}, which has pictures and sound: this PyAV does not work here")


def _die_with_parent() -> None:
    """End this process when standard input closes, which is when the parent is gone, even while a file keeps us busy."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)
