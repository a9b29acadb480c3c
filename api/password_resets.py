"""Resetting a forgotten password by a link that works once, for half an hour, and that only the account's address gets."""

from __future__ import annotations

import logging
from typing import Any

from litestar import Request, Response, post, put
from litestar.background_tasks import BackgroundTask

from api import audit, bodies, passwords, throttling, tokens
from api.audit import Action
from api.authentication import FOR_EVERYBODY
from api.documentation import public_problems
from api.guards import same_site
from api.problems import Busy, InvalidRequest, NoMail, ResetLinkUsed, TooManyTries, UnsupportedMediaType, WeakPassword
from api.reset_links import make_link
from api.services import Injected, Services
from api.visitors import Visitor, visitor
from runtime import database, mail
from runtime.errors import DependencyUnavailable
from schemas.accounts import RequestReset, ResetPassword

log = logging.getLogger(__name__)

#: Mails that one address gets, and requests from one place.
MAILS = throttling.hourly(5)

_TEXT = """Somebody, probably you, wants a new password for your account of Valence. Choose it here within 30 minutes:

{link}

If that was not you, do nothing: the password stays as it is.
"""


@post(
    "/password-resets",
    status_code=202,
    opt=FOR_EVERYBODY,
    guards=[same_site],
    security=[],
    operation_class=bodies.operation(RequestReset),
    responses=public_problems(InvalidRequest, UnsupportedMediaType, NoMail, TooManyTries),
)
async def request_reset(request: Request[Any, Any, Any], services: Injected) -> Response[bytes]:
    """Have a link mailed to the account's address. The answer is the same, and comes as soon, where there is no such account."""
    data = await bodies.read(request, RequestReset)
    base = services.settings.api.public_url  # never the Host of the request: whoever asks would choose where the link leads
    if not services.settings.sends_mail:
        raise NoMail("the operator has not set up mail: ask there for a link, which `valence accounts reset-password` makes")
    who = visitor(request.scope)
    await throttling.take(services.database, MAILS, f"reset at {who.network}", f"reset of {throttling.private(data.email)}")
    return Response(b"", status_code=202, background=BackgroundTask(_mail_link, services, data.email, base, who))


@put(
    "/password-resets",
    status_code=204,
    opt=FOR_EVERYBODY,
    guards=[same_site],
    security=[],
    operation_class=bodies.operation(ResetPassword),
    responses=public_problems(InvalidRequest, UnsupportedMediaType, ResetLinkUsed, WeakPassword, Busy),
)
async def reset_password(request: Request[Any, Any, Any], services: Injected) -> None:
    """Choose a new password with the token of a link: every session ends, and the link is used up. Sign in afterwards.

    Whoever has the link has the address, which counts as confirmed from then on. Keys and webhooks that were made before it was confirmed
    go: a stranger may have signed up with it. Those made since stay.
    """
    data = await bodies.read(request, ResetPassword)
    digest = tokens.digest(data.token)
    found = await services.database.rows("account_of_reset", token_sha256=digest)
    if not found:
        raise _used()
    passwords.check_strength(data.new_password, found[0]["email"])
    hashed = await services.passwords.hash(data.new_password)
    who = visitor(request.scope)
    async with services.database.transaction() as connection:
        account_id = found[0]["id"]  # locked first: whoever closes the account takes the same locks in the same order
        account = await database.row(connection, "lock_account", id=account_id)
        if account is None:
            raise _used()
        if not await database.rows(connection, "use_password_reset", token_sha256=digest):
            raise _used()
        await database.rows(connection, "set_password", id=account_id, password_hash=hashed)
        await database.rows(connection, "end_other_sessions", account_id=account_id, kept=None)
        await database.rows(connection, "end_password_resets", account_id=account_id)
        await database.rows(connection, "end_email_verifications", account_id=account_id)
        unproved = {"account_id": account_id, "verified_at": account["email_verified_at"]}
        for key in await database.rows(connection, "revoke_unproved_keys", **unproved):
            await audit.record(connection, account_id, Action.KEY_REVOKED, who, detail=key["id"])
        for webhook in await database.rows(connection, "delete_unproved_webhooks", **unproved):
            await audit.record(connection, account_id, Action.WEBHOOK_DELETED, who, detail=str(webhook["id"]))
        await database.rows(connection, "prove_email", id=account_id)
        await database.rows(connection, "remember_address", account_id=account_id, address=who.network)
        await audit.record(connection, account_id, Action.RESET, who)


async def _mail_link(services: Services, email: str, base_url: str, who: Visitor) -> None:
    try:
        async with services.database.transaction() as connection:
            link = await make_link(connection, email, base_url, who)
        if link is not None:
            await mail.send(services.settings.mail, email, "A new password for Valence", _TEXT.format(link=link))
    except DependencyUnavailable as error:
        log.error("a link to reset a password was not mailed: its owner has to ask again", extra={"cause": str(error)})


def _used() -> ResetLinkUsed:
    return ResetLinkUsed("the link was used, is older than 30 minutes, or was not copied whole: ask for another")
