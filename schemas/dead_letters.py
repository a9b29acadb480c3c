"""Dead letters: a record that could not be processed, kept byte for byte, with plain-text `dlq.*` headers that say why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from schemas.codec import Record

_PREFIX = "dlq."
#: Long messages are cut: the log has them whole.
_MOST_CHARACTERS = 1_000


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why a record was dead-lettered, where it was read, and by whom; `reason` is a word, `error` the message."""

    topic: str
    partition: int
    offset: int
    stage: str
    reason: str
    error: str
    time: datetime


def dead_letter(
    *,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes]],
    stage: str,
    reason: str,
    error: str,
) -> Record:
    """The record for the dead-letter topic: key, value and headers as they were, and the cause in headers of its own."""
    cause = Cause(
        topic=topic,
        partition=partition,
        offset=offset,
        stage=stage,
        reason=reason,
        error=error[:_MOST_CHARACTERS],
        time=datetime.now(UTC),
    )
    added = [(f"{_PREFIX}{name}", str(text).encode()) for name, text in msgspec.to_builtins(cause).items()]
    return Record(topic=f"{topic}.dlq", key=key, value=value, headers=[*original_headers(headers), *added])


def cause_of(headers: Iterable[tuple[str, bytes]]) -> Cause:
    """The cause that a dead letter's headers tell; msgspec.ValidationError for a record that was not made by `dead_letter`."""
    found = {name.removeprefix(_PREFIX): value.decode(errors="replace") for name, value in headers if name.startswith(_PREFIX)}
    return msgspec.convert(found, Cause, strict=False)


def original_headers(headers: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The headers as they were before the record was dead-lettered."""
    return [(name, value) for name, value in headers if not name.startswith(_PREFIX)]
