"""Showing that the address of an account is its owner's: a link that goes there, opened by whoever is signed in.

Anybody may sign up with anybody's address. Until its owner has confirmed it the account makes no keys, so that a stranger keeps nothing
once the owner resets the password. Where the operator sends no mail nothing can be shown, and nothing is asked for.
"""

from __future__ import annotations

import logging
from uuid import UUID

from litestar import Response, post, put
from litestar.background_tasks import BackgroundTask

from api import accounts, audit, bodies, throttling, tokens, verification_links
from api.audit import Action
from api.documentation import problems
from api.guards import session_only
from api.problems import (
    AccountClosed,
    EmailVerified,
    InvalidRequest,
    SessionNeeded,
    TooManyTries,
    UnsupportedMediaType,
    VerificationLinkUsed,
)
from api.services import Authenticated, Injected, Services
from api.signing_in import must_verify
from api.visitors import Visitor, visitor
from runtime import database, mail
from runtime.errors import DependencyUnavailable
from schemas.accounts import VerifyEmail

log = logging.getLogger(__name__)

#: Mails that one account has sent.
MAILS = throttling.hourly(5)

_TEXT = """Somebody, probably you, has made an account of Valence with this address. Confirm it within a day, signed in to that account:

{link}

If that was not you, do nothing: without your confirmation the account makes no API keys. Whoever resets its password by a link to this
address, which only you get, takes it over and ends what the other has of it.
"""


@post(
    "/email-verifications",
    status_code=202,
    guards=[session_only],
    responses=problems(SessionNeeded, EmailVerified, TooManyTries),
)
async def request_verification(request: Authenticated, services: Injected) -> Response[bytes]:
    """Have another link mailed to the account's address; signing up has sent the first."""
    account = await accounts.account(services.database, request.user.account_id)
    if not must_verify(account, services.settings):
        raise EmailVerified("the account has no address that is still to be confirmed, or the operator sends no mail")
    await throttling.take(services.database, MAILS, f"verification of {account['id']}")
    task = mailing(services, account["id"], account["email"], visitor(request.scope))
    return Response(b"", status_code=202, background=task)


@put(
    "/email-verifications",
    status_code=204,
    guards=[session_only],
    operation_class=bodies.operation(VerifyEmail),
    responses=problems(InvalidRequest, UnsupportedMediaType, SessionNeeded, VerificationLinkUsed),
)
async def verify_email(request: Authenticated, services: Injected) -> None:
    """Confirm the account's address with the token of a link. It takes a session of the same account: a link alone confirms nothing."""
    data, principal = await bodies.read(request, VerifyEmail), request.user
    async with services.database.transaction() as connection:
        # Locked first: whoever resets the password or closes the account takes the same locks in the same order.
        if await database.row(connection, "lock_account", id=principal.account_id) is None:
            raise AccountClosed(accounts.CLOSED)
        asked = {"token_sha256": tokens.digest(data.token), "account_id": principal.account_id}
        if await database.row(connection, "use_email_verification", **asked) is None:
            raise VerificationLinkUsed("the link was used, is older than a day, or belongs to another account than the one signed in")
        await database.rows(connection, "end_email_verifications", account_id=principal.account_id)
        await audit.record_by(connection, principal, Action.EMAIL_VERIFIED, visitor(request.scope))


def mailing(services: Services, account_id: UUID, email: str, who: Visitor) -> BackgroundTask | None:
    """What sends a link once the answer is out, so that nobody waits for a mail server; None where the operator sends no mail."""
    return BackgroundTask(_mail_link, services, account_id, email, who) if services.settings.sends_mail else None


async def _mail_link(services: Services, account_id: UUID, email: str, who: Visitor) -> None:
    settings = services.settings
    try:
        async with services.database.transaction() as connection:
            link = await verification_links.make_link(connection, account_id, settings.api.public_url, who)
        if link is not None:
            await mail.send(settings.mail, email, "Confirm your address for Valence", _TEXT.format(link=link))
    except DependencyUnavailable as error:
        log.error("a link to confirm an address was not mailed: its owner has to ask again", extra={"cause": str(error)})
