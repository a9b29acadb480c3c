"""Reading server-sent events: bytes in, events out. Source: the HTML standard, section 9.2, as far as the API uses it."""

from __future__ import annotations

from typing import NamedTuple


class ServerEvent(NamedTuple):
    """An event: its name, its data and its id, empty where it has none."""

    name: str
    data: bytes
    id: str


class EventReader:
    """Takes bytes as they come and gives the events that are complete. `retry_seconds` is how long to wait before a reconnect."""

    def __init__(self) -> None:
        self.retry_seconds = 2.0
        self._rest = b""
        self._name, self._data, self._id = "message", b"", ""

    def feed(self, received: bytes) -> list[ServerEvent]:
        """The events that end in these bytes."""
        *lines, self._rest = (self._rest + received).split(b"\n")
        return [event for line in lines if (event := self._take(line)) is not None]

    def _take(self, line: bytes) -> ServerEvent | None:
        if not line:
            event = ServerEvent(self._name, self._data, self._id) if self._data else None
            self._name, self._data, self._id = "message", b"", ""
            return event
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            self._name = value.decode()
        elif field == b"data":
            self._data = self._data + b"\n" + value if self._data else value
        elif field == b"id":
            self._id = value.decode()
        elif field == b"retry" and value.isdigit():
            self.retry_seconds = int(value) / 1000
        return None
