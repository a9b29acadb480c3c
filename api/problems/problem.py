"""What every problem has: a status, a type, a title, and the document that is answered."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from runtime.errors import ValenceError
from schemas.failures import Failure
from schemas.resources import PROBLEM_TYPES, FieldError, ProblemDocument
from schemas.status import Status


class Problem(ValenceError):
    """An answer that says what went wrong: `detail` names the value, what was expected and what to do next."""

    status: ClassVar[HTTPStatus]
    #: The last part of the problem's type.
    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: list[FieldError] | None = None,
        upload_status: Status | None = None,
        failure: Failure | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors
        self.upload_status = upload_status
        self.failure = failure

    def document(self, request_id: str | None) -> ProblemDocument:
        """The body of the answer."""
        return ProblemDocument(
            type=PROBLEM_TYPES + self.name,
            title=self.title,
            status=int(self.status),
            detail=self.detail,
            request_id=request_id,
            errors=self.errors,
            upload_status=self.upload_status,
            failure=self.failure,
        )


def field_at(field: str, value: object, expected: str) -> FieldError:
    """A wrong value, cut short so that the answer does not repeat a whole body."""
    if isinstance(value, str) and len(value) > 200:
        value = value[:200] + "..."
    elif isinstance(value, (dict, list)):
        value = type(value).__name__
    return FieldError(field=field, value=value, expected=expected)
