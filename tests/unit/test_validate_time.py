"""Opening a file has a limit of its own: what it waits for behind other files does not use up the attempt."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from runtime.settings import Settings
from runtime.storage import ObjectInfo
from schemas.media import MediaInfo
from stream_processors import stage as stages
from stream_processors.validate import Validate
from tests.chain import upload_received


async def test_a_file_that_waits_for_its_turn_does_not_use_up_the_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks: list[float | None] = []

    async def probe(found: Any) -> MediaInfo:
        clock = stages._clock.get()
        assert clock is not None
        clocks.append(clock.when())
        return MediaInfo(container="mp4", bytes=1)

    async def instantly(*_: Any) -> Any:
        return SimpleNamespace(info=ObjectInfo("ingest/clip.mp4", 1, "e"))

    nothing: Any = None
    pool: Any = SimpleNamespace(probe=probe)
    validate = Validate(Settings(database_url="unused", kafka_bootstrap_servers="unused"), nothing, nothing, pool)
    for step in ("_admit", "_look", "_remember"):
        monkeypatch.setattr(validate, step, instantly)
    async with asyncio.timeout(60) as clock:
        token = stages._clock.set(clock)
        await validate.handle(upload_received())
        stages._clock.reset(token)
        assert clock.when() is not None, "the rest of the attempt counts"
    assert clocks == [None]
