"""What flows over HTTP about accounts: signing up and in, sessions, passwords, keys and what happened to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

#: An address as HTML's `<input type=email>` takes it: ASCII, and nothing that a mail's header could mistake for its end.
EMAIL_PATTERN = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*(?!\n)$"
)
Email = Annotated[str, msgspec.Meta(max_length=254, pattern=EMAIL_PATTERN)]


class SignUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account that somebody wants: an address, and a password of 8 to 128 characters that is not among the most common."""

    email: Email
    password: str


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who somebody says to be, and the proof."""

    email: Email
    password: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account: `email` is None for one that an operator has made, `name` for one that somebody has signed up for."""

    id: UUID
    email: str | None
    name: str | None
    created_at: datetime


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
