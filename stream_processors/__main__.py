"""`python -m stream_processors STAGE`: run one stage; the only place where the stages are put together."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from media.pool import MediaPool
from runtime import process
from runtime.database import Database
from runtime.inference import SageMakerEndpoint
from runtime.process import Process
from runtime.settings import Settings
from runtime.storage import S3Storage
from schemas import topics
from stream_processors.invoke import Invoke
from stream_processors.persist import Persist
from stream_processors.stage import Stage
from stream_processors.validate import Validate

if TYPE_CHECKING:
    from stream_processors.engine import Engine


def _validate(settings: Settings, database: Database) -> Stage:
    pool = MediaPool(settings.limits.of_media)
    pool.begin()
    handler = Validate(settings, database, S3Storage(), pool)
    return Stage(name="validate", topic=topics.UPLOADS_RECEIVED, handle=handler.handle, wait_ready=pool.wait_ready)


def _invoke(settings: Settings, database: Database) -> Stage:
    handler = Invoke(settings, database, S3Storage(), SageMakerEndpoint(settings.inference))
    return Stage(name="invoke", topic=topics.UPLOADS_VALIDATED, handle=handler.handle)


def _persist(settings: Settings, database: Database) -> Stage:
    handler = Persist(database, S3Storage())
    return Stage(name="persist", topic=topics.INFERENCE_COMPLETED, handle=handler.handle)


STAGES: dict[str, Callable[[Settings, Database], Stage]] = {"validate": _validate, "invoke": _invoke, "persist": _persist}


def engine() -> type[Engine]:
    """The engine under every stage. Faust is what takes longest to import: meanwhile the children that open media start beside it."""
    from stream_processors.engine import Engine

    return Engine


def main(arguments: list[str]) -> None:
    """Run the stage that is named; leaves with code 2 for a name that is none."""
    if len(arguments) != 1 or arguments[0] not in STAGES:
        raise SystemExit(f"usage: python -m stream_processors {{{','.join(STAGES)}}}")
    name = arguments[0]

    async def work(running: Process) -> None:
        stage = STAGES[name](running.settings, Database(running.settings.database_url))
        ours = engine()(stage, running)
        stage.wait_ready()
        await ours.run()

    process.run(f"stream-processors.{name}", work)


if __name__ == "__main__":
    main(sys.argv[1:])
