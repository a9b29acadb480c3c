"""Accounts: signing up, signing in, and sessions."""

from http import HTTPStatus

from api.problems.problem import Problem


class SignUpRefused(Problem):
    status, name, title = HTTPStatus.CONFLICT, "sign-up-refused", "An account cannot be made with this address"


class SignUpClosed(Problem):
    status, name, title = HTTPStatus.FORBIDDEN, "sign-up-closed", "Nobody can sign up here"


class WeakPassword(Problem):
    status, name, title = HTTPStatus.UNPROCESSABLE_ENTITY, "weak-password", "The password is too easy to guess"


class WrongCredentials(Problem):
    status, name, title = HTTPStatus.UNAUTHORIZED, "wrong-credentials", "The address or the password is wrong"


class TooManyTries(Problem):
    status, name, title = HTTPStatus.TOO_MANY_REQUESTS, "too-many-tries", "This was tried too often"


class SessionEnded(Problem):
    status, name, title = HTTPStatus.UNAUTHORIZED, "session-ended", "The session has ended"


class AccountClosed(Problem):
    status, name, title = HTTPStatus.UNAUTHORIZED, "account-closed", "The account was closed"


class SessionNeeded(Problem):
    status, name, title = HTTPStatus.FORBIDDEN, "session-needed", "This needs somebody who is signed in"


class NoSuchSession(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-such-session", "There is no such session"


class CrossSite(Problem):
    status, name, title = HTTPStatus.FORBIDDEN, "cross-site", "The request seems to come from another site"


class WrongPassword(Problem):
    status, name, title = HTTPStatus.FORBIDDEN, "wrong-password", "The current password is wrong"


class NoMail(Problem):
    status, name, title = HTTPStatus.FORBIDDEN, "no-mail", "This Valence sends no mail"


class ResetLinkUsed(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "reset-link-used", "The link does not work any more"


class EmailUnverified(Problem):
    status, name, title = HTTPStatus.FORBIDDEN, "email-unverified", "The account's address is not confirmed yet"


class EmailVerified(Problem):
    status, name, title = HTTPStatus.CONFLICT, "email-verified", "There is nothing to confirm"


class VerificationLinkUsed(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "verification-link-used", "The link does not work any more"


class ReceiptUnfinished(Problem):
    status, name, title = HTTPStatus.CONFLICT, "receipt-unfinished", "The erasure is not finished yet"


class NoSuchReceipt(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-such-receipt", "There is no such receipt"
