"""The audit log of an account, as its owner reads it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter

from api import cursors
from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.problems import InvalidRequest
from api.services import Authenticated, Injected
from schemas.accounts import AuditEvent, AuditPage

Limit = Annotated[int, Parameter(ge=1, le=100, description="How many events a page has.")]
After = Annotated[str | None, Parameter(description="The `next_cursor` of the page before.")]


@get("/audit", guards=[requires(Scope.ACCOUNT_READ)], responses=problems(InvalidRequest))
async def list_audit(request: Authenticated, services: Injected, limit: Limit = 50, after: After = None) -> AuditPage:
    """What happened to the account: sign-ins that went well or not, sessions, passwords and keys, newest first, for 400 days."""
    time, event_id = cursors.read(after) if after is not None else (None, None)
    found = await services.database.rows(
        "account_audit", account_id=request.user.account_id, after_time=time, after_id=event_id, most=limit + 1
    )
    page = found[:limit]
    cursor = cursors.write(page[-1]["at"], page[-1]["id"]) if len(found) > limit else None
    return AuditPage(data=[msgspec.convert(row, AuditEvent) for row in page], next_cursor=cursor)
