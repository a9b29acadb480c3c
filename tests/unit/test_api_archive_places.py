"""Who is sent archives while others are, and when a place is free again, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import uuid4

import pytest
from litestar.types import Scope

from api.archive_places import ArchivePlaces
from api.archive_response import ArchiveResponse
from api.problems import Busy, TooManyArchives

ACCOUNT = uuid4()


class Reader:
    """Takes so many messages and then reads no more; `gone` is set when it leaves."""

    def __init__(self, takes: int = 9) -> None:
        self.taken: list[Any] = []
        self.gone, self.stopped = asyncio.Event(), asyncio.Event()
        self._takes = takes

    async def send(self, message: Any) -> None:
        if len(self.taken) >= self._takes:
            self.stopped.set()
            await asyncio.Event().wait()
        self.taken.append(message)
        if message["type"] == "http.response.body" and not message["more_body"]:
            self.gone.set()

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def content() -> AsyncIterator[bytes]:
    yield b"PK"
    yield b"..."


async def send(places: ArchivePlaces, reader: Reader, seconds: float = 60.0) -> None:
    response = ArchiveResponse(places, ACCOUNT, content(), "analyses.zip", send_seconds=seconds)
    await response(cast(Scope, {"type": "http"}), reader.receive, cast(Any, reader.send))


def free(places: ArchivePlaces) -> bool:
    """Whether the account may have one."""
    try:
        with places.taken(ACCOUNT):
            return True
    except TooManyArchives:
        return False


def test_an_account_that_fetches_many_archives_leaves_places_for_the_others() -> None:
    places = ArchivePlaces(per_account=2, per_worker=3)
    with places.taken(ACCOUNT), places.taken(ACCOUNT):
        with pytest.raises(TooManyArchives) as refused, places.taken(ACCOUNT):
            pass
        assert refused.value.headers["Retry-After"]
        with places.taken(uuid4()), pytest.raises(Busy) as full, places.taken(uuid4()):
            pass
        assert full.value.headers["Retry-After"]


async def test_a_place_is_free_again_once_the_archive_is_sent() -> None:
    places, reader = ArchivePlaces(per_account=1), Reader()
    await send(places, reader)
    assert b"".join(message["body"] for message in reader.taken[1:]) == b"PK..."
    assert free(places)


async def test_a_place_is_taken_while_the_reader_reads_and_free_once_it_has_left() -> None:
    places, reader = ArchivePlaces(per_account=1), Reader(takes=2)
    sending = asyncio.create_task(send(places, reader))
    await reader.stopped.wait()
    with pytest.raises(TooManyArchives):
        await send(places, late := Reader())
    assert late.taken == [], "it is refused before anything is sent"
    reader.gone.set()
    await sending
    assert free(places)


@pytest.mark.parametrize("takes", [0, 2])
async def test_a_reader_that_reads_no_more_loses_its_place(takes: int) -> None:
    places, reader = ArchivePlaces(per_account=1), Reader(takes)
    await send(places, reader, 0.01)
    assert free(places)
