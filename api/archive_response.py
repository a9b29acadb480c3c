"""The response that an archive is sent by: it has a place until it is sent, its reader leaves, or its reader reads no more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from uuid import UUID

from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import Message, Receive, Scope, Send

from api.archive_places import ArchivePlaces

log = logging.getLogger(__name__)

#: How long a reader may take nothing of what is sent before its place is another's.
SEND_SECONDS = 60.0


class _Stalled(Exception):
    """The reader takes nothing any more."""


class ArchiveResponse:
    """Sends what `content` gives as a file of this name, if there is a place for it: else TooManyArchives or Busy, and nothing is begun."""

    def __init__(
        self,
        places: ArchivePlaces,
        account_id: UUID,
        content: AsyncIterator[bytes],
        file_name: str,
        *,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self._places, self._account_id, self._send_seconds = places, account_id, send_seconds
        self._content, self._file_name = content, file_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a place, send, and leave it however that ends."""

        async def patiently(message: Message) -> None:
            try:
                async with asyncio.timeout(self._send_seconds):
                    await send(message)
            except TimeoutError as error:
                raise _Stalled from error

        with self._places.taken(self._account_id):
            headers = {"Content-Disposition": f'attachment; filename="{self._file_name}"'}
            response = ASGIStreamingResponse(iterator=self._content, media_type="application/zip", headers=headers)
            try:
                await response(scope, receive, patiently)
            except* _Stalled:  # the response stays unfinished, so the server drops the connection
                log.warning("an archive was not read any more", extra={"account_id": str(self._account_id)})
