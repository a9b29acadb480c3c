"""Tokens that stand for somebody without saying anything: 256 random bits, of which only a digest is kept."""

from __future__ import annotations

import hashlib
import secrets


def mint() -> str:
    """A new token, safe in cookies and addresses."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored in the place of a token."""
    return hashlib.sha256(token.encode()).digest()
