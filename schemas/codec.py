"""Records to events and back: JSON payloads, checked against the struct of the event's type."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from schemas import envelope as envelopes
from schemas.events import EVENTS, Event
from schemas.topics import TOPIC_OF, Topic

#: Events are references: one larger than this was not made by a producer that keeps to the contract.
MAX_EVENT_BYTES = 65_536


class InvalidEvent(Exception):
    """A record that is not an event of its topic; `reason` is a word for metrics, the message says what to mend."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Record(NamedTuple):
    """What a Kafka client sends: topic, key, value and headers. A value of None is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


#: What msgspec raises for JSON that is none: bytes that are not UTF-8 and nesting without an end have errors of their own.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_encoder = msgspec.json.Encoder()
_decoders = {name: msgspec.json.Decoder(event) for name, event in EVENTS.items()}


def encode(event: Event) -> bytes:
    """An event's payload as JSON."""
    return _encoder.encode(event)


def record(event: Event, source: str, *, traceparent: str | None = None) -> Record:
    """The record that publishes an event on its topic; `source` names the publisher, like `/stream-processors/validate`."""
    headers = envelopes.envelope(event.id, event.TYPE, source, traceparent=traceparent).headers()
    return Record(
        topic=TOPIC_OF[type(event)].name,
        key=str(event.upload_id).encode(),
        value=encode(event),
        headers=[(name, text.encode()) for name, text in headers.items()],
    )


def decode(topic: Topic, key: bytes | None, value: bytes | None, headers: envelopes.Headers) -> tuple[envelopes.Envelope, Event]:
    """The event in a record of `topic`; raises InvalidEvent for everything that does not keep to the contract."""
    if value is None:
        raise InvalidEvent("tombstone", f"the record on {topic.name} has no value: send the event as JSON")
    if len(value) > MAX_EVENT_BYTES:
        raise InvalidEvent("oversized", f"the event has {len(value)} bytes: at most {MAX_EVENT_BYTES} are accepted; send references")
    try:
        envelope = envelopes.read(headers)
    except envelopes.InvalidEnvelope as error:
        raise InvalidEvent("envelope", str(error)) from error
    expected = topic.event.TYPE if topic.event else None
    if envelope.type != expected:
        raise InvalidEvent("type", f"ce_type is {envelope.type!r}: {topic.name} carries {expected!r}")
    try:
        event = _decoders[envelope.type].decode(value)
    except UNREADABLE as error:
        raise InvalidEvent("payload", f"the payload is no {envelope.type}: {error}") from error
    if key != str(event.upload_id).encode():
        raise InvalidEvent("key", f"the key is {key!r}: expected the upload id {event.upload_id}, which keeps its events in order")
    return envelope, event
