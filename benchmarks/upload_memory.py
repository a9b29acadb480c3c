"""How much memory one upload of 1 GiB through the API takes: `python -m benchmarks.upload_memory [MiB]` prints JSON.

Real servers, the API as a process of its own; its resident memory is read every 20 ms while the bytes go through.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from api import accounts
from local.background import running_servers
from runtime import database, provisioning, settings
from runtime.database import Database
from tests.api_process import free_port, running
from valence import Client

MIB = 1024**2
#: What a body adds at most; the benchmark fails above it.
LIMIT_MIB = 64


class Zeros:
    """A file of so many bytes that lies nowhere."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._block = os.urandom(MIB)

    def read(self, most: int = -1) -> bytes:
        """The next bytes, the same block again and again."""
        piece = self._block[: min(most, self._left)]
        self._left -= len(piece)
        return piece


async def _key(url: str) -> str:
    await database.migrate(url)
    opened = Database(url)
    await accounts.create_account(opened, "benchmark")
    key = await accounts.create_key(opened, "benchmark")
    await opened.close()
    return key.text


def measure(size: int) -> dict[str, float]:
    """Send `size` bytes and return the memory before, at the peak, the difference, and the speed."""
    with tempfile.TemporaryDirectory() as folder, running_servers(Path(folder), report=lambda line: None) as environment:
        os.environ.update(environment)
        loaded = settings.load()
        provisioning.create_topics(loaded)
        provisioning.create_storage(loaded)
        key = asyncio.run(_key(loaded.database_url))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with running("api", {**environment, "VALENCE_API_PORT": str(port)}, url, page="/readyz") as api, Client(url, key) as client:
            small = client.create_upload("warm-up.mp4")
            client.put_content(small.id, Zeros(1), 1)  # type: ignore[arg-type]  # reads like a file
            process, done, peak = psutil.Process(api.process.pid), threading.Event(), [0]
            before = process.memory_info().rss

            def watch() -> None:
                while not done.wait(0.02):
                    peak[0] = max(peak[0], process.memory_info().rss)

            watcher = threading.Thread(target=watch)
            watcher.start()
            began = time.perf_counter()
            upload = client.create_upload("large.mp4", bytes=size)
            client.put_content(upload.id, Zeros(size), size)  # type: ignore[arg-type]  # reads like a file
            seconds = time.perf_counter() - began
            done.set()
            watcher.join()
    added = (peak[0] - before) / MIB
    return {
        "content_mib": size / MIB,
        "before_mib": round(before / MIB, 1),
        "peak_mib": round(peak[0] / MIB, 1),
        "added_mib": round(added, 1),
        "seconds": round(seconds, 2),
        "mib_per_second": round(size / MIB / seconds, 1),
    }


if __name__ == "__main__":
    result = measure(int(sys.argv[1]) * MIB if len(sys.argv) > 1 else 1024 * MIB)
    print(json.dumps(result))
    sys.exit(result["added_mib"] >= LIMIT_MIB)
