"""How much of an account may be on its way at once: uploads whose content has not come, and the bytes that S3 holds or will hold for them.

Without it an account could announce and send without ever completing, and S3 would hold all of that for a day, counted in nobody's plan.
"""

from __future__ import annotations

from uuid import UUID

from api.problems import TooMuchUnsent
from runtime import database
from runtime.database import Connection
from runtime.settings import Limits

_ADVICE = (
    "complete or cancel some of those that `GET /v1/uploads?status=created&status=uploading` lists; what nobody goes on with ends in a day"
)


async def take(connection: Connection, limits: Limits, account_id: UUID, size: int, *, announced: bool = False) -> None:
    """Make sure that an upload of `size` bytes, and one more upload unless it is `announced` already, fit beside what is unsent.

    Of one account one after the other until the transaction ends: a hundred at once get no more room than there is. TooMuchUnsent.
    """
    await database.rows(connection, "lock_unsent", account_id=account_id)
    held = await database.row(connection, "unsent", account_id=account_id, most_bytes=limits.upload_bytes)
    assert held is not None  # an aggregate always has its row
    if not announced and held["uploads"] >= limits.unsent_uploads:
        raise TooMuchUnsent(f"the account has {held['uploads']} uploads whose content has not come, and may have no more: {_ADVICE}")
    if held["bytes"] + size > limits.unsent_bytes:
        raise TooMuchUnsent(
            f"the account's uploads whose content has not come hold {held['bytes']} bytes, and {size} more are beyond the "
            f"{limits.unsent_bytes} that it may have: {_ADVICE}"
        )
