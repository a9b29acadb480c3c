"""How much memory a browser takes to send a large file: 2 GiB from the page in a real Chromium, through the API and straight to S3.

Counted is what the browser's processes hold together, what they share counted once (PSS), at its peak while the file is sent, less what
they held before. The file is sparse and lies on the disk; the parts are stored in the real S3.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from benchmarks.stand import OURS, Stand
from benchmarks.upload_memory import MIB

BYTES = 2048 * MIB
#: Three parts of 8 MiB on their way, each perhaps in the page and in the process that speaks to the network, and what is not yet collected.
TARGET_MIB = 256.0
WAYS = ("through the API", "straight")
_LOOK_SECONDS = 0.1
_DEADLINE_SECONDS = 600
_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)
_STATUS = "fetch('/v1/uploads').then((answer) => answer.json()).then(({ data: [upload] }) => upload?.status)"


async def measure() -> dict[str, Any]:
    """MiB that the browser holds more while it sends, and how fast it sends, either way."""
    api = [row for row in OURS if row.name == "api"]
    settings = {"VALENCE_STORAGE_PAGE_SENDS_STRAIGHT": "true"}
    with tempfile.TemporaryDirectory(prefix="valence-bench-") as folder:
        file = Path(folder) / "large.mp4"
        with file.open("wb") as opened:
            opened.truncate(BYTES)
        async with Stand(Path(folder) / "stand", workers=1, rows=api, settings=settings) as stand, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            sent = {way: await _send(browser, stand.address("api"), file, way) for way in WAYS}
    added = {way: figures["added_mib"] for way, figures in sent.items()}
    return {
        "bytes": BYTES,
        "added_mib": added,
        "held_before_mib": {way: figures["held_before_mib"] for way, figures in sent.items()},
        "mib_a_second": {way: figures["mib_a_second"] for way, figures in sent.items()},
        "target_added_mib": TARGET_MIB,
        "passed": max(added.values()) < TARGET_MIB,
    }


async def _send(browser: Browser, url: str, file: Path, way: str) -> dict[str, float]:
    """Somebody signs up and sends the file; what the browser held before, at most, and how fast it went."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{url}/sign-up")
    await page.get_by_label("E-mail address").fill(f"{way.replace(' ', '-').lower()}@example.org")
    await page.get_by_label("Password").fill("seven rivers run to one sea")
    await page.get_by_role("button", name="Make an account").click()
    chooser = page.get_by_label("Choose files")
    await chooser.wait_for(state="attached")
    await page.evaluate("(way) => { document.body.dataset.parts = way; }", way)
    processes = await _processes(browser)
    before = held(processes)
    started = time.monotonic()
    await chooser.set_input_files(file)
    async with asyncio.timeout(_DEADLINE_SECONDS):
        highest = await _peak(page, browser)
    seconds = time.monotonic() - started
    await context.close()
    return {
        "added_mib": round((highest - before) / MIB, 1),
        "held_before_mib": round(before / MIB, 1),
        "mib_a_second": round(BYTES / MIB / seconds, 1),
    }


async def _peak(page: Page, browser: Browser) -> int:
    """The most that the browser holds until the file has come whole, in bytes."""
    highest, processes = 0, await _processes(browser)
    while await page.evaluate(_STATUS) != "received":
        highest = max(highest, held(processes))
        await asyncio.sleep(_LOOK_SECONDS)
    return highest


async def _processes(browser: Browser) -> list[int]:
    session = await browser.new_browser_cdp_session()
    found = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    return [process["id"] for process in found["processInfo"]]


def held(processes: list[int]) -> int:
    """What processes hold together, what they share counted once, in bytes."""
    total = 0
    for pid in processes:
        try:
            found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue  # a process of an earlier page has ended
        total += int(found[1]) * 1024 if found else 0
    return total
