"""The audit log: every event that matters to the security of an account, for its owner to read. It never holds a secret."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from api.principal import Principal
from api.visitors import Visitor
from runtime import database
from runtime.database import Connection, Database
from runtime.identifiers import uuid7
from schemas.webhooks import DISABLED_ACTION


class Action(StrEnum):
    """What happened."""

    ACCOUNT_CREATED = "account:create"
    LOGIN_SUCCESS = "account:login:success"
    LOGIN_FAILURE = "account:login:failure"
    LOGIN_THROTTLED = "account:login:throttled"
    LOGOUT = "account:logout"
    SESSION_ENDED = "account:session:end"
    CREDENTIALS_CHANGED = "account:password:change"
    CREDENTIALS_WRONG = "account:password:wrong"
    RESET_REQUESTED = "account:password:reset-request"
    RESET = "account:password:reset"
    EMAIL_ASKED = "account:email:verification-request"
    EMAIL_VERIFIED = "account:email:verify"
    PLAN_SET = "account:plan:set"
    KEY_CREATED = "account:key:create"
    KEY_REVOKED = "account:key:revoke"
    WEBHOOK_CREATED = "account:webhook:create"
    WEBHOOK_CHANGED = "account:webhook:change"
    WEBHOOK_ROTATED = "account:webhook:rotate"
    WEBHOOK_DELETED = "account:webhook:delete"
    WEBHOOK_DISABLED = DISABLED_ACTION


async def record(
    connection: Connection,
    account_id: UUID | None,
    action: Action,
    visitor: Visitor,
    *,
    key_id: str | None = None,
    session_id: UUID | None = None,
    detail: str | None = None,
) -> None:
    """Write an event in the transaction of what it tells of; `account_id` is None where somebody tried an address without an account."""
    await database.rows(
        connection,
        "insert_audit",
        id=uuid7(),
        account_id=account_id,
        action=action.value,
        address=visitor.address,
        user_agent=visitor.user_agent,
        key_id=key_id,
        session_id=session_id,
        detail=detail,
    )


async def record_by(connection: Connection, principal: Principal, action: Action, visitor: Visitor, detail: str | None = None) -> None:
    """Write what somebody did who had shown who they are."""
    await record(connection, principal.account_id, action, visitor, key_id=principal.key_id, session_id=principal.session_id, detail=detail)


async def record_once_an_hour(db: Database, account_id: UUID | None, action: Action, visitor: Visitor) -> None:
    """Write what somebody could do a thousand times a minute, unless the last hour has one."""
    await db.rows(
        "insert_audit_once_an_hour",
        id=uuid7(),
        account_id=account_id,
        action=action.value,
        address=visitor.address,
        user_agent=visitor.user_agent,
    )
