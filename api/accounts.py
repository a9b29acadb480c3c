"""Accounts and their API keys: created from the command line, looked up at each request."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from api import audit, credentials, reset_links, verification_links
from api.audit import Action
from api.principal import Principal
from api.problems import AccountClosed, ExpiredKey, MalformedKey, RevokedKey, UnknownKey
from api.visitors import OPERATOR
from runtime import database, erasure
from runtime.database import Database
from runtime.errors import ValenceError
from runtime.identifiers import uuid7
from schemas.accounts import UPLOADS
from schemas.accounts import Scope as Scope  # which everybody asks for here

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


#: What whoever still asks for a closed account is told.
CLOSED = "the account was closed while this was asked: nothing was done"


class AccountExists(ValenceError):
    """There is an account of this name already."""


class AccountMissing(ValenceError):
    """There is no account of this name."""


class PlanMissing(ValenceError):
    """There is no plan of this name."""


class KeyMissing(ValenceError):
    """There is no key with this id."""


async def create_account(db: Database, name: str) -> UUID:
    """Create an account and return its id; AccountExists if the name is taken."""
    found = await db.rows("insert_account", id=uuid7(), name=name)
    if not found:
        raise AccountExists(f"there is an account named {name!r} already: choose another name, or create a key for it")
    account_id: UUID = found[0]["id"]
    return account_id


async def invite(db: Database, email: str, plan: str) -> UUID:
    """Create an account that has no password yet for an address; AccountExists if there is one."""
    found = await db.rows("invite", id=uuid7(), email=email, plan=plan)
    if not found:
        raise AccountExists(f"there is an account with the address {email!r} already: `valence accounts reset-password` makes a link")
    account_id: UUID = found[0]["id"]
    return account_id


async def reset_link(db: Database, email: str, base_url: str) -> str:
    """A link by which whoever has it sets the account's password, once, within 30 minutes; AccountMissing if there is no such address."""
    async with db.transaction() as connection:
        link = await reset_links.make_link(connection, email, base_url, OPERATOR)
    if link is None:
        raise AccountMissing(f"there is no account with the address {email!r}: `valence accounts invite {email}` makes one")
    return link


async def verification_link(db: Database, email: str, base_url: str) -> str:
    """A link that confirms an account's address, where the mail did not arrive; AccountMissing where nothing is to be confirmed."""
    async with db.transaction() as connection:
        found = await database.row(connection, "account_by_name", name=email)
        link = await verification_links.make_link(connection, found["id"], base_url, OPERATOR) if found else None
    if link is None:
        raise AccountMissing(f"no account has the address {email!r} and yet to confirm it: `valence accounts list` lists them")
    return link


async def close_account(db: Database, account: str) -> UUID:
    """Close an account by its name or address and return the receipt's id; its uploads are erased in the background."""
    async with db.transaction() as connection:
        found = await database.row(connection, "account_by_name", name=account)
        receipt_id = await erasure.close_account(connection, found["id"]) if found is not None else None
    if receipt_id is None:
        raise _no_account(account)
    return receipt_id


async def create_key(db: Database, account: str, scopes: Iterable[Scope] = UPLOADS, expires_at: datetime | None = None) -> credentials.Key:
    """Create a key for the account of this name; its `text` is shown to its owner now and never again. AccountMissing if there is none."""
    key = credentials.mint()
    async with db.transaction() as connection:
        found = await database.row(connection, "account_by_name", name=account)
        if found is None:
            raise _no_account(account)
        await database.rows(
            connection,
            "insert_api_key",
            id=key.id,
            account_id=found["id"],
            secret_sha256=key.digest,
            last_four=key.last_four,
            name=None,
            scopes=[scope.value for scope in scopes],
            expires_at=expires_at,
        )
        await audit.record(connection, found["id"], Action.KEY_CREATED, OPERATOR, detail=key.id)
    return key


async def revoke_key(db: Database, key_id: str) -> None:
    """Make a key useless from the next request on; KeyMissing if there is none with this id."""
    async with db.transaction() as connection:
        found = await database.row(connection, "revoke_api_key", id=key_id)
        if found is None:
            raise KeyMissing(f"there is no key with the id {key_id!r}: it stands between `{credentials.PREFIX}` and the next underscore")
        await audit.record(connection, found["account_id"], Action.KEY_REVOKED, OPERATOR, detail=key_id)


async def account(db: Database, account_id: UUID) -> DictRow:
    """The row of an account that has shown who it is; AccountClosed where it was closed since."""
    found = await db.rows("account_by_id", id=account_id)
    if not found:
        raise AccountClosed(CLOSED)
    return found[0]


async def check(db: Database, account_id: UUID) -> None:
    """AccountMissing if no account has this id."""
    if not await db.rows("account_by_id", id=account_id):
        raise AccountMissing(f"there is no account with the id {str(account_id)!r}: `valence accounts list` lists them")


async def accounts(db: Database) -> list[DictRow]:
    """Every account by name: `id`, `name`, `created_at`, and how many `keys` work."""
    return await db.rows("accounts")


async def keys(db: Database, account: str | None = None) -> list[DictRow]:
    """The keys of an account, or of all: `id`, `account`, `last_four`, `scopes` and times; AccountMissing if there is none."""
    if account is not None and not await db.rows("account_by_name", name=account):
        raise _no_account(account)
    return await db.rows("api_keys", account=account)


async def plans(db: Database) -> list[DictRow]:
    """Every plan by name: `videos_a_month` and `minutes_a_month`, None without a limit, and how many `accounts` have it."""
    return await db.rows("plans")


async def define_plan(db: Database, name: str, videos: int | None, minutes: int | None) -> None:
    """Make a plan, or change what it allows; None is without a limit."""
    await db.rows("define_plan", name=name, videos=videos, minutes=minutes)


async def set_plan(db: Database, account: str, plan: str) -> None:
    """Give an account another plan; AccountMissing or PlanMissing where there is none of that name."""
    async with db.transaction() as connection:
        found = await database.row(connection, "account_by_name", name=account)
        if found is None:
            raise _no_account(account)
        if plan not in {row["name"] for row in await database.rows(connection, "plans")}:
            raise PlanMissing(f"there is no plan named {plan!r}: `valence plans list` lists them, `valence plans define` makes one")
        await database.rows(connection, "set_plan", account_id=found["id"], plan=plan)
        await audit.record(connection, found["id"], Action.PLAN_SET, OPERATOR, detail=plan)


def _no_account(name: str) -> AccountMissing:
    return AccountMissing(f"there is no account named {name!r}: `valence accounts list` lists them, `valence accounts create` makes one")


async def authenticate(db: Database, text: str) -> Principal:
    """Who a key belongs to; a problem that says why it is not accepted. Its last use is noted at most once a minute."""
    try:
        key = credentials.parse(text)
    except credentials.InvalidKey as error:
        raise MalformedKey(f"this is not an API key: {error}. Copy it again", headers=_CHALLENGE) from error
    async with db.transaction() as connection:
        row = await database.row(connection, "api_key", id=key.id)
        if row is None or not key.matches(row["secret_sha256"]):
            raise UnknownKey("no account has this key: create one with `valence keys create`", headers=_CHALLENGE)
        if row["revoked_at"] is not None:
            raise RevokedKey(f"the key {key.id} was revoked on {row['revoked_at']:%Y-%m-%d}: use another", headers=_CHALLENGE)
        if row["expired"]:
            raise ExpiredKey(f"the key {key.id} expired on {row['expires_at']:%Y-%m-%d}: create a new one", headers=_CHALLENGE)
        if row["use_is_news"]:
            await database.rows(connection, "touch_api_key", id=key.id)
    return Principal(row["account_id"], key.id, frozenset(row["scopes"]))
