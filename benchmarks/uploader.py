"""A client that uploads as any patient program would: what was not answered, or answered with 503, it sends again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx

#: Between two tries.
_PAUSE_SECONDS = 0.25
#: An upload that nobody has accepted by then has failed.
_PATIENCE_SECONDS = 180.0
#: The account sends as much as it may already, which happens on a busy machine: send again.
_TOO_MANY = 429
_ACCEPTED_BEFORE = 409


class Refused(Exception):
    """The API refuses what it should take."""


class Uploader:
    """Sends videos to the API; `interruptions` counts what it had to send again, by why."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.interruptions: Counter[str] = Counter()

    async def upload(self, name: str, content: bytes, announced: Callable[[UUID], None] = lambda upload_id: None) -> UUID:
        """Announce and send a video; returns its id once the API has said, or shown, that it has the content.

        Raises Refused, and TimeoutError if it takes too long.
        """
        async with asyncio.timeout(_PATIENCE_SECONDS):
            body = {"filename": name, "bytes": len(content), "content_type": "video/mp4"}
            response, _ = await self._insist(lambda: self.client.post("/v1/uploads", json=body))
            if response.status_code != 201:
                raise Refused(f"POST /v1/uploads: {response.status_code} {response.text}")
            upload_id = UUID(response.json()["id"])
            announced(upload_id)
            response, again = await self._insist(lambda: self.client.put(f"/v1/uploads/{upload_id}/content", content=content))
            # A try whose answer was lost may have been the one that was accepted.
            if not response.is_success and not (again and response.status_code == _ACCEPTED_BEFORE):
                raise Refused(f"PUT /v1/uploads/{upload_id}/content: {response.status_code} {response.text}")
            return upload_id

    async def _insist(self, send: Callable[[], Awaitable[httpx.Response]]) -> tuple[httpx.Response, bool]:
        again = False
        while True:
            try:
                response = await send()
            except httpx.TransportError as error:
                self.interruptions[type(error).__name__] += 1
            else:
                if response.status_code < 500 and response.status_code != _TOO_MANY:
                    return response, again
                self.interruptions[str(response.status_code)] += 1
            again = True
            await asyncio.sleep(_PAUSE_SECONDS)
