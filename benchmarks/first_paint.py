"""How soon a first visit shows something, and what it weighs: the page in a real Chromium with an empty cache."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from benchmarks.stand import OURS, Stand

VISITS = 9
TARGET_SECONDS = 1.0
TARGET_KIB = 150.0
_PAINTED = """new Promise(resolve => new PerformanceObserver(list => {
  const paint = list.getEntriesByName("first-contentful-paint")[0];
  if (paint) resolve(paint.startTime);
}).observe({type: "paint", buffered: true}))"""


async def measure() -> dict[str, Any]:
    """Seconds to the first contentful paint over loopback, and KiB over the wire, of somebody who has never been there."""
    api = [row for row in OURS if row.name == "api"]
    with tempfile.TemporaryDirectory(prefix="valence-bench-") as folder:
        async with Stand(Path(folder), workers=1, rows=api) as stand, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            visits = [await _visit(browser, stand.address("api")) for _ in range(VISITS)]
    seconds, weights = zip(*visits[1:], strict=True)  # the first one starts the browser's own processes
    return {
        "visits": len(seconds),
        "first_paint_seconds": {"median": round(statistics.median(seconds), 3), "longest": round(max(seconds), 3)},
        "over_the_wire_kib": round(max(weights) / 1024, 1),
        "target_seconds": TARGET_SECONDS,
        "target_kib": TARGET_KIB,
        "passed": max(seconds) < TARGET_SECONDS and max(weights) / 1024 < TARGET_KIB,
    }


async def _visit(browser: Browser, url: str) -> tuple[float, float]:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    weight = 0.0
    session = await context.new_cdp_session(page)
    await session.send("Network.enable")

    def loaded(event: dict[str, Any]) -> None:
        nonlocal weight
        weight += event["encodedDataLength"]

    session.on("Network.loadingFinished", loaded)
    await page.goto(f"{url}/", wait_until="networkidle")
    painted = await page.evaluate(_PAINTED)
    await context.close()
    return painted / 1000, weight
