"""Cursors of lists that are ordered by time, newest first: opaque outside, the place of a row inside."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from uuid import UUID

from api.problems import InvalidRequest, field_at


def write(time: datetime, row_id: UUID) -> str:
    """The cursor that stands after a row."""
    return base64.urlsafe_b64encode(f"{time.isoformat()} {row_id}".encode()).decode().rstrip("=")


def read(text: str) -> tuple[datetime, UUID]:
    """The place that a cursor stands for; InvalidRequest for what is none."""
    try:
        time, _, row_id = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(" ")
        parsed = datetime.fromisoformat(time)
        if parsed.tzinfo is None:
            raise ValueError("a cursor's time has a zone")
        return parsed, UUID(row_id)
    except (ValueError, binascii.Error) as error:
        expected = "the next_cursor of the page before, unchanged"
        raise InvalidRequest(f"after is {text[:200]!r}: expected {expected}", errors=[field_at("after", text, expected)]) from error
