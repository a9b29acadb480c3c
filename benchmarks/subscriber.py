"""Subscribers as a browser is one, who write down what they saw: every status once and in order, over any number of reconnects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID

import httpx
import msgspec

from schemas.events import UploadStatusChanged
from schemas.resources import Snapshot
from schemas.status import TERMINAL, Status

#: Until a server says otherwise, as EventSource has it.
_RETRY_SECONDS = 1.0
#: Heartbeats come every 15 s.
_SILENCE_SECONDS = 40.0


class Frame(NamedTuple):
    """One server-sent event."""

    event: str
    data: bytes
    id: str | None


class Seen:
    """What subscribers saw of uploads: the newest sequence of each, when it ended, and everything that should not have been."""

    def __init__(self) -> None:
        self.sequences: dict[UUID, int] = {}
        #: Unix time, and the status, at which an upload was seen to have ended.
        self.ended: dict[UUID, tuple[float, Status]] = {}
        self.faults: list[str] = []
        self.events = 0
        self.connections = 0
        self.changed = asyncio.Event()

    def snapshot(self, snapshot: Snapshot) -> None:
        """Uploads as a stream begins: ahead of what was seen before, never behind."""
        for upload in snapshot.uploads:
            if upload.sequence < self.sequences.get(upload.id, 0):
                self.faults.append(f"{upload.id}: a snapshot says {upload.sequence} after {self.sequences[upload.id]} was seen")
            self._note(upload.id, upload.sequence, upload.status)

    def status(self, event: UploadStatusChanged) -> None:
        """A change: the one right after the last that was seen."""
        self.events += 1
        last = self.sequences.get(event.upload_id, 0)
        if event.sequence != last + 1:
            self.faults.append(f"{event.upload_id}: {event.status} has sequence {event.sequence}, and {last} was seen before it")
        self._note(event.upload_id, event.sequence, event.status)

    def _note(self, upload_id: UUID, sequence: int, status: Status) -> None:
        self.sequences[upload_id] = sequence
        if status in TERMINAL and upload_id not in self.ended:
            self.ended[upload_id] = time.time(), status
        self.changed.set()


async def watch_account(client: httpx.AsyncClient, seen: Seen, subscribed: asyncio.Event) -> None:
    """Follow all uploads of an account until cancelled; `subscribed` is set while the stream is open."""
    retry = _Retry()
    while True:
        try:
            async with client.stream("GET", "/v1/events", timeout=_SILENCE_SECONDS) as response:
                if response.status_code == 200:
                    seen.connections += 1
                    async for frame in _frames(response, retry):
                        if frame.event == "snapshot":
                            seen.snapshot(msgspec.json.decode(frame.data, type=Snapshot))
                            subscribed.set()
                        elif frame.event == "status":
                            seen.status(msgspec.json.decode(frame.data, type=UploadStatusChanged))
        except httpx.TransportError:
            pass  # the server was killed or is not there yet: the same as an end
        subscribed.clear()
        await asyncio.sleep(retry.seconds)


async def follow_upload(client: httpx.AsyncClient, upload_id: UUID, faults: list[str]) -> None:
    """Follow one upload to its end by Last-Event-ID; every id from 1 on must come once and in order."""
    retry, last = _Retry(), 0
    while True:
        try:
            headers = {"last-event-id": str(last)} if last else {}
            async with client.stream("GET", f"/v1/uploads/{upload_id}/events", headers=headers, timeout=_SILENCE_SECONDS) as response:
                if response.status_code == 204:
                    return
                if response.status_code == 200:
                    async for frame in _frames(response, retry):
                        if frame.event != "status":
                            continue
                        event = msgspec.json.decode(frame.data, type=UploadStatusChanged)
                        if frame.id != str(last + 1) or event.sequence != last + 1:
                            faults.append(f"{upload_id}: its own stream went from {last} to {frame.id}")
                        last = event.sequence
        except httpx.TransportError:
            pass  # as above
        await asyncio.sleep(retry.seconds)


class _Retry:
    def __init__(self) -> None:
        self.seconds = _RETRY_SECONDS


async def _frames(response: httpx.Response, retry: _Retry) -> AsyncIterator[Frame]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if not line:
            if "data" in fields:
                yield Frame(fields.get("event", "message"), fields["data"].encode(), fields.get("id"))
            fields = {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "retry":
            retry.seconds = int(value) / 1_000
        elif name:
            fields[name] = value
