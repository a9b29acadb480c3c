"""The client, asynchronous: one method a route, and the few that everybody would write around them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar
from uuid import UUID, uuid4

import httpx
import msgspec

from schemas.accounts import Receipt
from schemas.analysis import Analysis, Emotion, Sentiment
from schemas.events import UploadStatusChanged
from schemas.resources import (
    AskPartUrls,
    CompleteUpload,
    CreateUpload,
    PartList,
    PartUrl,
    PartUrls,
    SentPart,
    Snapshot,
    StoredPart,
    Upload,
    UploadOptions,
    UploadPage,
    UploadProgress,
)
from schemas.status import TERMINAL, Status
from valence.async_webhooks import AsyncWebhooks
from valence.downloading import download
from valence.errors import WaitTimedOut
from valence.follow import AfterSequence, Everything, follow
from valence.formats import Format
from valence.pieces import Pieces, Progress, digest_header, read_pieces
from valence.retrying import Persistence
from valence.selection import Selection
from valence.transfer import Control, Transfer

T = TypeVar("T")

#: After the last byte of a large video the API still puts its parts together, and reads it whole to check its digest.
_PATIENT = httpx.Timeout(30.0, read=300.0, write=180.0)
#: What an upload's events hold, by their names; others may come, and are not for this client.
_UPDATES: dict[str, type[UploadStatusChanged] | type[UploadProgress]] = {"status": UploadStatusChanged, "progress": UploadProgress}


class AsyncClient:
    """Speaks to the API at `base_url` with an API key.

    Every method raises ApiError where the API answers with a problem, and ServiceUnreachable where there is no answer. What passes is
    waited for, and connections that break are made again, for up to `patience_seconds`: no request does anything twice.
    """

    def __init__(
        self, base_url: str, api_key: str, *, patience_seconds: float = 60.0, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url.rstrip("/"), headers={"Authorization": f"Bearer {api_key}"}, timeout=30.0, transport=transport
        )
        self._storage = httpx.AsyncClient(timeout=_PATIENT, transport=transport)
        self._patience_seconds = patience_seconds
        self._persistence = Persistence(base_url, patience_seconds)
        self.webhooks = AsyncWebhooks(self._send)

    async def create_upload(
        self,
        filename: str,
        *,
        bytes: int | None = None,
        content_type: str | None = None,
        sha256: str | None = None,
        captions: bool = False,
        source: str | None = None,
    ) -> Upload:
        """Announce a video of `bytes` bytes, or with `source` one that lies in S3 already, as `s3://bucket/key`.

        `sha256` in hexadecimal digits is checked when the content has come.
        """
        wanted = CreateUpload(
            filename=filename,
            bytes=bytes,
            content_type=content_type,
            sha256=sha256,
            options=UploadOptions(captions=captions),
            source=source,
        )
        return await self._get(Upload, "POST", "/v1/uploads", body=wanted, once=True)

    async def put_content(self, upload_id: UUID, content: BinaryIO, bytes: int | None = None, progress: Progress | None = None) -> Upload:
        """Send the video's bytes from a file that is open for reading, in one request that is made once."""
        headers = {} if bytes is None else {"Content-Length": str(bytes)}
        path = f"/v1/uploads/{upload_id}/content"
        return await self._get(
            Upload, "PUT", path, content=lambda: read_pieces(content, progress), headers=headers, timeout=_PATIENT, again=False
        )

    async def upload_file(
        self,
        path: str | os.PathLike[str],
        *,
        content_type: str | None = None,
        captions: bool = False,
        sha256: str | None = None,
        resume: UUID | None = None,
        straight_to_storage: bool = False,
        progress: Progress | None = None,
        control: Control | None = None,
        announced: Callable[[Upload], None] | None = None,
    ) -> Upload:
        """Send a file in parts, several at a time; its analysis begins by itself.

        An upload that was interrupted goes on with `resume`, its id, which `announced` is told before the first part is sent: parts that
        are there and alike are not sent again. `straight_to_storage` sends them to S3 and not through the API. `progress` is called with
        numbers of bytes, negative ones when a part must be sent again. Raises UploadCancelled after `control.cancel()`, and FileChanged.
        """
        transfer = Transfer(self, path, straight_to_storage, progress or (lambda count: None), control or Control())
        if resume is not None:
            upload = await self.get_upload(resume)
        else:
            upload = await self.create_upload(
                transfer.name,
                bytes=transfer.size,
                content_type=content_type or transfer.content_type,
                sha256=sha256,
                captions=captions,
            )
        if announced is not None:
            announced(upload)
        return await transfer.send(upload, whole=resume is None)

    async def parts(self, upload_id: UUID) -> PartList:
        """The parts of an upload that have come."""
        return await self._get(PartList, "GET", f"/v1/uploads/{upload_id}/parts")

    async def put_part(self, upload_id: UUID, number: int, content: bytes, progress: Progress | None = None) -> StoredPart:
        """Send one part through the API, which checks its digest."""
        headers = {"Content-Length": str(len(content)), "Content-Digest": await asyncio.to_thread(digest_header, content)}
        path = f"/v1/uploads/{upload_id}/parts/{number}"
        with Pieces(content, progress) as pieces:
            return await self._get(StoredPart, "PUT", path, content=pieces.once, headers=headers, timeout=_PATIENT)

    async def part_urls(self, upload_id: UUID, numbers: Sequence[int]) -> list[PartUrl]:
        """Addresses at S3 to which these parts may be PUT, each for 15 minutes."""
        body = AskPartUrls(numbers=list(numbers))
        return (await self._get(PartUrls, "POST", f"/v1/uploads/{upload_id}/part-urls", body=body)).urls

    async def complete(self, upload_id: UUID, parts: Sequence[SentPart] | None = None) -> Upload:
        """Make the parts that have come, or those that are named, the content."""
        body = CompleteUpload(parts=list(parts) if parts is not None else None)
        return await self._get(Upload, "POST", f"/v1/uploads/{upload_id}/complete", body=body, timeout=_PATIENT)

    async def get_upload(self, upload_id: UUID) -> Upload:
        """An upload as it stands."""
        return await self._get(Upload, "GET", f"/v1/uploads/{upload_id}")

    async def list_uploads(
        self,
        *,
        search: str | None = None,
        emotions: Iterable[Emotion] = (),
        sentiments: Iterable[Sentiment] = (),
        statuses: Iterable[Status] = (),
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int = 20,
        after: str | None = None,
    ) -> UploadPage:
        """A page of uploads, newest first, after the `next_cursor` of the page before; the filters are those of `Selection`."""
        found = Selection(search, emotions, sentiments, statuses, created_after, created_before).parameters()
        return await self._get(UploadPage, "GET", "/v1/uploads", params=[*found, ("limit", limit), *([("after", after)] if after else [])])

    async def retry(self, upload_id: UUID) -> Upload:
        """Start the next attempt of an upload that has come to an end."""
        return await self._get(Upload, "POST", f"/v1/uploads/{upload_id}/retry", once=True)

    async def cancel(self, upload_id: UUID) -> Upload:
        """Give up an upload that has not come to an end: its work is withdrawn, and what it holds of the plan is given back."""
        return await self._get(Upload, "POST", f"/v1/uploads/{upload_id}/cancel")

    async def delete(self, upload_id: UUID) -> Receipt:
        """Erase an upload with everything that was made of it; `receipt` tells later how far that has come."""
        return await self._get(Receipt, "DELETE", f"/v1/uploads/{upload_id}")

    async def receipt(self, receipt_id: UUID) -> Receipt:
        """What was erased, and whether all of it is gone."""
        return await self._get(Receipt, "GET", f"/v1/receipts/{receipt_id}")

    async def analysis(self, upload_id: UUID, attempt: int | None = None) -> Analysis:
        """What was found, by the newest attempt that has an analysis or by the one that is named."""
        return msgspec.json.decode(await self.analysis_as(upload_id, Format.JSON, attempt), type=Analysis)

    async def analysis_as(self, upload_id: UUID, form: Format, attempt: int | None = None) -> str:
        """What was found, as text in one of the formats."""
        parameters = {} if attempt is None else {"attempt": attempt}
        return (await self._send("GET", f"/v1/uploads/{upload_id}/analysis.{form.value}", params=parameters)).content.decode()

    async def archive(self, out: BinaryIO, selection: Selection | None = None, *, formats: Iterable[Format] = (Format.JSON,)) -> int:
        """Write the analyses of the uploads that a selection leaves into a file that is open for writing, as one ZIP; its size in bytes.

        `manifest.json` in it says what each upload gave, or why nothing. An archive that broke off is not begun again."""
        parameters = [*(selection or Selection()).parameters(), *(("format", form.value) for form in formats)]
        return await download(self._http, "/v1/analyses.zip", parameters, out)

    async def events(self, upload_id: UUID, after: int = 0) -> AsyncGenerator[UploadStatusChanged, None]:
        """Every status of an upload with a sequence above `after`, each once and in order, until the one that ends its newest attempt."""
        async with aclosing(self._updates(upload_id, after, None)) as updates:
            async for update in updates:
                if isinstance(update, UploadStatusChanged):
                    yield update

    async def updates(self, upload_id: UUID, after: int = 0) -> AsyncGenerator[UploadStatusChanged | UploadProgress, None]:
        """The same statuses, and between them the place in the queue and about how long it takes, whenever there is news of that."""
        async with aclosing(self._updates(upload_id, after, None)) as updates:
            async for update in updates:
                yield update

    async def all_events(self) -> AsyncGenerator[Snapshot | UploadStatusChanged | UploadProgress, None]:
        """All uploads live, without an end: a snapshot first, and again after each reconnect, then every change and every progress."""
        async with aclosing(follow(self._http, "/v1/events", Everything(), patience_seconds=self._patience_seconds)) as events:
            async for event in events:
                if event.name == "snapshot":
                    yield msgspec.json.decode(event.data, type=Snapshot)
                elif event.name in _UPDATES:
                    yield msgspec.json.decode(event.data, type=_UPDATES[event.name])

    async def wait(self, upload_id: UUID, timeout_seconds: float | None = None) -> Upload:
        """The upload once it has come to an end, well or not; WaitTimedOut if it has not after `timeout_seconds`."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        async with aclosing(self._updates(upload_id, 0, deadline)) as updates:
            async for _ in updates:
                pass  # each status is told by the stream; what counts here is its end
        upload = await self.get_upload(upload_id)
        if upload.status not in TERMINAL:
            raise WaitTimedOut(f"upload {upload_id} is {upload.status} after {timeout_seconds} s; it goes on, so wait longer")
        return upload

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()
        await self._storage.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def put_to_storage(self, url: str, content: bytes, progress: Progress | None = None) -> httpx.Response:
        """PUT a part to an address that `part_urls` gave, without our key; the answer is S3's, whatever it is."""
        with Pieces(content, progress) as pieces:
            return await self._storage.put(url, content=pieces.once(), headers={"Content-Length": str(len(content))})

    async def _updates(
        self, upload_id: UUID, after: int, deadline: float | None
    ) -> AsyncGenerator[UploadStatusChanged | UploadProgress, None]:
        position = AfterSequence(after)
        path = f"/v1/uploads/{upload_id}/events"
        found = follow(self._http, path, position, patience_seconds=self._patience_seconds, deadline=deadline)
        async with aclosing(found) as events:
            async for event in events:
                if event.name in _UPDATES:
                    update = msgspec.json.decode(event.data, type=_UPDATES[event.name])
                    if isinstance(update, UploadStatusChanged):
                        position.take(update)
                    yield update

    async def _get(self, kind: type[T], method: str, path: str, **request: Any) -> T:
        return msgspec.json.decode((await self._send(method, path, **request)).content, type=kind)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: msgspec.Struct | None = None,
        content: Callable[[], AsyncIterator[bytes]] | None = None,
        headers: dict[str, str] | None = None,
        once: bool = False,
        again: bool = True,
        **request: Any,
    ) -> httpx.Response:
        given = dict(headers or {})
        if body is not None:
            given["Content-Type"] = "application/json"
        if once:
            given["Idempotency-Key"] = str(uuid4())

        def send() -> Any:
            sent = msgspec.json.encode(body) if body is not None else content() if content is not None else None
            return self._http.request(method, path, content=sent, headers=given, **request)

        return await self._persistence.ask(send, again=again)
