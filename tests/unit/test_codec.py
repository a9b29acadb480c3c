"""Records to events: what keeps to the contract comes through, and everything else is named and refused."""

from __future__ import annotations

from uuid import UUID, uuid4

import msgspec
import pytest

from schemas import codec, topics
from schemas.codec import MAX_EVENT_BYTES, InvalidEvent
from schemas.envelope import read
from schemas.events import EVENTS, UploadStatusChanged
from schemas.topics import EVENT_TOPICS, TOPIC_OF
from tests.chain import persisted, upload_received

EVENT = upload_received(UUID(int=1), UUID(int=2))
RECORD = codec.record(EVENT, "/tests", traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
TOPIC = topics.UPLOADS_RECEIVED


def refusal(value: bytes | None = RECORD.value, key: bytes | None = RECORD.key, **headers: bytes | None) -> InvalidEvent:
    """Why a record that differs from a good one in this is refused; a header of None is left out."""
    changed = {**dict(RECORD.headers), **headers}
    with pytest.raises(InvalidEvent) as caught:
        codec.decode(TOPIC, key, value, [(name, text) for name, text in changed.items() if text is not None])
    return caught.value


def nested(levels: int) -> bytes:
    return b'{"x":' + b"[" * levels + b"]" * levels + b"," + (RECORD.value or b"")[1:]


def test_an_event_comes_back_as_it_was_sent() -> None:
    envelope, event = codec.decode(TOPIC, RECORD.key, RECORD.value, RECORD.headers)
    assert event == EVENT
    assert (envelope.id, envelope.type, envelope.source) == (str(EVENT.id), "upload.received.v1", "/tests")
    assert envelope.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_the_envelope_is_cloudevents_binary_mode() -> None:
    headers = dict(RECORD.headers)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["content-type"] == b"application/json"
    assert headers["ce_time"].endswith(b"Z")
    assert RECORD.key == str(EVENT.upload_id).encode()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x80\x04\x95garbage", id="not-json"),
        pytest.param(b'{"upload_id": "', id="cut-off"),
        pytest.param(b"[]", id="not-an-object"),
        pytest.param(b'{"upload_id":"00000000-0000-0000-0000-000000000001"}', id="fields-missing"),
        pytest.param((RECORD.value or b"").replace(b'"attempt":1', b'"attempt":0'), id="attempt-zero"),
        pytest.param((RECORD.value or b"").replace(b"ingest/clip.mp4", b"ingest/\\u0000.mp4"), id="nul-in-the-key"),
        pytest.param((RECORD.value or b"").replace(b"ingest/clip.mp4", b"ingest/\xff.mp4"), id="not-utf-8"),
        pytest.param((RECORD.value or b"").replace(b"ingest/clip.mp4", b"ingest/\\ud800.mp4"), id="half-a-surrogate"),
        pytest.param(nested(30_000), id="nested-without-end"),
    ],
)
def test_a_payload_that_cannot_be_read_is_an_invalid_event_and_nothing_worse(value: bytes) -> None:
    assert refusal(value).reason == "payload"


def test_fields_that_we_do_not_know_yet_are_let_pass() -> None:
    assert codec.decode(TOPIC, RECORD.key, nested(3), RECORD.headers)[1] == EVENT


def test_another_version_of_the_event_is_refused_by_its_type() -> None:
    refused = refusal(ce_type=b"upload.received.v2")
    assert refused.reason == "type"
    assert "upload.received.v2" in str(refused)
    assert "upload.received.v1" in str(refused)


def test_an_event_of_another_topic_is_refused() -> None:
    assert refusal(ce_type=b"upload.status.v1").reason == "type"


def test_an_oversized_event_is_refused_before_it_is_read() -> None:
    assert refusal(b" " * (MAX_EVENT_BYTES + 1)).reason == "oversized"
    padded = (RECORD.value or b"").ljust(MAX_EVENT_BYTES)
    assert codec.decode(TOPIC, RECORD.key, padded, RECORD.headers)[1] == EVENT


def test_a_tombstone_is_no_event() -> None:
    assert refusal(None).reason == "tombstone"


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_type", "ce_source"])
def test_a_missing_header_is_named(name: str) -> None:
    refused = refusal(**{name: None})
    assert refused.reason == "envelope"
    assert name in str(refused)


@pytest.mark.parametrize(
    ("name", "value"),
    [("ce_specversion", b"0.3"), ("ce_id", b""), ("ce_time", b"yesterday"), ("ce_source", b"\xff\xfe")],
)
def test_a_header_that_is_wrong_is_named(name: str, value: bytes) -> None:
    refused = refusal(**{name: value})
    assert refused.reason == "envelope"
    assert name in str(refused)


def test_a_record_without_headers_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="ce_specversion is missing"):
        codec.decode(TOPIC, RECORD.key, RECORD.value, [])


def test_a_header_without_a_value_counts_as_missing() -> None:
    headers = [(name, None if name == "ce_id" else value) for name, value in RECORD.headers]
    with pytest.raises(InvalidEvent, match="ce_id is missing"):
        codec.decode(TOPIC, RECORD.key, RECORD.value, headers)


@pytest.mark.parametrize("name", ["ce_time", "traceparent"])
def test_what_may_be_left_out_may_be_empty(name: str) -> None:
    """A redrive sends a header without a value so: it must not make a good record bad."""
    headers = [(other, value) for other, value in RECORD.headers if other != name]
    envelope, event = codec.decode(TOPIC, RECORD.key, RECORD.value, [*headers, (name, b"")])
    assert (event, envelope.traceparent if name == "traceparent" else None) == (EVENT, None)


@pytest.mark.parametrize("key", [None, b"", b"something", str(UUID(int=2)).encode()])
def test_a_key_that_is_not_the_upload_id_is_refused(key: bytes | None) -> None:
    refused = refusal(key=key)
    assert refused.reason == "key"
    assert str(EVENT.upload_id) in str(refused)


def test_the_time_may_be_left_out() -> None:
    without = [(name, value) for name, value in RECORD.headers if name != "ce_time"]
    assert read(without).time.tzinfo is not None


def test_a_repeat_of_an_event_has_the_same_id_and_no_other_has() -> None:
    upload_id, account_id = uuid4(), uuid4()
    first = upload_received(upload_id, account_id)
    assert first.id == upload_received(upload_id, account_id, key="elsewhere.mp4").id
    others = {
        first.id,
        upload_received(upload_id, account_id, attempt=2).id,
        upload_received(uuid4(), account_id).id,
        persisted(upload_id, account_id).id,
    }
    assert len(others) == 4


def test_ids_never_change_so_that_a_repeat_after_a_deploy_is_still_one() -> None:
    assert upload_received(UUID(int=1)).id == UUID("708a6d0a-a320-529d-9f71-09df75a3514d")  # uuid5(upload id, "upload.received.v1/1")


def test_every_event_has_exactly_one_topic() -> None:
    assert set(EVENTS.values()) - set(TOPIC_OF) == set(), "give each of these events a topic in EVENT_TOPICS of schemas/topics.py"
    assert set(TOPIC_OF) - set(EVENTS.values()) == set(), "add each of these events to EVENTS of schemas/events.py"
    assert len(EVENT_TOPICS) == len(EVENTS), "two topics carry the same event"


def test_the_statuses_of_one_attempt_have_different_ids() -> None:
    def status(sequence: int) -> UploadStatusChanged:
        return msgspec.convert(
            {
                "upload_id": EVENT.upload_id,
                "account_id": EVENT.account_id,
                "attempt": 1,
                "sequence": sequence,
                "status": "received",
                "occurred_at": "2026-01-01T00:00:00Z",
            },
            UploadStatusChanged,
        )

    assert status(1).id != status(2).id
    assert status(1).id == status(1).id
