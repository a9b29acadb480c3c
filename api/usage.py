"""What an account has used of its plan."""

from __future__ import annotations

from datetime import UTC, datetime

from litestar import get

from api.accounts import CLOSED, Scope
from api.documentation import problems
from api.guards import requires
from api.problems import AccountClosed
from api.services import Authenticated, Injected
from schemas.accounts import Allowance, Usage


@get("/usage", guards=[requires(Scope.READ)], responses=problems())
async def get_usage(request: Authenticated, services: Injected) -> Usage:
    """What was used this month, what videos that are being worked on hold, and the limits of the plan."""
    account_id = request.user.account_id
    found = await services.database.rows("usage", account_id=account_id)
    if not found:
        raise AccountClosed(CLOSED)
    row = found[0]
    (compute,) = await services.database.rows("month_compute_seconds", account_id=account_id)
    month = row["month"]
    following = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    return Usage(
        plan=row["plan"],
        month=f"{month:%Y-%m}",
        resets_at=following,
        videos=Allowance(used=row["videos_used"], reserved=row["videos_reserved"], limit=row["videos_a_month"]),
        minutes=Allowance(used=row["seconds_used"] / 60, reserved=row["seconds_reserved"] / 60, limit=row["minutes_a_month"]),
        compute_seconds=compute["seconds"],
    )
