"""The client for programs without an event loop: what AsyncClient does, done on a loop of its own in a thread, so there is one of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar

import httpx

from valence.async_client import AsyncClient
from valence.async_webhooks import AsyncWebhooks

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")


class _Blocking(Protocol[A]):
    """What does on a loop what another does asynchronously."""

    _client: A

    def _run(self, work: Awaitable[T]) -> T: ...


def _waiting(method: Callable[Concatenate[A, P], Awaitable[T]]) -> Callable[Concatenate[_Blocking[A], P], T]:
    """A method that does what this one does, and returns when it is done."""

    @wraps(method)
    def call(self: _Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(method(self._client, *args, **kwargs))

    return call


def _iterating(method: Callable[Concatenate[AsyncClient, P], AsyncGenerator[T, None]]) -> Callable[Concatenate[Client, P], Iterator[T]]:
    """A method that gives what this one gives, one after another."""

    @wraps(method)
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        found = method(self._client, *args, **kwargs)
        self._open.add(found)
        while True:
            try:
                item = self._run(anext(found))
            except StopAsyncIteration:
                self._open.discard(found)
                return
            try:
                yield item
            except GeneratorExit:
                self._leave(found)
                raise

    return call


class Webhooks:
    """The account's webhooks: what `AsyncWebhooks` does, done when a method returns."""

    def __init__(self, client: Client, webhooks: AsyncWebhooks) -> None:
        self._run = client._run
        self._client = webhooks

    create = _waiting(AsyncWebhooks.create)
    list = _waiting(AsyncWebhooks.list)
    get = _waiting(AsyncWebhooks.get)
    change = _waiting(AsyncWebhooks.change)
    delete = _waiting(AsyncWebhooks.delete)
    rotate_secret = _waiting(AsyncWebhooks.rotate_secret)
    test = _waiting(AsyncWebhooks.test)
    deliveries = _waiting(AsyncWebhooks.deliveries)
    delivery = _waiting(AsyncWebhooks.delivery)
    replay = _waiting(AsyncWebhooks.replay)
    replay_failures = _waiting(AsyncWebhooks.replay_failures)


class Client:
    """Speaks to the API at `base_url` with an API key; may be used from several threads at once.

    Every method raises ApiError where the API answers with a problem, and ServiceUnreachable where there is no answer. What passes is
    waited for, and connections that break are made again, for up to `patience_seconds`: no request does anything twice.
    """

    def __init__(
        self, base_url: str, api_key: str, *, patience_seconds: float = 60.0, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="valence-client", daemon=True)
        self._thread.start()
        self._client = AsyncClient(base_url, api_key, patience_seconds=patience_seconds, transport=transport)
        self.webhooks = Webhooks(self, self._client.webhooks)
        #: Iterations that have not come to their end.
        self._open: set[AsyncGenerator[Any, None]] = set()

    create_upload = _waiting(AsyncClient.create_upload)
    put_content = _waiting(AsyncClient.put_content)
    upload_file = _waiting(AsyncClient.upload_file)
    parts = _waiting(AsyncClient.parts)
    put_part = _waiting(AsyncClient.put_part)
    part_urls = _waiting(AsyncClient.part_urls)
    complete = _waiting(AsyncClient.complete)
    get_upload = _waiting(AsyncClient.get_upload)
    list_uploads = _waiting(AsyncClient.list_uploads)
    retry = _waiting(AsyncClient.retry)
    cancel = _waiting(AsyncClient.cancel)
    delete = _waiting(AsyncClient.delete)
    receipt = _waiting(AsyncClient.receipt)
    analysis = _waiting(AsyncClient.analysis)
    analysis_as = _waiting(AsyncClient.analysis_as)
    archive = _waiting(AsyncClient.archive)
    events = _iterating(AsyncClient.events)
    updates = _iterating(AsyncClient.updates)
    all_events = _iterating(AsyncClient.all_events)
    wait = _waiting(AsyncClient.wait)

    def close(self) -> None:
        """Let go of the connections and of the thread."""
        if self._loop.is_closed():
            return
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _run(self, work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        coroutine: Coroutine[Any, Any, T] = done()
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # the caller was interrupted and waits no longer
            raise

    def _leave(self, iteration: AsyncGenerator[Any, None]) -> None:
        """End an iteration without waiting: it may be a finalizer that asks, when nothing runs any more."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._leaving(iteration)))

    async def _leaving(self, iteration: AsyncGenerator[Any, None]) -> None:
        self._open.discard(iteration)
        await iteration.aclose()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for iteration in list(self._open):
            await iteration.aclose()
        await self._client.close()
