"""API keys: `val_live_<id>_<secret><checksum>`, recognisable when they leak and checkable without asking anybody.

The secret has 190 random bits, so one SHA-256 of it is enough at rest. The checksum is a CRC-32 of all that stands before it: a typing
error is told from a key that does not exist, and scanners of leaked keys have no false alarms.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from typing import NamedTuple

PREFIX = "val_live_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_CHARACTERS = 12
_SECRET_CHARACTERS = 32  # 32 x log2(62) = 190 bits
_CHECKSUM_CHARACTERS = 6

#: How a key looks; also what a scanner for leaked keys searches for.
PATTERN = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_ID_CHARACTERS}}}_[0-9A-Za-z]{{{_SECRET_CHARACTERS + _CHECKSUM_CHARACTERS}}}")


class InvalidKey(Exception):
    """The text is not a key of Valence, or has a typing error."""


class Key(NamedTuple):
    """A key taken apart: the id that names its row, and the secret."""

    id: str
    secret: str

    @property
    def text(self) -> str:
        """The key as its owner writes it."""
        signed = f"{PREFIX}{self.id}_{self.secret}"
        return signed + _checksum(signed)

    @property
    def digest(self) -> bytes:
        """What is stored in the place of the secret."""
        return hashlib.sha256(self.secret.encode()).digest()

    @property
    def last_four(self) -> str:
        """What is shown of the key in lists."""
        return self.text[-4:]

    def matches(self, digest: bytes) -> bool:
        """Whether this is the key whose digest was stored; takes the same time either way."""
        return hmac.compare_digest(self.digest, digest)


def mint() -> Key:
    """A new key."""
    return Key(_random(_ID_CHARACTERS), _random(_SECRET_CHARACTERS))


def parse(text: str) -> Key:
    """The parts of a key; InvalidKey says whether it is of another form or has a typing error."""
    if not PATTERN.fullmatch(text):
        raise InvalidKey(f"a key begins with {PREFIX!r} and has {len(mint().text)} characters, this one has {len(text)}")
    signed, checksum = text[:-_CHECKSUM_CHARACTERS], text[-_CHECKSUM_CHARACTERS:]
    if _checksum(signed) != checksum:
        raise InvalidKey("its checksum does not fit: a character was changed or lost when it was copied")
    key_id, _, secret = signed.removeprefix(PREFIX).partition("_")
    return Key(key_id, secret)


def _random(characters: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(characters))


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
