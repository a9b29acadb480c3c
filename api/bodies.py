"""JSON bodies: decoded strictly, and each error names the field, its value and what was expected."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.openapi.spec import OpenAPIMediaType, Operation, Reference, RequestBody

from api.expectations import expected as in_words
from api.expectations import type_at
from api.problems import InvalidRequest, MalformedRequest, UnsupportedMediaType, field_at
from schemas.codec import UNREADABLE

T = TypeVar("T", bound=msgspec.Struct)

JSON = "application/json"
#: What any JSON body may have; videos go to a route of their own.
MOST_BYTES = 65_536
#: How long a JSON body may take.
SECONDS = 60.0
_COMPONENTS = "#/components/schemas/"
_PATH = re.compile(r"^(?P<expected>.*) - at `(?P<path>[^`]+)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_FIELD = re.compile(r"^Object (?:missing required|contains unknown) field `(?P<name>[^`]*)`$")


async def read(request: Request[Any, Any, Any], struct: type[T], default: T | None = None) -> T:
    """The body of a request as a struct, or `default` where there is one and no body; a problem that says what to mend otherwise."""
    body = await whole(request)
    if default is not None and not body:
        return default
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise UnsupportedMediaType(f"Content-Type is {media_type[:100]!r}: expected {JSON}")
    try:
        found = msgspec.json.decode(body)
    except UNREADABLE as error:
        raise MalformedRequest(f"the body is not JSON: {error}. Mend it and send it again") from error
    try:
        return msgspec.convert(found, struct)
    except msgspec.ValidationError as error:
        raise _invalid(struct, found, str(error)) from error


async def whole(request: Request[Any, Any, Any]) -> bytes:
    """The body of a request; MalformedRequest, and the connection's end, where it trickles: anybody may open many such."""
    try:
        async with asyncio.timeout(SECONDS):
            return await request.body()
    except TimeoutError as error:
        raise MalformedRequest(f"the body has not come within {SECONDS:.0f} s: send it at once", headers={"Connection": "close"}) from error


def operation(struct: type[msgspec.Struct], *, required: bool = True) -> type[Operation]:
    """The OpenAPI operation of a route that reads this struct; its schema is among those of `schemas`."""

    @dataclass
    class Reading(Operation):
        def __post_init__(self) -> None:
            self.request_body = RequestBody(
                content={JSON: OpenAPIMediaType(schema=Reference(ref=_COMPONENTS + struct.__name__))}, required=required
            )

    return Reading


def schemas(*structs: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schemas of structs and what is in them, by name, for an OpenAPI document."""
    return msgspec.json.schema_components(structs, ref_template=_COMPONENTS + "{name}")[1]


def _invalid(struct: type[msgspec.Struct], body: object, message: str) -> InvalidRequest:
    found = _PATH.match(message)
    expected, path = (found["expected"], found["path"]) if found else (message, "$")
    if at_field := _FIELD.match(expected):
        path = f"{path}.{at_field['name']}"
    field = path.removeprefix("$").removeprefix(".") or "body"
    expected = in_words(expected, type_at(struct, path.split(".")[1:]))
    error = field_at(field, _value_at(body, path), expected)
    return InvalidRequest(f"{field} is {error.value!r}: {expected}. Mend it and send the request again", errors=[error])


def _value_at(body: Any, path: str) -> object:
    """The value at a path such as `$.options.captions` or `$.events[0]`; None where there is none."""
    for name, number in _STEP.findall(path):
        try:
            body = body[int(number)] if number else body[name]
        except (KeyError, IndexError, TypeError):
            return None
    return body
