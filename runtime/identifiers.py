"""Ids of our own making: UUIDs of version 7, which sort by the time they were made."""

from __future__ import annotations

import secrets
import time
from uuid import UUID


def uuid7() -> UUID:
    """A new UUID: 48 bits of milliseconds since 1970, 74 random bits. Source: RFC 9562, section 5.7."""
    milliseconds = time.time_ns() // 1_000_000
    return UUID(int=milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62))


def canonical(text: str) -> UUID | None:
    """The UUID that is written as such ids are; None for all else, since UUID() takes braces and line breaks, and ids go into headers."""
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text.lower() else None
