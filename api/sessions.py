"""Signing up, in and out, and the sessions of an account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.params import FromPath

from api import accounts, audit, bodies, cookies, email_verifications, passwords, throttling
from api.accounts import Scope
from api.audit import Action
from api.authentication import FOR_EVERYBODY
from api.documentation import problems, public_problems
from api.guards import requires, same_site, session_only
from api.problems import (
    Busy,
    InvalidRequest,
    NoSuchSession,
    SessionEnded,
    SessionNeeded,
    SignUpClosed,
    SignUpRefused,
    TooManyTries,
    UnsupportedMediaType,
    WeakPassword,
    WrongCredentials,
)
from api.services import Authenticated, Injected, Services
from api.signing_in import as_account, as_session, begin_session, signed_in
from api.throttling import GUESSES
from api.visitors import Visitor, visitor
from runtime import database
from runtime.identifiers import canonical, uuid7
from schemas.accounts import SessionList, SignedIn, SignIn, SignUp

Anonymous = Request[Any, Any, Any]


@post(
    "/accounts",
    opt=FOR_EVERYBODY,
    guards=[same_site],
    security=[],
    operation_class=bodies.operation(SignUp),
    responses=public_problems(InvalidRequest, UnsupportedMediaType, WeakPassword, SignUpClosed, SignUpRefused, TooManyTries, Busy),
)
async def sign_up(request: Anonymous, services: Injected) -> Response[SignedIn]:
    """Make an account and sign in to it: the answer sets the session's cookie.

    Where the operator sends mail, a link goes to the address: until it is confirmed (`must_verify_email`) the account makes no keys.
    """
    if not services.settings.accounts.sign_up_open:
        raise SignUpClosed("the operator of this Valence makes the accounts: ask there for one")
    data = await bodies.read(request, SignUp)
    passwords.check_strength(data.password, data.email)
    who = visitor(request.scope)
    rate = throttling.hourly(services.settings.accounts.sign_ups_per_hour)
    await throttling.take(services.database, rate, f"sign-up at {who.network}")
    hashed = await services.passwords.hash(data.password)
    async with services.database.transaction() as connection:
        account = await database.row(
            connection, "sign_up", id=uuid7(), email=data.email, password_hash=hashed, plan=services.settings.accounts.plan
        )
        if account is None:
            raise SignUpRefused("no account can be made with this address: sign in if it is yours, or use another")
        token, answer = await begin_session(connection, services, account, who, Action.ACCOUNT_CREATED, _presented(request, services))
    return signed_in(
        request, services, token, answer, 201, background=email_verifications.mailing(services, account["id"], data.email, who)
    )


@post(
    "/session",
    status_code=200,
    opt=FOR_EVERYBODY,
    guards=[same_site],
    security=[],
    operation_class=bodies.operation(SignIn),
    responses=public_problems(InvalidRequest, UnsupportedMediaType, WrongCredentials, TooManyTries, Busy),
)
async def sign_in(request: Anonymous, services: Injected) -> Response[SignedIn]:
    """Sign in: the answer sets the session's cookie. Wrong passwords are counted, by address and by account: fewer than 20 an hour."""
    data = await bodies.read(request, SignIn)
    who = visitor(request.scope)
    found = await services.database.rows("account_by_email", email=data.email, address=who.network)
    account = found[0] if found else None
    account_id: UUID | None = account["id"] if account else None
    subjects = _guessers(data.email, who, familiar=account is not None and account["is_familiar"])
    try:
        await throttling.take(services.database, GUESSES, *subjects)
    except TooManyTries:
        await audit.record_once_an_hour(services.database, account_id, Action.LOGIN_THROTTLED, who)
        raise
    if not await services.passwords.matches(data.password, account["password_hash"] if account else None) or account is None:
        async with services.database.connection() as connection:
            await audit.record(connection, account_id, Action.LOGIN_FAILURE, who)
        raise _wrong_credentials()
    async with services.database.transaction() as connection:
        # A password that was changed while it was being checked would begin a session after all others were ended.
        if await database.row(connection, "lock_password", id=account_id, password_hash=account["password_hash"]) is None:
            raise _wrong_credentials()
        token, answer = await begin_session(connection, services, account, who, Action.LOGIN_SUCCESS, _presented(request, services))
    await throttling.give_back(services.database, GUESSES, *subjects)
    return signed_in(request, services, token, answer, 200)


@get("/session", guards=[session_only], responses=problems(SessionNeeded))
async def get_session(request: Authenticated, services: Injected) -> SignedIn:
    """Who is signed in."""
    account = await accounts.account(services.database, request.user.account_id)
    current = next((session for session in (await _sessions(request, services)).data if session.current), None)
    if current is None:
        raise SessionEnded("the session has ended: sign in again")
    return SignedIn(account=as_account(account, services.settings), session=current)


@delete("/session", status_code=204, guards=[session_only], responses=problems(SessionNeeded))
async def sign_out(request: Authenticated, services: Injected) -> Response[None]:
    """Sign out: the session ends, and the answer takes the cookie away."""
    await _end(request, services, request.user.session_id, Action.LOGOUT)
    return Response(None, status_code=204, cookies=[cookies.session_cookie(request.scope, services.settings.api.public_url, "", 0)])


@get("/sessions", guards=[requires(Scope.ACCOUNT_READ)], responses=problems())
async def list_sessions(request: Authenticated, services: Injected) -> SessionList:
    """The browsers that are signed in, the last used one first."""
    return await _sessions(request, services)


@delete("/sessions", status_code=204, guards=[requires(Scope.ACCOUNT_WRITE)], responses=problems())
async def end_other_sessions(request: Authenticated, services: Injected) -> None:
    """End all sessions but the one that asks."""
    principal = request.user
    async with services.database.transaction() as connection:
        for ended in await database.rows(connection, "end_other_sessions", account_id=principal.account_id, kept=principal.session_id):
            await audit.record_by(connection, principal, Action.SESSION_ENDED, visitor(request.scope), detail=str(ended["id"]))


@delete("/sessions/{session_id:str}", status_code=204, guards=[requires(Scope.ACCOUNT_WRITE)], responses=problems(NoSuchSession))
async def end_session(request: Authenticated, services: Injected, session_id: FromPath[str]) -> None:
    """End a session: whoever has its cookie is nobody from the next request on."""
    parsed = canonical(session_id)
    if parsed is None or not await _end(request, services, parsed, Action.SESSION_ENDED):
        raise NoSuchSession(f"this account has no session {session_id[:100]!r}: `GET /v1/sessions` lists them")


async def _sessions(request: Authenticated, services: Services) -> SessionList:
    idle = timedelta(seconds=services.settings.accounts.session_idle_seconds)
    rows = await services.database.rows("account_sessions", account_id=request.user.account_id, idle=idle)
    return SessionList(data=[as_session(row, current=row["id"] == request.user.session_id) for row in rows])


async def _end(request: Authenticated, services: Services, session_id: UUID | None, action: Action) -> bool:
    principal = request.user
    async with services.database.transaction() as connection:
        ended = await database.row(connection, "end_session", id=session_id, account_id=principal.account_id)
        if ended is not None:
            await audit.record_by(connection, principal, action, visitor(request.scope), detail=str(session_id))
    return ended is not None


def _guessers(email: str, who: Visitor, *, familiar: bool) -> tuple[str, str]:
    account = f"sign-in to {throttling.private(email)}"
    return f"sign-in at {who.network}", f"{account} at {who.network}" if familiar else account


def _wrong_credentials() -> WrongCredentials:
    return WrongCredentials("there is no account with this address and this password: check both, or have the password reset")


def _presented(request: Anonymous, services: Services) -> str | None:
    return cookies.session_token(request.scope, services.settings.api.public_url)
