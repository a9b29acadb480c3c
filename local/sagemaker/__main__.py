"""The stand-in for a SageMaker asynchronous endpoint: `python -m local.sagemaker`.

It answers InvokeEndpointAsync to an unmodified boto3 client, in front of the model's container. An accepted invocation is on disk before
its 202 and is finished after a restart. Like the real endpoint it never deduplicates.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import uvicorn

from local.sagemaker.answers import Answers, InstantAnswers, ModelContainer, container_client
from local.sagemaker.app import App
from local.sagemaker.backlog import Backlog
from local.sagemaker.faults import FaultRule, Faults
from local.sagemaker.workers import Workers
from runtime import settings, telemetry
from runtime.errors import SettingsError
from runtime.health import Readiness
from runtime.process import leave_after
from runtime.queue import SqsQueue
from runtime.settings import Positive
from runtime.storage import S3Storage

#: How long replies that have begun may take after SIGTERM; what was accepted is on disk and needs no time.
_GRACE_SECONDS = 3
#: The longest that the process may take to leave.
_LEAVE_SECONDS = 9

log = logging.getLogger(__name__)


class AnswersFrom(StrEnum):
    """`VALENCE_SAGEMAKER_ANSWER`: who answers."""

    MODEL = "model"
    INSTANT = "instant"


class Model(msgspec.Struct, frozen=True):
    """`VALENCE_MODEL_URL`: the model's container."""

    url: str = "http://127.0.0.1:8080"


class SageMaker(msgspec.Struct, frozen=True):
    """`VALENCE_SAGEMAKER_*`: the stand-in.

    `data_dir` keeps what was accepted. `concurrency` is how many invocations are worked on at once, `delay_seconds` how much longer each of
    them takes. `faults` is a JSON list of fault rules, like `[{"fault": "throttled", "ratio": 0.1}]`.
    """

    data_dir: str = ""
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8_081
    concurrency: Positive = 2
    answer: AnswersFrom = AnswersFrom.MODEL
    delay_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    faults: str = "[]"


class _Server(uvicorn.Server):
    """uvicorn would raise the signal again when it is done: here the process leaves by itself."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # as uvicorn declares it
        yield


def _rules(text: str) -> list[FaultRule]:
    try:
        return msgspec.json.decode(text, type=list[FaultRule])
    except msgspec.MsgspecError as error:
        raise SettingsError(f"VALENCE_SAGEMAKER_FAULTS is {text!r}: expected a JSON list of fault rules: {error}") from error


async def serve(configuration: SageMaker) -> None:
    """Serve until SIGTERM or SIGINT."""
    faults = Faults(_rules(configuration.faults))
    readiness = Readiness()
    storage = S3Storage()
    backlog = Backlog(Path(configuration.data_dir) / "backlog.sqlite")
    answers: Answers = InstantAnswers()
    if configuration.answer is AnswersFrom.MODEL:
        answers = ModelContainer(container_client(settings.section("model", Model).url), storage)
    workers = Workers(
        backlog,
        storage,
        SqsQueue(settings.section("notices", settings.Notices).queue_name),
        answers,
        faults,
        readiness,
        concurrency=configuration.concurrency,
        delay_seconds=configuration.delay_seconds,
    )
    app = App(
        endpoint_name=settings.section("inference", settings.Inference).endpoint_name,
        bucket=settings.section("storage", settings.Storage).bucket,
        backlog=backlog,
        workers=workers,
        faults=faults,
        readiness=readiness,
    )
    server = _Server(
        uvicorn.Config(
            app,
            host=configuration.host,
            port=configuration.port,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )

    def stop() -> None:
        server.should_exit = True
        leave_after(_LEAVE_SECONDS)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    working = asyncio.create_task(workers.run())
    working.add_done_callback(lambda _: setattr(server, "should_exit", True))  # a fault in the work must not go unseen
    readiness.started = True
    await server.serve()
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    backlog.close()


def main() -> None:
    """Run the stand-in; leaves with code 2 and a plain message if a setting is wrong."""
    try:
        configuration = settings.section("sagemaker", SageMaker)
        if not configuration.data_dir:
            raise SettingsError("VALENCE_SAGEMAKER_DATA_DIR must be set: the folder that keeps accepted invocations")
        telemetry.configure("local.sagemaker")
        asyncio.run(serve(configuration))
    except SettingsError as error:
        print(f"valence local.sagemaker: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    except Exception:
        log.critical("crashed on purpose: this error was not expected, and what was accepted is on disk", exc_info=True)
        os._exit(1)
    os._exit(0)  # without waiting for threads that may be stuck in a call


if __name__ == "__main__":
    main()
