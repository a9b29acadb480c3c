"""Passwords: which are good enough, and their argon2id hashes, made in threads so that the event loop goes on."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import argon2
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from api.problems import Busy, WeakPassword

T = TypeVar("T")

SHORTEST, LONGEST = 8, 128
#: Hashes that are made at the same time, each with 19 MiB, and those that may wait for that.
AT_ONCE, MOST_WAITING = 2, 64

#: The parameters that OWASP recommends: some 33 ms for the server, and the same for each guess of whoever steals the table.
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def check_strength(password: str, email: str) -> None:
    """Raise WeakPassword for one that is too short, too long, one of the most common, or the address itself."""
    length = len(password)
    if not SHORTEST <= length <= LONGEST:
        raise WeakPassword(f"the password has {length} characters: choose one of {SHORTEST} to {LONGEST}")
    lowered = password.lower()
    if lowered in _most_common():
        raise WeakPassword("the password is one of the 30,000 most common, which are tried first: choose another")
    if lowered in (email.lower(), email.lower().partition("@")[0]):
        raise WeakPassword("the password is the address itself: choose another")


class Passwords:
    """Hashes and compares; what is asked for while too many wait is refused with Busy."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._decoy = _HASHER.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """What is stored in the place of a password."""
        return await self._in_turn(_hash, password)

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether this is the password; without a stored hash it is not, which takes as long to find out."""
        verified = await self._in_turn(_verify, password, stored or self._decoy)
        return verified and stored is not None

    async def _in_turn(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= MOST_WAITING:
            raise Busy("too many people sign in at this moment: try again", headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            async with self._places:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._waiting -= 1


def _hash(password: str) -> str:
    return _HASHER.hash(_normal(password))


def _verify(password: str, stored: str) -> bool:
    try:
        return _HASHER.verify(stored, _normal(password))
    except argon2.exceptions.VerifyMismatchError:
        return False


def _normal(password: str) -> str:
    """The same characters whichever keyboard composed them."""
    return unicodedata.normalize("NFKC", password)


@cache
def _most_common() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])
