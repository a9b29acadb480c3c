"""The container's HTTP: `GET /ping` and `POST /invocations`, as SageMaker asks for them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus

import msgspec

from model import handler
from model.errors import Busy, ModelError, OutOfMemory
from model.pipeline import Analyser, Video
from model.requests import ClientGone, Message, Receive, Send, video_body, whole_body
from model.settings import Settings
from schemas.failures import Failure

_log = logging.getLogger(__name__)

#: Invocations that are taken at once, worked on or waiting: as many as SageMaker may send to a container. A waiting one holds a connection
#: and as much of its body as the server reads ahead, some 64 KiB.
MOST_INVOCATIONS = 1000


@dataclass(frozen=True)
class Reply:
    """What is answered: status, body, and its type where there is a body."""

    status: HTTPStatus
    body: bytes = b""


def refusal(status: HTTPStatus, code: str, message: str, *, retryable: bool = False) -> Reply:
    """An error's answer: JSON with `code`, `message` and `retryable`."""
    return Reply(status, msgspec.json.encode(Failure(code=code, message=message, retryable=retryable)))


def _refused(error: ModelError) -> Reply:
    return refusal(error.status, error.code, str(error), retryable=error.retryable)


class Server:
    """The ASGI application. It answers `/ping` from the start, with 503 until `load` has returned the models.

    Videos are analysed in threads, `concurrent_videos` at a time; up to MOST_INVOCATIONS wait before their body is read, and more are
    refused as Busy. When loading fails, `failed` is called and the error is kept in `load_error`.
    """

    def __init__(self, settings: Settings, load: Callable[[], Analyser], failed: Callable[[], None]) -> None:
        self.load_error: Exception | None = None
        self._settings = settings
        self._load = load
        self._failed = failed
        self._pipeline: Analyser | None = None
        self._loading: asyncio.Task[None] | None = None
        self._taken = 0
        self._turns = asyncio.Semaphore(settings.concurrent_videos)
        self._threads = ThreadPoolExecutor(settings.concurrent_videos, thread_name_prefix="video")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            try:
                reply = await self._answer(scope, receive)
            except ClientGone:
                return
            await _send(reply, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._loading = asyncio.create_task(self._start())
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _start(self) -> None:
        try:
            self._pipeline = await asyncio.to_thread(self._load)
        except Exception as error:
            self.load_error = error
            self._failed()

    async def _stop(self) -> None:
        if self._loading is not None:
            await self._loading
        if self._pipeline is not None:
            await asyncio.to_thread(self._pipeline.close)
        self._threads.shutdown()

    async def _answer(self, scope: Message, receive: Receive) -> Reply:
        route = (scope["method"], scope["path"])
        if route == ("GET", "/ping"):
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE if self._pipeline is None else HTTPStatus.OK)
        if route != ("POST", "/invocations"):
            return refusal(HTTPStatus.NOT_FOUND, "not_found", f"there is no {route[0]} {route[1]}: GET /ping and POST /invocations exist")
        if self._pipeline is None:
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "loading", "the models are being loaded: try again shortly", retryable=True)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            with self._place():
                async with self._turns:
                    return Reply(HTTPStatus.OK, await self._invoke(self._pipeline, headers, receive))
        except ModelError as error:
            _log.warning("refused: %s: %s", error.code, error)
            return _refused(error)
        except ClientGone:
            raise
        except asyncio.CancelledError:  # the time to drain is over; the answer can still be sent
            message = "the container is being stopped and this video was not finished in time: try again"
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "shutting_down", message, retryable=True)
        except Exception as error:
            if OutOfMemory.is_meant_by(error):
                _log.exception("an invocation ran out of memory")
                return _refused(OutOfMemory())
            _log.exception("an invocation failed for a reason that nobody foresaw")
            message = "the model failed on this video for a reason that is in its log"
            return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "inference_error", message, retryable=True)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._taken >= MOST_INVOCATIONS:
            raise Busy(self._taken)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def _invoke(self, pipeline: Analyser, headers: MutableMapping[str, str], receive: Receive) -> bytes:
        content_type, accept = headers.get("content-type", ""), headers.get("accept", handler.JSON)
        if handler.is_video(content_type):
            async with video_body(headers, receive, self._settings.body_bytes) as source:
                return await self._in_thread(pipeline, lambda: Video(source), accept, receive)
        body = await whole_body(headers, receive)
        return await self._in_thread(pipeline, lambda: handler.input_fn(body, content_type), accept, receive)

    async def _in_thread(self, pipeline: Analyser, read: Callable[[], Video], accept: str, receive: Receive) -> bytes:
        gone = threading.Event()

        def work() -> bytes:
            video = replace(read(), gone=gone)
            analysis = handler.predict_fn(video, pipeline)
            times = {"media_seconds": analysis.media_seconds, "compute_seconds": analysis.compute_seconds}
            facts = {"upload_id": video.upload_id, **times, "part_seconds": video.parts.rounded()}
            _log.info("analysed: %d utterances", len(analysis.utterances), extra=facts)
            return handler.output_fn(analysis, accept)

        leaving = asyncio.create_task(_notice_leaving(receive, gone))
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            leaving.cancel()


async def _notice_leaving(receive: Receive, gone: threading.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()


async def _send(reply: Reply, send: Send) -> None:
    headers = [(b"content-length", str(len(reply.body)).encode())]
    if reply.body:
        headers.append((b"content-type", handler.JSON.encode()))
    await send({"type": "http.response.start", "status": int(reply.status), "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
