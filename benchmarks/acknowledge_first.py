"""The mistake that the soak must find: a stage that acknowledges a record before it has worked on it.

`python -m benchmarks.acknowledge_first STAGE` runs a stage so; `python -m benchmarks.soak --acknowledge-first` puts it in the stack.
"""

from __future__ import annotations

import sys
from typing import Any

import stream_processors.__main__ as stages
from stream_processors.engine import Engine


class _Deaf:
    """Takes the acknowledgements that come too late."""

    async def ack(self, event: Any) -> None:
        """The event was acknowledged before."""


class AcknowledgeFirst(Engine):
    """The engine with its one promise broken."""

    async def _work(self, stream: Any, record: Any) -> None:
        await stream.ack(record.event)
        await super()._work(_Deaf(), record)


if __name__ == "__main__":
    setattr(stages, "Engine", AcknowledgeFirst)  # noqa: B010 - to mypy a class is no variable
    stages.main(sys.argv[1:])
