"""The account of whoever asks: what it is, and its password."""

from __future__ import annotations

from litestar import Response, delete, get, put
from psycopg.rows import DictRow

from api import accounts, audit, bodies, cookies, passwords, receipts, throttling
from api.accounts import Scope
from api.audit import Action
from api.documentation import problems
from api.guards import requires, session_only
from api.problems import Busy, InvalidRequest, SessionEnded, SessionNeeded, TooManyTries, UnsupportedMediaType, WeakPassword, WrongPassword
from api.services import Authenticated, Injected, Services
from api.signing_in import as_account
from api.throttling import GUESSES
from api.visitors import visitor
from runtime import database, erasure
from schemas.accounts import Account, ChangePassword, CloseAccount, Receipt


@get("/account", guards=[requires(Scope.ACCOUNT_READ)], responses=problems())
async def get_account(request: Authenticated, services: Injected) -> Account:
    """The account."""
    return as_account(await accounts.account(services.database, request.user.account_id), services.settings)


@put(
    "/account/password",
    status_code=204,
    guards=[session_only],
    operation_class=bodies.operation(ChangePassword),
    responses=problems(InvalidRequest, UnsupportedMediaType, SessionNeeded, WrongPassword, WeakPassword, TooManyTries, Busy),
)
async def change_password(request: Authenticated, services: Injected) -> None:
    """Change the password: every other session ends, and so do links to reset it. Keys stay as they are."""
    data = await bodies.read(request, ChangePassword)
    principal = request.user
    account = await confirm_password(request, services, data.current_password)
    passwords.check_strength(data.new_password, account["email"])
    hashed = await services.passwords.hash(data.new_password)
    async with services.database.transaction() as connection:
        changed = {"id": principal.account_id, "password_hash": hashed, "checked": account["password_hash"]}
        if await database.row(connection, "change_password", **changed) is None:  # a reset that came meanwhile counts
            raise WrongPassword("the password was changed or reset while this was asked: sign in with the new one")
        await database.rows(connection, "end_other_sessions", account_id=principal.account_id, kept=principal.session_id)
        await database.rows(connection, "end_password_resets", account_id=principal.account_id)
        await audit.record_by(connection, principal, Action.CREDENTIALS_CHANGED, visitor(request.scope))


@delete(
    "/account",
    status_code=202,
    guards=[session_only],
    operation_class=bodies.operation(CloseAccount),
    responses=problems(InvalidRequest, UnsupportedMediaType, SessionNeeded, WrongPassword, TooManyTries, Busy),
)
async def close_account(request: Authenticated, services: Injected) -> Response[Receipt]:
    """Delete the account and everything in it: sessions, keys and the address at once, uploads and objects within minutes.

    The receipt at the Location tells how far that has come, also when the account is gone.
    """
    data = await bodies.read(request, CloseAccount)
    await confirm_password(request, services, data.password)
    async with services.database.transaction() as connection:
        receipt_id = await erasure.close_account(connection, request.user.account_id)
    if receipt_id is None:
        raise SessionEnded("the account is closed already")
    gone = cookies.session_cookie(request.scope, services.settings.api.public_url, "", 0)
    receipt = await receipts.find(services.database, str(receipt_id))
    return Response(receipt, status_code=202, headers={"Location": f"/v1/receipts/{receipt_id}"}, cookies=[gone])


async def confirm_password(request: Authenticated, services: Services, password: str) -> DictRow:
    """The account's row, if this is its password; WrongPassword otherwise. A session that was stolen does not help to guess it."""
    principal = request.user
    account = await accounts.account(services.database, principal.account_id)
    subject = f"password of {principal.account_id}"
    await throttling.take(services.database, GUESSES, subject)
    if not await services.passwords.matches(password, account["password_hash"]):
        async with services.database.connection() as connection:
            await audit.record_by(connection, principal, Action.CREDENTIALS_WRONG, visitor(request.scope))
        raise WrongPassword("this is not the password of the account: try again, or have it reset")
    await throttling.give_back(services.database, GUESSES, subject)
    return account
