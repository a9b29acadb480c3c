"""The client: one method a route, and the few that everybody would write around them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar
from uuid import UUID

import httpx
import msgspec

from schemas.analysis import Analysis
from schemas.events import UploadStatusChanged
from schemas.resources import CreateUpload, Snapshot, Upload, UploadOptions, UploadPage
from schemas.status import TERMINAL, Status
from valence.errors import ServiceUnreachable, WaitTimedOut, raise_for_problem
from valence.follow import follow

T = TypeVar("T")

CHUNK_BYTES = 256 * 1024
#: After the last byte of a large video the API still puts its parts together.
_CONTENT_TIMEOUT = httpx.Timeout(30.0, read=180.0, write=180.0)


class Format(StrEnum):
    """The forms of an analysis that are text for other programs."""

    JSON = "json"
    SRT = "srt"
    VTT = "vtt"
    CSV = "csv"


class Client:
    """Speaks to the API at `base_url` with an API key.

    Every method raises ApiError where the API answers with a problem, and ServiceUnreachable where there is no answer. Live events are
    picked up again by themselves when a connection breaks, for up to `patience_seconds` without one.
    """

    def __init__(
        self, base_url: str, api_key: str, *, patience_seconds: float = 60.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._http = httpx.Client(
            base_url=base_url.rstrip("/"), headers={"Authorization": f"Bearer {api_key}"}, timeout=30.0, transport=transport
        )
        self._patience_seconds = patience_seconds

    def create_upload(
        self,
        filename: str,
        *,
        bytes: int | None = None,
        content_type: str | None = None,
        captions: bool = False,
        source: str | None = None,
    ) -> Upload:
        """Announce a video of `bytes` bytes, or with `source` one that lies in S3 already, as `s3://bucket/key`."""
        wanted = CreateUpload(
            filename=filename, bytes=bytes, content_type=content_type, options=UploadOptions(captions=captions), source=source
        )
        body = msgspec.json.encode(wanted)
        return self._get(Upload, "POST", "/v1/uploads", content=body, headers={"Content-Type": "application/json"})

    def put_content(
        self, upload_id: UUID, content: BinaryIO, bytes: int | None = None, progress: Callable[[int], None] | None = None
    ) -> Upload:
        """Send the video's bytes from a file that is open for reading; `progress` is called with the number of bytes of each piece."""
        headers = {} if bytes is None else {"Content-Length": str(bytes)}
        path = f"/v1/uploads/{upload_id}/content"
        return self._get(Upload, "PUT", path, content=_pieces(content, progress), headers=headers, timeout=_CONTENT_TIMEOUT)

    def upload_file(
        self,
        path: str | os.PathLike[str],
        *,
        content_type: str | None = None,
        captions: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Upload:
        """Send a file whole; its analysis begins by itself."""
        file = Path(path)
        with file.open("rb") as content:
            size = os.fstat(content.fileno()).st_size
            upload = self.create_upload(file.name, bytes=size, content_type=content_type, captions=captions)
            return self.put_content(upload.id, content, size, progress)

    def get_upload(self, upload_id: UUID) -> Upload:
        """An upload as it stands."""
        return self._get(Upload, "GET", f"/v1/uploads/{upload_id}")

    def list_uploads(self, *, limit: int = 20, after: str | None = None, statuses: Iterable[Status] = ()) -> UploadPage:
        """A page of uploads, newest first; `after` is the `next_cursor` of the page before."""
        parameters: list[tuple[str, str | int | float | bool | None]] = [("limit", limit)]
        parameters += [("status", status.value) for status in statuses]
        parameters += [("after", after)] if after else []
        return self._get(UploadPage, "GET", "/v1/uploads", params=parameters)

    def retry(self, upload_id: UUID) -> Upload:
        """Start the next attempt of an upload that has come to an end."""
        return self._get(Upload, "POST", f"/v1/uploads/{upload_id}/retry")

    def analysis(self, upload_id: UUID, attempt: int | None = None) -> Analysis:
        """What was found, by the newest attempt that has an analysis or by the one that is named."""
        return msgspec.json.decode(self.analysis_as(upload_id, Format.JSON, attempt), type=Analysis)

    def analysis_as(self, upload_id: UUID, form: Format, attempt: int | None = None) -> str:
        """What was found, as text in one of the formats."""
        parameters = {} if attempt is None else {"attempt": attempt}
        return self._send("GET", f"/v1/uploads/{upload_id}/analysis.{form.value}", params=parameters).content.decode()

    def events(self, upload_id: UUID, after: int = 0) -> Iterator[UploadStatusChanged]:
        """Every status of an upload with a sequence above `after`, each once and in order, until the one that ends its newest attempt."""
        return self._statuses(upload_id, after, None)

    def all_events(self) -> Iterator[Snapshot | UploadStatusChanged]:
        """All uploads live, without an end: a snapshot first, and again after each reconnect, then every change."""
        for event in follow(self._http, "/v1/events", _Everything(), patience_seconds=self._patience_seconds):
            if event.name == "snapshot":
                yield msgspec.json.decode(event.data, type=Snapshot)
            elif event.name == "status":
                yield msgspec.json.decode(event.data, type=UploadStatusChanged)

    def wait(self, upload_id: UUID, timeout_seconds: float | None = None) -> Upload:
        """The upload once it has come to an end, well or not; WaitTimedOut if it has not after `timeout_seconds`."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        for _ in self._statuses(upload_id, 0, deadline):
            pass  # each status is told by the stream; what counts here is its end
        upload = self.get_upload(upload_id)
        if upload.status not in TERMINAL:
            raise WaitTimedOut(f"upload {upload_id} is {upload.status} after {timeout_seconds} s; it goes on, so wait longer")
        return upload

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _statuses(self, upload_id: UUID, after: int, deadline: float | None) -> Iterator[UploadStatusChanged]:
        position = _AfterSequence(after)
        path = f"/v1/uploads/{upload_id}/events"
        for event in follow(self._http, path, position, patience_seconds=self._patience_seconds, deadline=deadline):
            status = msgspec.json.decode(event.data, type=UploadStatusChanged)
            position.take(status)
            yield status

    def _get(self, kind: type[T], method: str, path: str, **request: Any) -> T:
        return msgspec.json.decode(self._send(method, path, **request).content, type=kind)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise ServiceUnreachable(str(self._http.base_url), error) from error
        raise_for_problem(response)
        return response


class _AfterSequence:
    """An upload's stream goes on after the last sequence, and is finished once it has ended on a terminal status."""

    def __init__(self, sequence: int) -> None:
        self._sequence = sequence
        self.finished = False

    def take(self, status: UploadStatusChanged) -> None:
        self._sequence, self.finished = status.sequence, status.status in TERMINAL

    def headers(self) -> dict[str, str]:
        return {"Last-Event-ID": str(self._sequence)} if self._sequence else {}


class _Everything:
    """An account's stream begins anew each time, and is never finished."""

    finished = False

    def headers(self) -> dict[str, str]:
        return {}


def _pieces(content: BinaryIO, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    while piece := content.read(CHUNK_BYTES):
        yield piece
        if progress is not None:
            progress(len(piece))
