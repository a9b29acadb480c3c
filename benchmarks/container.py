"""The model's container as its own process: how soon it is in service, and how much memory it and all that it starts have taken."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil

from local.ports import HOST, Ports

#: Loading a gigabyte of weights takes its time.
_PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 0.02
#: For an answer: a long video is worked on for minutes.
_LONGEST_SECONDS = 1800.0
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class Container(NamedTuple):
    """A container in service: its process, a client that is there already, and the seconds from its start to the first 200 of `/ping`."""

    pid: int
    client: httpx.AsyncClient
    start_seconds: float

    @property
    def peak_bytes(self) -> int:
        """The most resident memory that each of its processes has ever had, added up: what they share is counted in each."""
        own = psutil.Process(self.pid)
        return sum(_peak(process.pid) for process in (own, *own.children(recursive=True)))


@asynccontextmanager
async def container(settings: Mapping[str, str]) -> AsyncIterator[Container]:
    """Run `python -m model serve` with these settings while the block lasts."""
    ports = Ports({}, {})
    port = ports.port("model")
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "model", "serve"),
        env={**os.environ, **settings, "VALENCE_MODEL_PORT": str(port)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=_LONGEST_SECONDS, trust_env=False) as client:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not await _serves(client):
                    if process.returncode is not None:
                        raise RuntimeError(f"the container ended with code {process.returncode} before it was in service: run it by hand")
                    await asyncio.sleep(_LOOK_SECONDS)
            yield Container(process.pid, client, time.monotonic() - began)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        ports.close()


async def _serves(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/ping")).status_code == 200
    except httpx.TransportError:
        return False


def _peak(pid: int) -> int:
    found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0
