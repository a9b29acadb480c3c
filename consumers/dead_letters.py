"""The dead letters: each record that could not be processed, kept in PostgreSQL so that an operator can list, read and redrive it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from consumers.reader import read
from runtime import database, process
from runtime.database import Connection, Database
from runtime.errors import ValenceError
from runtime.kafka import Publisher, Received
from runtime.process import Process
from schemas.codec import UNREADABLE, Record
from schemas.dead_letters import cause_of, original_headers
from schemas.events import Attempt
from schemas.topics import DEAD_LETTER_TOPICS

log = logging.getLogger(__name__)

GROUP = "consumers.dead-letters"


class NoSuchDeadLetter(ValenceError):
    """There is no dead letter with this number."""


class _Reference(msgspec.Struct):
    """What nearly every event says, readable even where the rest is not."""

    upload_id: UUID | None = None
    attempt: Attempt | None = None


async def keep(connection: Connection, records: Sequence[Received]) -> None:
    """Keep records byte for byte; one that is here already, since it was read or dead-lettered twice, is not kept again."""
    for record in records:
        try:
            cause = cause_of(record.headers)
        except msgspec.ValidationError as error:
            log.error(
                "ignored, since it says nothing of where it comes from: %s", error, extra={"topic": record.topic, "offset": record.offset}
            )
            continue
        reference = _reference(record.value)
        headers = original_headers(record.headers)
        await database.rows(
            connection,
            "insert_dead_letter",
            topic=cause.topic,
            kafka_partition=cause.partition,
            kafka_offset=cause.offset,
            record_key=record.key,
            record_value=record.value,
            header_names=[name.encode() for name, _ in headers],  # as bytes: PostgreSQL's text holds no NUL, and a stranger's name may
            header_values=[value for _, value in headers],
            stage=cause.stage,
            reason=cause.reason,
            error=cause.error.replace("\x00", "\N{REPLACEMENT CHARACTER}"),
            upload_id=reference.upload_id,
            attempt=reference.attempt,
            dead_lettered_at=cause.time,
        )


def _reference(value: bytes | None) -> _Reference:
    try:
        return msgspec.json.decode(value or b"{}", type=_Reference)
    except UNREADABLE:
        return _Reference()


async def listed(database_: Database, *, after: int = 0, most: int = 100, redriven: bool = False) -> list[dict[str, Any]]:
    """Dead letters in the order they came, without their bytes; those that were redriven only if asked for."""
    return await database_.rows("list_dead_letters", after=after, most=most, all=redriven)


async def shown(database_: Database, number: int) -> dict[str, Any]:
    """One dead letter with its bytes; NoSuchDeadLetter if there is none."""
    found = await database_.rows("dead_letter", id=number)
    if not found:
        raise NoSuchDeadLetter(f"there is no dead letter {number}: `valence dead-letters list` shows those there are")
    return {**found[0], "header_names": [name.decode() for name in found[0]["header_names"]]}


async def redrive(database_: Database, publisher: Publisher, number: int) -> Record:
    """Put a dead letter back on the topic it came from, byte for byte but for headers without a value, which come back empty; it is marked
    only once the broker has it."""
    letter = await shown(database_, number)
    # kafka-python sends no header without a value, which other clients do: it goes out empty.
    headers = [(name, value or b"") for name, value in zip(letter["header_names"], letter["header_values"], strict=True)]
    record = Record(topic=letter["topic"], key=letter["record_key"], value=letter["record_value"], headers=headers)
    await publisher.publish([record])
    await database_.rows("redriven_dead_letter", id=number)
    return record


async def work(running: Process) -> None:
    """Keep dead letters until told to stop."""
    await read(running, GROUP, [topic.name for topic in DEAD_LETTER_TOPICS], keep)


if __name__ == "__main__":
    process.run(GROUP, work)
