"""The stand-in's HTTP side: InvokeEndpointAsync as boto3 speaks it, and pages for whoever watches or torments it.

`POST /endpoints/{name}/async-invocations` is SageMaker's. Ours: `GET /invocations` (how often each inference id was accepted),
`POST /faults` (a JSON list of fault rules, in place of the former), `/healthz`, `/readyz`, `/metrics`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from local.sagemaker.backlog import Backlog
from local.sagemaker.faults import Fault, FaultRule, Faults
from local.sagemaker.requests import INLINE_BYTES, Invocation, Refused, parse
from local.sagemaker.workers import Workers
from runtime.health import Readiness

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_json = msgspec.json.Encoder()
_rules = msgspec.json.Decoder(list[FaultRule])


class ReplyLost(Exception):
    """The connection breaks in the middle of the reply, because a fault rule says so."""


class Reply(NamedTuple):
    """A status, a body and headers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})
    content_type: str = "application/json"


class App:
    """An ASGI application in front of a backlog and its workers."""

    def __init__(
        self, *, endpoint_name: str, bucket: str, backlog: Backlog, workers: Workers, faults: Faults, readiness: Readiness
    ) -> None:
        self._endpoint_name = endpoint_name
        self._bucket = bucket
        self._backlog = backlog
        self._workers = workers
        self._faults = faults
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await self._route(scope["method"], scope["path"], scope, receive)
        except Refused as error:
            body = _json.encode({"Message": str(error)})
            reply = Reply(error.status, body, {"x-amzn-errortype": error.code})
        except ReplyLost:
            # boto3 does not notice that a body is shorter than its length, but misses the last chunk.
            await send({"type": "http.response.start", "status": 202, "headers": [(b"transfer-encoding", b"chunked")]})
            raise  # the server closes a connection whose reply has begun and cannot end
        headers = {"content-type": reply.content_type, "content-length": str(len(reply.body)), **reply.headers}
        encoded = [(name.lower().encode(), text.encode()) for name, text in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
        await send({"type": "http.response.body", "body": reply.body})

    async def _route(self, method: str, path: str, scope: Scope, receive: Receive) -> Reply:
        match method, path.split("/")[1:]:
            case "POST", ["endpoints", name, "async-invocations"]:
                return await self._invoke(unquote(name), scope, receive)
            case "GET", ["invocations"]:
                return Reply(200, _json.encode(await self._backlog.counts()))
            case "POST", ["faults"]:
                return self._replace_faults(await _body(receive))
            case "GET", ["healthz"]:
                return Reply(200, b"{}")
            case "GET", ["readyz"]:
                obstacles = self._readiness.obstacles
                return Reply(503 if obstacles else 200, _json.encode({"obstacles": obstacles}))
            case "GET", ["metrics"]:
                return Reply(200, generate_latest(), content_type=CONTENT_TYPE_LATEST)
        raise Refused("UnknownOperationException", f"{method} {path} is not an operation of this server", 404)

    async def _invoke(self, name: str, scope: Scope, receive: Receive) -> Reply:
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        invocation = parse(name, self._endpoint_name, headers, await _body(receive), self._bucket)
        self._faults.refuse(invocation.inference_id, name)
        await asyncio.shield(self._take_on(invocation))  # a caller that hangs up has made the call all the same
        if self._faults.strikes(invocation.inference_id, Fault.LOST_REPLY):
            raise ReplyLost(f"a fault rule loses the reply to {invocation.inference_id}")
        locations = {
            "x-amzn-sagemaker-outputlocation": invocation.output_location,
            "x-amzn-sagemaker-failurelocation": invocation.failure_location,
        }
        return Reply(202, _json.encode({"InferenceId": invocation.inference_id}), locations)

    async def _take_on(self, invocation: Invocation) -> None:
        await self._backlog.accept(invocation)
        self._workers.add(invocation)

    def _replace_faults(self, body: bytes) -> Reply:
        try:
            self._faults.replace(_rules.decode(body))
        except msgspec.MsgspecError as error:
            raise Refused("ValidationError", f"The body is not a list of fault rules: {error}") from error
        return Reply(200, _json.encode(self._faults.rules))


async def _body(receive: Receive) -> bytes:
    """The body, cut off behind the largest size that anything here accepts: what is longer is refused by its length."""
    body = b""
    more = True
    while more:
        message = await receive()
        body = (body + message.get("body", b""))[: INLINE_BYTES + 1]
        more = message.get("more_body", False)
    return body
