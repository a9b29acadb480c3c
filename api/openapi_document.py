"""The OpenAPI document: what Litestar finds out from the routes, completed with what it cannot know.

A new route needs nothing here: its summary is its function's name, its description that function's docstring, its tag its module. It needs
an example of each struct that it reads or answers with, in `openapi_examples.py`; a test says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from litestar import Litestar, Request, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute

from api.analyses import FORMATS
from api.authentication import FOR_EVERYBODY
from api.guards import session_only
from api.openapi_examples import EXAMPLES

Json = dict[str, Any]

_JSON = "application/json"
_STREAM = "text/event-stream"
#: The modules of the routes by the heading that they stand under, each with a sentence.
TAGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Uploads": ("Announce videos, list them, cancel, retry and erase them.", ("uploads", "library", "cancelling", "erasing")),
    "Content": ("Send the bytes, whole or in parts, and get them back.", ("content", "parts", "completion", "thumbnail")),
    "Analyses": ("What was found, in several formats, one by one or many as one archive.", ("analyses", "archives")),
    "Live status": ("Server-sent events.", ("events",)),
    "Webhooks": ("What becomes of uploads, told to an address of yours.", ("webhooks", "webhook_deliveries")),
    "Account": (
        "Signing up and in, passwords, the address, sessions, what was used, and the end of the account.",
        ("account", "sessions", "password_resets", "email_verifications", "usage", "audit_log", "receipts"),
    ),
    "Keys": ("API keys.", ("keys",)),
    "Server": ("Whether it runs.", ("health",)),
}
_INFO = {
    "summary": "Video in, emotion and sentiment of every utterance out.",
    "description": (
        "Send a video, follow it live, read what is felt in it: seven emotions and three sentiments for each utterance.\n\n"
        "Programs send a key (`Authorization: Bearer val_live_...`), browsers the session's cookie and, with what changes something, the "
        "header `Valence-Request: 1`. Every error is a problem document (RFC 9457): `type` names it, `detail` says what to do. "
        "Within `/v1` nothing is taken away; new fields may come, so ignore those that you do not know."
    ),
    "contact": {"name": "The operator of this Valence", "url": "/"},
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
_SECONDS = {"schema": {"type": "integer", "minimum": 0}}
#: Headers of answers, by status.
_HEADERS: dict[str, Json] = {
    "202": {"Location": {"description": "Where to ask how far it has come.", "schema": {"type": "string"}}},
    "302": {"Location": {"description": "Where the content is.", "required": True, "schema": {"type": "string"}}},
    "401": {"WWW-Authenticate": {"description": "`Bearer`, where a key would help.", "schema": {"type": "string"}}},
    "429": {"Retry-After": {"description": "Seconds after which to ask again.", "required": True, **_SECONDS}},
    "503": {"Retry-After": {"description": "Seconds after which to ask again.", "required": True, **_SECONDS}},
}
#: What a parameter holds where no pattern could say it.
_FORMATS = {"after": "cursor", "Idempotency-Key": "idempotency-key"}
#: A server-sent event, field by field.
_EVENT = {
    "type": "object",
    "description": "One server-sent event.",
    "properties": {
        "event": {"type": "string", "description": "`snapshot`, `status` or `progress`."},
        "id": {"type": "string", "description": "The status's sequence, to send as Last-Event-ID when the stream is opened again."},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer"},
    },
}
_BINARY = {"put_content": "The bytes of the video.", "put_part": "The bytes of the part."}


class Document(JsonRenderPlugin):
    """Serves the document at `/v1/openapi.json`, made once."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json")
        self._rendered: bytes | None = None

    def receive_router(self, router: Router) -> None:
        """Take away Litestar's own page for addresses beside the document that nothing has: they are answered with a problem like all."""
        ours = {f"{router.path}{path}" for path in self.paths}
        router.routes[:] = [route for route in router.routes if route.path in ours]

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        """The document as JSON."""
        if self._rendered is None:
            self._rendered = self.render_json(request, complete(openapi_schema, request.app))
        return self._rendered


def complete(generated: Json, application: Litestar) -> Json:
    """The document of Litestar with an id, words, a tag, a security and examples for each operation, in place and in one order."""
    generated["info"] = {**generated["info"], **_INFO}
    generated["servers"] = [{"url": "/", "description": "This server"}]
    generated["tags"] = [{"name": name, "description": words} for name, (words, _) in TAGS.items()]
    for path, method, handler in _operations(application):
        operation = generated.get("paths", {}).get(path, {}).get(method.lower())
        if operation is not None:
            _complete(operation, path, handler)
    generated["paths"] = dict(sorted(generated.get("paths", {}).items()))  # a handler's paths are a set, in another order in each process
    return generated


def _operations(application: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in application.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                yield route.path_format, method, handler


def _complete(operation: Json, path: str, handler: HTTPRouteHandler) -> None:
    name, suffix = handler.fn.__name__, path.rpartition(".")[2] if "." in path else ""
    operation["operationId"] = f"{name}_{suffix}" if suffix else name
    operation["summary"] = name.replace("_", " ").capitalize() + (f" as {suffix.upper()}" if suffix else "")
    operation["description"] = inspect.getdoc(handler.fn) or ""
    operation["tags"] = [_tag(handler.fn.__module__)]
    if handler.opt.items() >= FOR_EVERYBODY.items() or not path.startswith("/v1"):
        operation["security"] = []
    elif session_only in handler.resolve_guards():
        operation["security"] = [{"session": []}]
    for parameter in operation.get("parameters", ()):
        _describe(parameter)
    if name in _BINARY:
        body = {"schema": {"type": "string", "format": "binary"}, "example": "..."}
        operation["requestBody"] = {"description": _BINARY[name], "required": True, "content": {"application/octet-stream": body}}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        _exemplify(content)
    for status, answer in operation["responses"].items():
        _answer(answer, status, name, suffix)


def _describe(parameter: Json) -> None:
    """A parameter that is left out is left out, and never null; what only we can make up has a format that says so."""
    schema, name = parameter["schema"], parameter["name"]
    choices = [choice for choice in schema.get("oneOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["oneOf"]
        schema.update(choices[0])
    if name in _FORMATS:
        schema["format"] = _FORMATS[name]
    elif parameter["in"] == "path" and name.endswith("_id") and name != "key_id":
        schema["format"] = "uuid"


def _answer(answer: Json, status: str, name: str, suffix: str) -> None:
    if answer.get("description") == HTTPStatus(int(status)).description:
        answer["description"] = "Done."
    if status in _HEADERS:
        answer["headers"] = {**_HEADERS[status], **answer.get("headers", {})}
    if name == "get_analysis" and status == "200":
        text = {"schema": {"type": "string"}, "example": "..."}
        told = answer["content"][_JSON]
        forms = [form for form in FORMATS if suffix in ("", form.suffix[1:])]
        answer["content"] = {form.media_type: told if form.media_type == _JSON else dict(text) for form in forms}
    if status in ("204", "302") or (int(status) == HTTPStatus.ACCEPTED and not _has_body(answer)):
        answer.pop("content", None)
    for media_type, content in answer.get("content", {}).items():
        if media_type == _STREAM:
            content["schema"] = _EVENT
            content["example"] = 'id: 3\nevent: status\ndata: {"status": "validated", "sequence": 3}\n\n'
        elif content.get("schema", {}).get("type") == "string":
            content.setdefault("example", "...")
        _exemplify(content)
        for example in content.get("examples", {}).values():
            example.pop("id", None)  # a name that Litestar writes and the standard does not know


def _has_body(answer: Json) -> bool:
    return any("$ref" in content.get("schema", {}) for content in answer.get("content", {}).values())


def _exemplify(content: Json) -> None:
    schema = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    if schema in EXAMPLES and "examples" not in content:
        content["example"] = EXAMPLES[schema]


def _tag(module: str) -> str:
    own = module.rpartition(".")[2]
    return next((name for name, (_, modules) in TAGS.items() if own in modules), own.replace("_", " ").capitalize())
