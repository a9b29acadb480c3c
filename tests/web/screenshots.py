"""`python -m tests.web.screenshots`: make the pictures of the documentation, on the real stack with the sample, as people see them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from local.background import running_stack
from local.preparation import prepare
from local.stack import Stack
from samples.script import DIALOGUE, ERRAND
from tests.web.visitor import Account, analyse, make_account, opened, playable, true_of
from tests.webhook_receiver import receiving

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
#: What is shown, how wide and in which theme; `{id}` is the sample's upload.
PICTURES = (
    ("welcome", "/sign-up", ((1440, "light"), (390, "dark"))),
    ("library", "/", ((1440, "light"), (390, "light"))),
    ("search", "/?q=contract+or+market", ((768, "dark"),)),
    ("result", "/uploads/{id}#t=23.4", ((1440, "light"), (1440, "dark"), (768, "light"), (390, "dark"))),
    ("webhooks", "/settings", ((768, "light"),)),
    ("reference", "/reference", ((1440, "dark"),)),
)
_HEIGHTS = {1440: 900, 768: 1024, 390: 844}


async def take_all(url: str) -> None:
    """Analyse the samples for a new account, and take every picture."""
    account = await make_account(url)
    async with receiving() as receiver:
        answer = await account.http.post("/v1/webhooks", json={"url": receiver.url, "description": "the edit suite"})
        assert answer.status_code == 201, answer.text
        upload_id = await analyse(account, DIALOGUE, attempts=2)
        await analyse(account, ERRAND)
        await receiver.wait_for(3)
    await account.http.post("/v1/uploads", json={"filename": "interview, second take.mov", "bytes": 812_345_678})
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, path, looks in PICTURES:
            for width, theme in looks:
                who = None if name == "welcome" else account
                await take(browser, url, who, path.format(id=upload_id), FOLDER / f"{name}-{width}-{theme}.jpg", width, theme)
    await account.http.aclose()


async def take(browser: Browser, url: str, account: Account | None, path: str, file: Path, width: int, theme: str) -> None:
    """One picture."""
    visitor = await opened(browser, url, account, viewport={"width": width, "height": _HEIGHTS[width]}, color_scheme=theme)
    await visitor.go(path)
    if path.startswith("/uploads/"):
        await playable(visitor.page)
        await true_of(
            visitor.page,
            "(({ currentTime, seeking, readyState }) => currentTime && !seeking && readyState > 1)(document.querySelector('video'))",
        )
    if path == "/settings":
        await visitor.page.get_by_text("What it was told").click()
        await visitor.page.locator("#webhooks").evaluate("section => section.scrollIntoView()")
    await visitor.page.wait_for_load_state("networkidle")
    await visitor.page.screenshot(path=file, type="jpeg", quality=82)
    await visitor.page.context.close()


def main() -> None:
    """Start the stack, take the pictures, stop it."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="valence-screenshots-") as folder,
        running_stack(Stack(Path(folder), prepare=prepare, settings={"VALENCE_WEBHOOKS_ALLOW_LOOPBACK": "true"})) as stack,
    ):
        asyncio.run(take_all(stack.address("api")))


if __name__ == "__main__":
    main()
