"""Around every request: its id, its trace, its log line, its duration, and the headers that protect who reads the answer."""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from opentelemetry import propagate, trace

from api.error_answers import REQUEST_ID
from runtime import metrics

log = logging.getLogger(__name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: Ids from outside go into logs and headers: nothing but plain characters.
_PLAIN_ID = re.compile(r"[0-9A-Za-z._:/+=-]{1,128}")
_PROTECTION = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_tracer = trace.get_tracer("valence")


class Observation:
    """ASGI wrapper around the whole application, so that unknown addresses are seen too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await self._observe(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _observe(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get(b"x-request-id", "")
        request_id = given if _PLAIN_ID.fullmatch(given) else str(uuid4())
        scope[REQUEST_ID] = request_id  # type: ignore[literal-required]  # a key of our own
        method = scope["method"] if scope["method"] in _METHODS else "other"
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                added = (*_PROTECTION, (b"x-request-id", request_id.encode()), (b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *(header for header in added if header[0] not in present)]
                metrics.REQUEST_DURATION.labels(_route(scope), method, str(status)).observe(time.perf_counter() - began)
            await send(message)

        parent = propagate.extract({"traceparent": headers.get(b"traceparent", "")})
        with _tracer.start_as_current_span(f"{method} request", context=parent, kind=trace.SpanKind.SERVER) as span:
            try:
                await self.app(scope, receive, observed)
            finally:
                route, seconds = _route(scope), time.perf_counter() - began
                span.update_name(f"{method} {route}")
                span.set_attributes({"http.route": route, "http.request.method": method, "http.response.status_code": status})
                facts = {"method": method, "route": route, "status": status, "seconds": round(seconds, 4), "request_id": request_id}
                log.info("answered", extra=facts)


def _route(scope: Scope) -> str:
    """The template of the address, never the address itself, which has ids in it."""
    return str(scope.get("path_template") or "unmatched")
