"""A stage with a witness: what it is given is written down first, so that the soak can count what came again after a kill.

`python -m benchmarks.witnessed STAGE` runs the product's stage so. With `--acknowledge-first` it makes the mistake that the soak must
find: it acknowledges a record before it has worked on it.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import stream_processors.__main__ as stages
from local.data_folder import default_data_folder

if TYPE_CHECKING:
    from stream_processors.engine import Engine

_FOLDER = "deliveries"


class _Deaf:
    """Takes the acknowledgements that come too late."""

    async def ack(self, event: Any) -> None:
        """The event was acknowledged before."""


def witnessed(engine: type[Engine], *, acknowledge_first: bool) -> type[Engine]:
    """The engine, which writes a line for each record before it works on it; a SIGKILL takes back no line. With `acknowledge_first` its
    one promise is broken."""

    class Witnessed(engine):  # type: ignore[misc, valid-type]  # the engine is a value here: it is imported as late as in the product
        async def _work(self, stream: Any, record: Any) -> None:
            message = record.event.message
            folder = default_data_folder() / _FOLDER
            folder.mkdir(exist_ok=True)
            with (folder / str(os.getpid())).open("a") as lines:
                lines.write(f"{message.topic} {message.partition} {message.offset}\n")
            if acknowledge_first:
                await stream.ack(record.event)
            await super()._work(_Deaf() if acknowledge_first else stream, record)

    return Witnessed


def redelivered(data: Path) -> Counter[str]:
    """Records that the stages of a stack were given more than once, by topic."""
    given = Counter(line for file in (data / _FOLDER).iterdir() for line in file.read_text().splitlines())
    return Counter(line.split()[0] for line, times in given.items() if times > 1)


if __name__ == "__main__":
    stage, *options = sys.argv[1:]
    product = stages.engine
    stages.engine = lambda: witnessed(product(), acknowledge_first=options == ["--acknowledge-first"])
    stages.main([stage])
