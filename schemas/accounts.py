"""What flows over HTTP about accounts: signing up and in, sessions, passwords, keys and what happened to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

#: An address as HTML's `<input type=email>` takes it: ASCII, and nothing that a mail's header could mistake for its end.
EMAIL_PATTERN = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*(?!\n)$"
)
Email = Annotated[str, msgspec.Meta(max_length=254, pattern=EMAIL_PATTERN, examples=["ada@example.org"])]

#: A name that somebody gives: one line that can be shown. `(?!\n)` since `$` alone would match before a line break at the end.
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$")]

#: A password that is to be set. Its length is described here and checked by the API, whose answer does not repeat it as other wrong values.
NewPassword = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 8, "maxLength": 128})]


class Scope(StrEnum):
    """What a key may do: look at uploads and analyses, send and retry them, look at the account, and change it; look at webhooks and what
    they were told, and make and change them."""

    READ = "uploads:read"
    WRITE = "uploads:write"
    ACCOUNT_READ = "account:read"
    ACCOUNT_WRITE = "account:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"


#: What a key may do unless its maker says otherwise: all about uploads, nothing about the account.
UPLOADS = (Scope.READ, Scope.WRITE)


class SignUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account that somebody wants: an address, and a password of 8 to 128 characters that is not among the most common."""

    email: Email
    password: NewPassword


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who somebody says to be, and the proof."""

    email: Email
    password: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account: `email` is None for one that an operator has made, `name` for one that somebody has signed up for.

    `email_verified_at` is None until its owner has opened a link that went to the address. Where the operator sends such links,
    `must_verify_email` is true until then, and the account makes no keys.
    """

    id: UUID
    email: str | None
    name: str | None
    plan: str
    created_at: datetime
    email_verified_at: datetime | None = None
    must_verify_email: bool = False


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is signed in; `current` is the one that asks. `user_agent` is what the browser said, cut and escaped."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None
    current: bool


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in, and by which session."""

    account: Account
    session: Session


class SessionList(msgspec.Struct, frozen=True, kw_only=True):
    """The sessions of an account, the last used one first."""

    data: list[Session]


class ChangePassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new password for whoever knows the current one."""

    current_password: str
    new_password: NewPassword


class RequestReset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody has forgotten the password of this address."""

    email: Email


class ResetPassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new password for whoever has the token of a link that was mailed; it works once, for 30 minutes."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    new_password: NewPassword


class VerifyEmail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The proof that an address is the account's own: the token of a link that went to it; it works once, for a day."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that somebody wants: what it is for, what it may do, and until when it works (None: until it is revoked)."""

    name: Label
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=len(Scope))] = msgspec.field(default_factory=lambda: list(UPLOADS))
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as its owner sees it afterwards: by its name, its id, which is its second part, and its last four characters."""

    id: str
    name: str | None
    last_four: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class CreatedKey(Key, frozen=True, kw_only=True):
    """A key that was just made: `key` is the whole of it, shown this once."""

    key: str


class KeyList(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of an account: those that work, newest first, then those that were revoked."""

    data: list[Key]


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to an account: `action` like `account:login:failure`, from where, and by which key or session."""

    id: UUID
    at: datetime
    action: str
    address: str | None
    user_agent: str | None
    key_id: str | None
    session_id: UUID | None
    detail: str | None


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some events, newest first, and where the next page begins: pass `next_cursor` as `after`; None on the last page."""

    data: list[AuditEvent]
    next_cursor: str | None


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What was used of something this month, what videos that are being worked on hold, and the limit; None without one."""

    used: float
    reserved: float
    limit: int | None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has used of its plan in `month`, a calendar month of UTC like `2026-11`, and what that took to compute."""

    plan: str
    month: str
    resets_at: datetime
    videos: Allowance
    minutes: Allowance
    compute_seconds: float


class CloseAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The proof that whoever wants the account gone is its owner."""

    password: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was erased, in numbers; `finished_at` is None while objects are still being deleted.

    `uploads` are gone with their statuses, analyses, invocations and what webhooks were told, `objects` from S3; `tombstones` were sent to
    the topics that keep the newest record of an upload. What other topics of Kafka hold of them, references and summary scores, they forget
    by `forgotten_by`.
    Once it is finished, `sha256` is the digest of the list of all that went, and `signature` is ours under the whole of the receipt.
    """

    id: UUID
    kind: str
    asked_at: datetime
    finished_at: datetime | None
    forgotten_by: datetime
    uploads: int
    objects: int
    tombstones: int
    sha256: str | None = None
    signature: str | None = None


class ReceiptItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that went: `kind` is `upload`, `statuses`, `analyses`, `object`, `tombstone` and so on, `name` an id or a place."""

    kind: str
    name: str
    number: int
    at: datetime


class ReceiptItems(msgspec.Struct, frozen=True, kw_only=True):
    """Some of what went, in the order in which it did, and where the next page begins: pass `next_cursor` as `after`."""

    data: list[ReceiptItem]
    next_cursor: str | None


class CheckReceipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `signature` of a receipt that somebody has kept."""

    signature: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}(?!\\n)$")]


class ReceiptCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a kept receipt is what was given out, and whether what it lists is still gone: `reappeared` names what is there again.

    All rows were looked for, and the `objects_looked_for` that went last.
    """

    checked_at: datetime
    genuine: bool
    reappeared: list[str]
    objects_looked_for: int
