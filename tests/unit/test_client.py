"""The Python client against answers that a test writes."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from schemas.events import UploadStatusChanged
from schemas.resources import Progress, Stage, UploadProgress
from schemas.status import Status
from valence import ApiError, Client, ServiceUnreachable
from valence.event_source import EventReader, ServerEvent

ID = uuid4()


def client(answer: Callable[[httpx.Request], httpx.Response], *, patience_seconds: float = 60.0) -> Client:
    return Client("http://api", "val_live_x", patience_seconds=patience_seconds, transport=httpx.MockTransport(answer))


async def arriving(content: bytes) -> AsyncIterator[bytes]:
    yield content


def stream(*numbered: tuple[int, Status], upload_id: UUID = ID) -> bytes:
    def frame(sequence: int, status: Status) -> bytes:
        event = UploadStatusChanged(
            upload_id=upload_id, attempt=1, account_id=ID, sequence=sequence, status=status, occurred_at=datetime.now(UTC)
        )
        return b"id: %d\nevent: status\ndata: %s\n\n" % (sequence, msgspec.json.encode(event))

    return b"retry: 1\n\n" + b":\n\n".join(frame(*found) for found in numbered)


@pytest.mark.parametrize("size", [1, 2, 3, 1_000])
def test_events_are_read_whole_however_the_bytes_are_cut(size: int) -> None:
    sent = 'retry: 1500\n\n:\n\nid: 7\nevent: status\ndata: {"a":"\u2028"}\n\nevent: snapshot\ndata: 1\n\ndata: cut'.encode()
    reader = EventReader()
    found = [event for start in range(0, len(sent), size) for event in reader.feed(sent[start : start + size])]
    assert found == [ServerEvent("status", '{"a":"\u2028"}'.encode(), "7"), ServerEvent("snapshot", b"1", "")]
    assert reader.retry_seconds == 1.5


def test_events_go_on_after_the_last_one_when_a_connection_ends() -> None:
    asked: list[str | None] = []
    answers = [stream((1, Status.CREATED), (2, Status.RECEIVED)), stream((3, Status.ANALYSING)), stream((4, Status.COMPLETED))]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("last-event-id"))
        return httpx.Response(200, content=arriving(answers[len(asked) - 1]))

    assert [status.sequence for status in client(answer).events(ID)] == [1, 2, 3, 4]
    assert asked == [None, "2", "3"]


def test_what_comes_between_statuses_is_told_to_those_who_ask_for_it_and_what_is_unknown_to_nobody() -> None:
    progress = UploadProgress(upload_id=ID, sequence=1, progress=Progress(stage=Stage.ANALYSE, ahead=3, seconds_left=40))
    between = b"event: progress\ndata: " + msgspec.json.encode(progress) + b"\n\nevent: of a later version\ndata: 1\n\n"
    whole = stream((1, Status.ANALYSING)) + between + stream((2, Status.COMPLETED))
    telling = client(lambda request: httpx.Response(200, content=arriving(whole)))
    assert [status.sequence for status in telling.events(ID)] == [1, 2]
    assert list(telling.updates(ID))[1:2] == [progress]


def test_an_upload_that_has_ended_has_no_more_events() -> None:
    assert list(client(lambda request: httpx.Response(204)).events(ID, after=4)) == []


def test_a_problem_is_an_error_that_a_program_can_tell_by_its_name() -> None:
    body = {"type": "https://valence.dev/problems/no-such-upload", "title": "t", "status": 404, "detail": "why"}
    refusing = client(lambda request: httpx.Response(404, json=body))
    for ask in (lambda: refusing.get_upload(ID), lambda: list(refusing.events(ID))):
        with pytest.raises(ApiError, match="why") as refused:
            ask()
        assert refused.value.name == "no-such-upload"


def test_an_answer_of_something_in_between_is_an_error_too() -> None:
    with pytest.raises(ApiError, match="Bad Gateway"):
        client(lambda request: httpx.Response(502, text="<h1>Bad Gateway</h1>"), patience_seconds=0).get_upload(ID)


def test_a_service_that_is_not_there_is_told_at_once() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    for ask in (lambda: client(refuse).get_upload(ID), lambda: list(client(refuse).events(ID))):
        with pytest.raises(ServiceUnreachable, match="http://api"):
            ask()


def test_content_is_sent_in_pieces_and_its_progress_told() -> None:
    received: dict[str, object] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        received.update(length=request.headers["content-length"], body=len(request.read()))
        return httpx.Response(409, json={"type": "x", "title": "t", "status": 409, "detail": "enough"})

    told: list[int] = []
    with pytest.raises(ApiError):
        client(answer).put_content(ID, io.BytesIO(bytes(600_000)), 600_000, told.append)
    assert received == {"length": "600000", "body": 600_000}
    assert (sum(told), len(told)) == (600_000, 3)
