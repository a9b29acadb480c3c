"""From any exception to a problem document: every error of the API passes here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import psycopg
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from api import accounts
from api.expectations import expected
from api.problems import (
    AccountClosed,
    BodyTooLarge,
    DependencyAway,
    InternalError,
    InvalidRequest,
    MalformedRequest,
    MethodNotAllowed,
    NoSuchRoute,
    Problem,
    QuotaExhausted,
    field_at,
)
from runtime.errors import DependencyUnavailable
from runtime.quotas import QuotaExceeded
from schemas.resources import PROBLEM_MEDIA_TYPE, FieldError

log = logging.getLogger(__name__)

#: The key of an ASGI scope under which the request's id lies.
REQUEST_ID = "valence.request_id"

AnyRequest = Request[Any, Any, Any]


def handlers() -> ExceptionHandlersMap:
    """Litestar's handlers: ours for all."""
    return {
        Problem: _answering(lambda request, problem: problem),
        DependencyUnavailable: _answering(_away),
        QuotaExceeded: _answering(lambda request, error: QuotaExhausted(str(error))),
        psycopg.errors.ForeignKeyViolation: _answering(_unowned),
        ValidationException: _answering(_invalid),
        HTTPException: refuse,
        Exception: _answering(_unexpected),
    }


def _answering(translate: Callable[[AnyRequest, Any], Problem]) -> Callable[[AnyRequest, Any], Response[bytes]]:
    def answer(request: AnyRequest, error: Any) -> Response[bytes]:
        problem = translate(request, error)
        document = problem.document(request.scope.get(REQUEST_ID))  # type: ignore[arg-type]  # a key of our own
        return Response(
            msgspec.json.encode(document), status_code=int(problem.status), media_type=PROBLEM_MEDIA_TYPE, headers=problem.headers
        )

    return answer


def _away(request: AnyRequest, error: DependencyUnavailable) -> Problem:
    log.warning("a server is away", extra={"dependency": error.dependency, "error": str(error)})
    return DependencyAway(f"{error.dependency} is away at the moment: try again", headers={"Retry-After": "5"})


def _unowned(request: AnyRequest, error: psycopg.errors.ForeignKeyViolation) -> Problem:
    """The account was there when the request began, and its row is gone by now: what was to be kept has no owner."""
    if (error.diag.constraint_name or "").endswith("_account_id_fkey"):
        return AccountClosed(accounts.CLOSED)
    return _unexpected(request, error)


def _unexpected(request: AnyRequest, error: Exception) -> Problem:
    log.error("an error that was not expected", exc_info=error)
    return InternalError("this is a fault of the server, and was logged under the request's id: try again, and tell us if it stays")


def _refused(request: AnyRequest, error: HTTPException) -> Problem:
    path, headers = request.scope["path"], error.headers or {}
    match error.status_code:
        case 404:
            return NoSuchRoute(f"there is nothing at {path!r}: `/v1/openapi.json` lists every address")
        case 405:
            allowed = headers.get("allow", "")
            return MethodNotAllowed(f"{path!r} does not take {request.method}: expected {allowed}", headers={"Allow": allowed})
        case 413:
            return BodyTooLarge("the body is larger than this address takes: send a video to `/v1/uploads/{id}/content`")
        case status if status < 500:
            return MalformedRequest(f"{error.detail}: mend the request and send it again")
        case _:
            return _unexpected(request, error)


#: The answer to what Litestar itself refuses.
refuse = _answering(_refused)


def _invalid(request: AnyRequest, error: ValidationException) -> Problem:
    if not isinstance(error.extra, list):
        return MalformedRequest(f"{error.detail}: mend the request and send it again")
    errors = [_field_error(request, found) for found in error.extra]
    told = "; ".join(f"{wrong.field} is {wrong.value!r}: {wrong.expected}" for wrong in errors)
    return InvalidRequest(f"{told}. Mend the request and send it again", errors=errors)


def _field_error(request: AnyRequest, found: Mapping[str, Any]) -> FieldError:
    field = str(found.get("key", "body"))
    values = request.query_params.getall(field, [])
    value = values[0] if len(values) == 1 else ", ".join(values) if values else request.headers.get(field)
    return field_at(field, value, expected(str(found["message"]), _type_of(request, field)))


def _type_of(request: AnyRequest, field: str) -> Any:
    """The type of a parameter of a request's route, or of what it depends on; None for one that it does not name."""
    handler = request.route_handler
    signatures = [handler.parsed_fn_signature, *(provided.parsed_fn_signature for provided in handler.resolve_dependencies().values())]
    return next((found.parameters[field].annotation for found in signatures if field in found.parameters), None)
