"""The envelope: CloudEvents 1.0 in Kafka's binary mode, with the W3C trace context.

Sources: the CloudEvents Kafka protocol binding 1.0.2 and the W3C Trace Context recommendation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

import msgspec

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"

#: Kafka's headers as its clients hand them over.
Headers = Iterable[tuple[str, bytes | None]]


class InvalidEnvelope(Exception):
    """The headers are not a CloudEvents 1.0 envelope."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Who says what happened, and when: an event's headers."""

    id: str
    type: str
    source: str
    time: datetime
    traceparent: str | None = None

    def headers(self) -> dict[str, str]:
        """The headers of a record in Kafka's binary mode."""
        headers = {
            "ce_specversion": SPEC_VERSION,
            "ce_id": self.id,
            "ce_type": self.type,
            "ce_source": self.source,
            "ce_time": self.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "content-type": CONTENT_TYPE,
        }
        if self.traceparent:
            headers["traceparent"] = self.traceparent
        return headers


def envelope(event_id: UUID, event_type: str, source: str, *, traceparent: str | None = None) -> Envelope:
    """The envelope of an event that happens now; `source` names the process as a URI reference, like `/stream-processors/validate`."""
    return Envelope(id=str(event_id), type=event_type, source=source, time=datetime.now(UTC), traceparent=traceparent)


def read(headers: Headers) -> Envelope:
    """The envelope of a record; InvalidEnvelope names the header that is missing or wrong. One that is empty counts as missing: a redrive
    sends those without a value so."""
    found = {name: value for name, value in headers if value}
    if (version := _text(found, "ce_specversion")) != SPEC_VERSION:
        raise InvalidEnvelope(f"header ce_specversion is {version!r}: expected {SPEC_VERSION!r}")
    try:
        time = datetime.fromisoformat(_text(found, "ce_time")) if "ce_time" in found else datetime.now(UTC)
    except ValueError as error:
        raise InvalidEnvelope(f"header ce_time is {found['ce_time']!r}: expected an RFC 3339 timestamp") from error
    return Envelope(
        id=_text(found, "ce_id"),
        type=_text(found, "ce_type"),
        source=_text(found, "ce_source"),
        time=time,
        traceparent=_text(found, "traceparent") if "traceparent" in found else None,
    )


def _text(headers: Mapping[str, bytes], name: str) -> str:
    try:
        return headers[name].decode()
    except KeyError:
        raise InvalidEnvelope(f"header {name} is missing or empty: send a CloudEvents 1.0 envelope in binary mode") from None
    except UnicodeDecodeError as error:
        raise InvalidEnvelope(f"header {name} is {headers[name]!r}: expected UTF-8") from error
