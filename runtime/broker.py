"""What holds for every client of the broker, whichever library it is made of, and a record as all of them read it.

The stages read by aiokafka and everybody else by kafka-python: whoever needs only what is here is started without either.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.topics import MOST_DEAD_LETTER_BYTES

#: The largest record that a topic takes, and the request around it.
MOST_REQUEST_BYTES = MOST_DEAD_LETTER_BYTES + 4_096
#: With a stable instance id a restarted member takes its partitions back within this time.
SESSION_MILLISECONDS = 10_000


class Received(NamedTuple):
    """A record as it was read, byte for byte."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    timestamp_milliseconds: int
